//! Random records, `.proto` texts and values.

use std::collections::BTreeSet;

use crate::wire::shape::{Bits, Field, Integer, Record, Shape, Unit, UuidForm, Value};

/// `SplitMix64`: <https://prng.di.unimi.it/splitmix64.c>.
pub(in crate::wire) struct Draw(pub(in crate::wire) u64);

impl Draw {
    pub(in crate::wire) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(in crate::wire) fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    pub(in crate::wire) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A whole number of any length, often at an edge.
    fn integer(&mut self, min: i128, max: i128) -> i128 {
        let spread = (max - min) as u128;
        match self.below(6) {
            0 => min,
            1 => max,
            2 => 0.clamp(min, max),
            _ => {
                let bits = self.below(64);
                let value = i128::from(self.next() >> bits);
                let signed = if self.chance(50) { -value } else { value };
                if signed >= min && signed <= max {
                    signed
                } else {
                    min + (u128::from(self.next()) % (spread + 1)) as i128
                }
            }
        }
    }

    fn text(&mut self) -> Box<str> {
        let length = if self.chance(5) { 100 + self.below(300) } else { self.below(12) };
        (0..length).map(|_| ['a', 'Z', '0', ' ', '"', '\n', '\u{e9}', '\u{1f600}'][self.below(8)]).collect()
    }

    fn bytes(&mut self, length: usize) -> Box<[u8]> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    pub(in crate::wire) fn record(&mut self, depth: usize, name: &str) -> Record {
        let fields = (0..=self.below(6)).map(|at| {
            let shape = if self.chance(10) {
                Shape::Constant(self.text())
            } else {
                self.shape(depth, &format!("{name}{at}"), true)
            };
            Field { name: format!("field_{at}").into(), shape, default: None }
        });
        let mut record = Record { name: name.into(), fields: fields.collect() };
        if record.only_value().is_some() {
            record.fields.push(Field { name: "more".into(), shape: Shape::Text, default: None });
        }
        record
    }

    fn shape(&mut self, depth: usize, name: &str, may_be_optional: bool) -> Shape {
        let kinds = if depth == 0 { 15 } else { 20 };
        let unit = [Unit::Millis, Unit::Micros, Unit::Nanos][self.below(3)];
        match self.below(kinds) {
            0 => Shape::Boolean,
            1 => {
                let (bits, min, max) = [
                    (Bits::I32, i32::MIN.into(), i32::MAX.into()),
                    (Bits::I64, i64::MIN.into(), i64::MAX.into()),
                    (Bits::U32, 0, u32::MAX.into()),
                    (Bits::U64, 0, u64::MAX.into()),
                ][self.below(4)];
                Shape::Integer(Integer { bits, min, max })
            }
            2 => Shape::Integer(Integer { bits: Bits::I32, min: 1, max: 1000 }),
            3 => Shape::Float,
            4 => Shape::Double,
            6 => Shape::Bytes,
            7 => Shape::Fixed { name: format!("{name}Fixed").into(), size: self.below(20) },
            8 => Shape::Uuid(UuidForm::Text),
            9 => {
                let precision = 1 + self.below(38) as u32;
                Shape::Decimal { precision, scale: self.below(precision as usize + 1) as u32, min: None }
            }
            10 => Shape::Date,
            11 => Shape::TimeOfDay(unit),
            12 => Shape::Timestamp { unit, local: self.chance(50) },
            13 => {
                let symbols = (0..=self.below(5)).map(|at| format!("s{at}").into()).collect();
                Shape::Enum { name: format!("{name}Enum").into(), symbols }
            }
            14 if may_be_optional => Shape::Optional(Box::new(self.shape(depth, name, false))),
            5 | 14 => Shape::Text,
            15 => Shape::Array(Box::new(self.shape(depth - 1, name, true))),
            16 => Shape::Map(Box::new(self.shape(depth - 1, name, true))),
            17 => {
                let branches = (0..=self.below(4)).map(|at| self.shape(depth - 1, &format!("{name}Branch{at}"), false));
                Shape::Union(branches.collect())
            }
            _ => Shape::Record(self.record(depth - 1, &format!("{name}Record"))),
        }
    }

