//! Declared types as a whole: what is drawn, and in which formats it goes.

mod bad;
mod drawn;
mod ids;
mod schemas;
mod sessions;

use std::sync::Arc;

use super::*;
use crate::wire::shape::Value;
use crate::wire::value::ValueSink;

/// When events are due: 2026-05-28T20:26:40Z.
const DUE_NS: u64 = 1_780_000_000_000_000_000;

/// A type with everything that can be drawn.
const ORDERS: &str = r#"
namespace = "shop.orders"

[order]
weight = 7
key = "customer_id"
id = "order_id"

[order.fields]
order_id = "uuid"
type = { constant = "order" }
created_at = { timestamp = "ms" }
shipped_at = { timestamp = "us", offset = ["-2h", "5m"] }
day = { timestamp = "date" }
at = { timestamp = "rfc3339" }
seconds = { timestamp = "s" }
customer_id = { pool = 1_000, skew = 0.8, format = "cust-{:06}" }
country = { like = "country", per = "key" }
status = { enum = { NEW = 8, PAID = 3, CANCELLED = 1 } }
quantity = { integer = [1, 100], skew = 1.0 }
weight_g = { integer = [0, 5_000], mean = 1_000, deviation = 200 }
total = { decimal = ["0.99", "4999.00"], median = 39.0, sigma = 0.9 }
risk = { double = [0, 1] }
express = { boolean = "25%" }
number = { sequence = 1_000, format = "no-{}" }
lines = { array = [1, 4], of = { record = { sku = "sku", price = "price", of = { same = "customer_id" }, gift = { boolean = 0.1, null = 0.5 } } } }
labels = { map = [0, 2], keys = ["gift", "express", "fragile"], of = { words = [1, 2] } }
address = { record = { street = "street", city = "city" } }
coupon = { pattern = "[A-Z]{4}-[0-9]{3}", null = 0.7 }
note = { sentences = [1, 2], null = "80%" }
proof = { bytes = [0, 9] }
billed_to = { same = "customer_id" }
session = { like = "uuid", per = "session" }

[payment]
weight = 3
key = "customer_id"

[payment.fields]
payment_id = "uuid"
type = { constant = "payment" }
customer_id = { pool = 1_000, skew = 0.8, format = "cust-{:06}" }
method = { choice = { card = 6, transfer = 3, voucher = 1 } }
"#;

fn config(text: &str) -> Config {
    Config { types: toml::from_str(text).unwrap(), ..Config::default() }
}

fn own(text: &str, seed: u64) -> Arc<Own> {
    Arc::new(Own::new(&config(text), seed).unwrap_or_else(|error| panic!("{error}")))
}

/// The values of an event, of the record that its type has.
fn value(own: &Arc<Own>, event: &Event) -> Value {
    let of = &own.types[event.kind().index()];
    let mut sink = ValueSink::new(&of.declared.record);
    Telling { event, teller: &Teller::new(own), due_unix_ns: DUE_NS }.give(&mut sink);
    sink.finish().unwrap_or_else(|| panic!("{} is not told whole", of.declared.name))
}

/// The value of one field of many events of the first type.
fn field(own: &Arc<Own>, name: &str, count: u64) -> Vec<Value> {
    let at = own.types[0].declared.record.fields.iter().position(|field| *field.name == *name).unwrap();
    let one = |n| match value(own, &own.example(TypeIndex(0), n)) {
        Value::Record(mut fields) => fields.swap_remove(at),
        value => panic!("{value:?}"),
    };
    (0..count).map(one).collect()
}

/// The values of a field of the first type of one field beside an id and a key.
fn drawn(declared: &str, count: u64) -> Vec<Value> {
    let text = format!("[t.fields]\nid = \"uuid\"\nkey = {{ pool = 10 }}\nx = {declared}\n[t]\nkey = \"key\"");
    field(&own(&text, 7), "x", count)
}
