//! The parsing canonical form of a schema, and its fingerprint. (Those of the crate keep a decimal's precision and a field's
//! order, which the specification strips; the fingerprint would be one that no other implementation has.)

use apache_avro::Schema as Avro;

use super::plain::Plain;

pub(super) fn form(schema: &Avro) -> String {
    let mut out = String::new();
    push(schema, &mut out);
    out
}

fn push(schema: &Avro, out: &mut String) {
    match Plain::of(schema) {
        Plain::Fixed(own) => {
            declare(own.name.as_ref(), "fixed", out);
            out.push_str(",\"size\":");
            out.push_str(&own.size.to_string());
            out.push('}');
        }
        Plain::Array(own) => {
            out.push_str("{\"type\":\"array\",\"items\":");
            push(&own.items, out);
            out.push('}');
        }
        Plain::Map(own) => {
            out.push_str("{\"type\":\"map\",\"values\":");
            push(&own.types, out);
            out.push('}');
        }
        Plain::Union(own) => {
            out.push('[');
            list(own.variants(), out, push);
            out.push(']');
        }
        Plain::Record(own) => {
            declare(own.name.as_ref(), "record", out);
            out.push_str(",\"fields\":[");
            list(&own.fields, out, |field, out| {
                out.push_str("{\"name\":");
                quote(&field.name, out);
                out.push_str(",\"type\":");
                push(&field.schema, out);
                out.push('}');
            });
            out.push_str("]}");
        }
        Plain::Enum(own) => {
            declare(own.name.as_ref(), "enum", out);
            out.push_str(",\"symbols\":[");
            list(&own.symbols, out, |symbol, out| quote(symbol, out));
            out.push_str("]}");
        }
        plain => quote(plain.word(), out),
    }
}

fn declare(name: &str, kind: &str, out: &mut String) {
    out.push_str("{\"name\":");
    quote(name, out);
    out.push_str(",\"type\":");
    quote(kind, out);
}

/// Names have no letters that need an escape.
fn quote(name: &str, out: &mut String) {
    out.push('"');
    out.push_str(name);
    out.push('"');
}

fn list<T>(items: &[T], out: &mut String, mut push: impl FnMut(&T, &mut String)) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push(item, out);
    }
}

/// CRC-64-AVRO, which is Rabin's fingerprint with this polynomial, also the fingerprint of nothing.
const EMPTY: u64 = 0xc15d_213a_a4d7_a795;

pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(EMPTY, |crc, byte| {
        let mut low = (crc ^ u64::from(*byte)) & 0xff;
        for _ in 0..8 {
            low = (low >> 1) ^ (EMPTY & (low & 1).wrapping_neg());
        }
        (crc >> 8) ^ low
    })
}