    /// A proto3 text with all scalar types, any numbers, packed or not, declared in any order.
    pub(in crate::wire) fn proto(&mut self) -> String {
        let mut text = vec!["enum Color { COLOR_NONE = 0; RED = 3; BLUE = -1; GREEN = 200; }".to_owned()];
        let mut messages = vec!["google.protobuf.Timestamp".to_owned(), "google.protobuf.StringValue".into()];
        for name in ["Inner", "Middle", "Outer"] {
            let mut numbers = BTreeSet::new();
            let mut body = Vec::new();
            let fields = 1 + self.below(7);
            for at in 0..fields {
                let own = self.number(&mut numbers);
                let kind = self.proto_type(&messages);
                match self.below(6) {
                    0 => {
                        let packed = if is_packable(&kind) {
                            ["", " [packed = true]", " [packed = false]"][self.below(3)]
                        } else {
                            ""
                        };
                        body.push(format!("  repeated {kind} f{at} = {own}{packed};"));
                    }
                    1 => {
                        body.push(format!("  map<string, {kind}> f{at} = {own};"));
                    }
                    2 => {
                        body.push(format!("  optional {kind} f{at} = {own};"));
                    }
                    3 => {
                        let other = self.proto_type(&messages);
                        let second = self.number(&mut numbers);
                        body.push(format!("  oneof f{at} {{ {kind} f{at}a = {own}; {other} f{at}b = {second}; }}"));
                    }
                    _ => {
                        body.push(format!("  {kind} f{at} = {own};"));
                    }
                }
            }
            text.push(format!("message {name} {{\n{}\n  string last = 20000;\n}}", body.join("\n")));
            messages.push(name.to_owned());
        }
        let text = text.join("\n");
        let mut head = String::from("syntax = \"proto3\";\npackage random;\n");
        for (name, file) in [("Timestamp", "timestamp"), ("StringValue", "wrappers")] {
            if text.contains(name) {
                head = head + "import \"google/protobuf/" + file + ".proto\";\n";
            }
        }
        head + &text
    }

    /// A field number that is not taken.
    fn number(&mut self, taken: &mut BTreeSet<usize>) -> usize {
        loop {
            let limit = [20, 40, 3000, 18_000][self.below(4)];
            let number = 1 + self.below(limit);
            if taken.insert(number) {
                return number;
            }
        }
    }

    fn proto_type(&mut self, messages: &[String]) -> String {
        const SCALARS: [&str; 16] = [
            "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64",
            "sfixed32", "sfixed64", "bool", "string", "bytes", "Color",
        ];
        if self.chance(30) { messages[self.below(messages.len())].clone() } else { SCALARS[self.below(16)].into() }
    }

    pub(in crate::wire) fn value(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Null | Shape::Constant(_) => Value::Null,
            Shape::Boolean => Value::Boolean(self.chance(50)),
            Shape::Integer(bounds) => Value::Integer(self.integer(bounds.min, bounds.max)),
            Shape::Float => {
                let value = f32::from_bits(self.next() as u32);
                Value::Double(if value.is_nan() || self.chance(20) { 0.0 } else { value.into() })
            }
            Shape::Double => {
                let value = f64::from_bits(self.next());
                Value::Double(if value.is_nan() || self.chance(20) { 0.0 } else { value })
            }
            Shape::Text => Value::Text(self.text()),
            Shape::Bytes => {
                let length = self.below(20);
                Value::Bytes(self.bytes(length))
            }
            Shape::Fixed { size, .. } => Value::Bytes(self.bytes(*size)),
            Shape::Uuid(_) => Value::Uuid(u128::from(self.next()) << 64 | u128::from(self.next())),
            Shape::Decimal { precision, .. } => {
                let limit = 10_i128.pow(*precision);
                let value = (i128::from(self.next()) << 62 | i128::from(self.next() >> 2)) % limit;
                Value::Decimal(if self.chance(50) { -value } else { value })
            }
            Shape::Date | Shape::TimeOfDay(Unit::Millis) => {
                Value::Integer(self.integer(i32::MIN.into(), i32::MAX.into()))
            }
            Shape::Timestamp { unit: Unit::Millis, local: false } => {
                Value::Integer(self.integer(-62_135_596_800_000, 253_402_300_799_999))
            }
            Shape::Timestamp { unit: Unit::Micros, local: false } => {
                Value::Integer(self.integer(-62_135_596_800_000_000, 253_402_300_799_999_999))
            }
            Shape::TimeOfDay(_) | Shape::Timestamp { .. } => {
                Value::Integer(self.integer(i64::MIN.into(), i64::MAX.into()))
            }
            Shape::Enum { symbols, .. } => Value::Symbol(self.below(symbols.len())),
            Shape::Array(entry) => {
                let length = if self.chance(5) { 150 } else { self.below(4) };
                Value::Array((0..length).map(|_| self.value(entry)).collect())
            }
            Shape::Map(value) => {
                Value::Map((0..self.below(4)).map(|at| (format!("k{at}").into(), self.value(value))).collect())
            }
            Shape::Record(record) => {
                Value::Record(record.fields.iter().map(|field| self.value(&field.shape)).collect())
            }
            Shape::Optional(shape) => {
                if self.chance(40) {
                    Value::Null
                } else {
                    self.value(shape)
                }
            }
            Shape::Union(branches) => {
                let branch = self.below(branches.len());
                Value::Branch(branch, Box::new(self.value(&branches[branch])))
            }
        }
    }

    /// A value of a record.
    pub(in crate::wire) fn value_of(&mut self, record: &Record) -> Value {
        Value::Record(record.fields.iter().map(|field| self.value(&field.shape)).collect())
    }
}

fn is_packable(kind: &str) -> bool {
    kind == "Color"
        || !(kind == "string"
            || kind == "bytes"
            || kind.starts_with(|first: char| first.is_ascii_uppercase())
            || kind.contains('.'))
}
