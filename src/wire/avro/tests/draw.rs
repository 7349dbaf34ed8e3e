//! Random schema texts.

use serde_json::{Value as Json, json};

use crate::wire::protobuf::tests::draw::Draw;

/// What has been declared, by its full name.
#[derive(Default)]
struct Declared {
    names: Vec<String>,
    count: usize,
}

impl Draw {
    /// The schema of a record with all types there are.
    pub(super) fn avsc(&mut self) -> Json {
        let mut declared = Declared::default();
        let depth = 1 + self.below(3);
        let mut root = self.avro_record(depth, "random", &mut declared);
        if root.get("namespace").is_none() {
            root["namespace"] = "random".into();
        }
        root
    }

    fn avro_record(&mut self, depth: usize, space: &str, declared: &mut Declared) -> Json {
        let (mut own, space, full) = self.named("record", space, declared);
        let mut fields = vec![json!({"name": "first", "type": "boolean"})];
        for at in 0..self.below(6) {
            let mut field = json!({"name": format!("field_{at}"), "type": self.avro_type(depth, &space, declared)});
            if self.below(4) == 0 {
                field["order"] = "ignore".into();
                field["doc"] = "what it is \"about\"".into();
                field["aliases"] = json!(["other"]);
            }
            fields.push(field);
        }
        own["fields"] = fields.into();
        declared.names.push(full);
        own
    }

    /// A type with a new name; the namespace within it, and its full name.
    fn named(&mut self, kind: &str, space: &str, declared: &mut Declared) -> (Json, String, String) {
        declared.count += 1;
        let short = format!("{kind}_{}", declared.count);
        let mut own = json!({"type": kind, "name": short});
        let space = match self.below(4) {
            0 => {
                own["namespace"] = "other.space".into();
                "other.space"
            }
            1 => {
                own["name"] = format!("dotted.{short}").into();
                own["namespace"] = "not.this".into();
                "dotted"
            }
            _ => space,
        };
        (own, space.to_owned(), format!("{space}.{short}"))
    }

    fn avro_type(&mut self, depth: usize, space: &str, declared: &mut Declared) -> Json {
        let logical = |primitive: &str, logical: &str| json!({"type": primitive, "logicalType": logical});
        match self.below(if depth == 0 { 18 } else { 28 }) {
            0..8 => ["boolean", "int", "long", "float", "double", "bytes", "string", "null"][self.below(8)].into(),
            8 => {
                let (mut own, ..) = self.named("fixed", space, declared);
                own["size"] = self.below(20).into();
                declared.names.push(full(&own, space));
                own
            }
            9 | 10 => {
                let (mut own, ..) = self.named("enum", space, declared);
                own["symbols"] = (0..=self.below(70)).map(|at| format!("S{at}")).collect();
                declared.names.push(full(&own, space));
                own
            }
            11 => {
                let (mut own, ..) = self.named("fixed", space, declared);
                own["size"] = 16.into();
                own["logicalType"] = "uuid".into();
                declared.names.push(full(&own, space));
                own
            }
            12 => {
                let precision = 1 + self.below(38);
                let (mut own, ..) = self.named("fixed", space, declared);
                own["size"] = (super::super::schema::least_size(precision) + self.below(5)).into();
                own["logicalType"] = "decimal".into();
                own["precision"] = precision.into();
                own["scale"] = self.below(precision + 1).into();
                declared.names.push(full(&own, space));
                own
            }
            13 => {
                let precision = 1 + self.below(38);
                json!({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": self.below(precision + 1)})
            }
            14 => logical("string", "uuid"),
            15 => logical("int", ["date", "time-millis", "unknown"][self.below(3)]),
            16 => {
                let name = [
                    "time-micros",
                    "timestamp-millis",
                    "timestamp-micros",
                    "timestamp-nanos",
                    "local-timestamp-millis",
                    "local-timestamp-micros",
                    "local-timestamp-nanos",
                ][self.below(7)];
                logical("long", name)
            }
            17 | 27 => match declared.names.len() {
                0 => json!({"type": "string"}),
                length => declared.names[self.below(length)].as_str().into(),
            },
            18..20 => json!({"type": "array", "items": self.avro_type(depth - 1, space, declared)}),
            20..22 => json!({"type": "map", "values": self.avro_type(depth - 1, space, declared)}),
            22 => {
                let other = self.no_union(depth - 1, space, declared);
                if other == "null" { json!(["null", "string"]) } else { json!(["null", other]) }
            }
            23 => {
                let other = self.no_union(depth - 1, space, declared);
                if other == "null" { json!(["string", "null"]) } else { json!([other, "null"]) }
            }
            24 => {
                let mut branches = vec![json!("string"), "long".into(), json!({"type": "array", "items": "int"})];
                branches.truncate(1 + self.below(3));
                if branches.len() == 3 {
                    branches.insert(1, self.avro_record(depth - 1, space, declared));
                }
                if self.below(2) == 0 {
                    branches.insert(self.below(branches.len() + 1), "null".into());
                }
                branches.into()
            }
            _ => self.avro_record(depth - 1, space, declared),
        }
    }

    fn no_union(&mut self, depth: usize, space: &str, declared: &mut Declared) -> Json {
        let known = declared.names.len();
        loop {
            let own = self.avro_type(depth, space, declared);
            if !own.is_array() {
                return own;
            }
            declared.names.truncate(known);
        }
    }
}

fn full(own: &Json, space: &str) -> String {
    let name = own["name"].as_str().unwrap();
    if name.contains('.') {
        return name.to_owned();
    }
    format!("{}.{name}", own["namespace"].as_str().unwrap_or(space))
}
