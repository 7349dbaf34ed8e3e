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

    /// The schema as somebody may have changed it.
    pub(super) fn evolved(&mut self, schema: &Json) -> Json {
        let mut schema = schema.clone();
        for _ in 0..=self.below(3) {
            self.change(&mut schema);
        }
        schema
    }

    fn change(&mut self, own: &mut Json) {
        let part = match own {
            Json::Array(branches) if !branches.is_empty() => {
                let at = self.below(branches.len());
                match self.below(6) {
                    0 => drop(branches.remove(at)),
                    1 => branches.push(["double", "bytes", "long", "string", "null"][self.below(5)].into()),
                    2 => branches.rotate_left(at),
                    3 => *own = branches[at].clone(),
                    _ => self.change(&mut branches[at]),
                }
                return;
            }
            Json::String(name) => {
                *own = match (&**name, self.below(6)) {
                    ("int", 0..3) => ["long", "float", "double"][self.below(3)].into(),
                    ("long", 0..3) => ["float", "double", "int"][self.below(3)].into(),
                    ("float", 0..3) => "double".into(),
                    ("string", 0..3) => "bytes".into(),
                    ("bytes", 0..3) => "string".into(),
                    ("null", _) => json!(["null", "int"]),
                    (name, 3) => json!([name]),
                    (name, 4) => json!(["null", name]),
                    (_, _) => ["string", "boolean", "long"][self.below(3)].into(),
                };
                return;
            }
            Json::Object(_) => match own["type"].as_str().unwrap_or_default() {
                "record" => return self.change_record(own),
                "enum" => return self.change_enum(own),
                "fixed" if self.below(3) > 0 => return self.rename(own),
                "fixed" => {
                    own["size"] = json!(own["size"].as_u64().unwrap() + 1);
                    return;
                }
                "array" => "items",
                "map" => "values",
                plain => {
                    *own = plain.into();
                    return;
                }
            },
            _ => return,
        };
        self.change(&mut own[part]);
    }

    fn change_record(&mut self, own: &mut Json) {
        let kind = self.below(12);
        if kind == 0 {
            return self.rename(own);
        }
        let fields = own["fields"].as_array_mut().unwrap();
        if fields.is_empty() {
            return;
        }
        let at = self.below(fields.len());
        match kind {
            1 => drop(fields.remove(at)),
            2 | 3 => {
                let added = [
                    json!({"name": "added", "type": "int", "default": 7}),
                    json!({"name": "added", "type": ["null", "string"], "default": null}),
                    json!({"name": "added", "type": ["string", "null"], "default": "x"}),
                    json!({"name": "added", "type": {"type": "array", "items": "int"}, "default": [1, 2]}),
                    json!({"name": "added", "type": "bytes", "default": "\u{ff}\u{1}"}),
                    json!({"name": "added", "type": {"type": "enum", "name": "Added", "symbols": ["A", "B"], "default": "A"}, "default": "B"}),
                    json!({"name": "added", "type": {"type": "record", "name": "Added", "fields": [{"name": "p", "type": ["double", "null"]}]}, "default": {"p": 0.5}}),
                    json!({"name": "added", "type": "string"}),
                ];
                fields.insert(at, added[self.below(added.len())].clone());
            }
            4 => fields.rotate_left(at),
            5 | 6 => {
                if kind == 5 {
                    fields[at]["aliases"] = json!([fields[at]["name"]]);
                }
                fields[at]["name"] = "renamed".into();
            }
            _ => self.change(&mut fields[at]["type"]),
        }
    }

    fn change_enum(&mut self, own: &mut Json) {
        let symbols = own["symbols"].as_array_mut().unwrap();
        if symbols.is_empty() {
            return;
        }
        let at = self.below(symbols.len());
        match self.below(5) {
            0 => self.rename(own),
            1 => symbols.rotate_left(at),
            2 => symbols.push("NEW".into()),
            kind => {
                symbols.remove(at);
                if let (3, Some(first)) = (kind, symbols.first().cloned()) {
                    own["default"] = first;
                }
            }
        }
    }

    /// With or without the old name as an alias, or with another namespace.
    fn rename(&mut self, own: &mut Json) {
        let before = own["name"].clone();
        match self.below(4) {
            0 => own["namespace"] = "elsewhere".into(),
            1 => own["name"] = "Renamed".into(),
            _ => {
                own["aliases"] = json!([before]);
                own["name"] = "Renamed".into();
                if let Some((space, _)) = before.as_str().unwrap_or_default().rsplit_once('.') {
                    own["namespace"] = space.into();
                }
            }
        }
    }

    /// The schema with parts of it gone, or anything in their place.
    pub(super) fn broken(&mut self, schema: &Json) -> Json {
        let mut schema = schema.clone();
        for _ in 0..=self.below(3) {
            self.break_one(&mut schema);
        }
        schema
    }

    fn break_one(&mut self, own: &mut Json) {
        let others = [
            json!(null),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
            json!(""),
            json!("."),
            json!("a."),
            json!("\u{e9}"),
            json!("fixed"),
            json!("record"),
            json!("decimal"),
            json!([]),
            json!({}),
            json!({"type": "record"}),
            json!({"type": {"type": "uuid", "logicalType": "duration"}}),
            json!([[["null"]]]),
        ];
        match own {
            Json::Object(parts) if !parts.is_empty() && self.below(5) > 0 => {
                let at = self.below(parts.len());
                let keys: Vec<_> = parts.keys().cloned().collect();
                match self.below(6) {
                    0 => drop(parts.remove(&keys[at])),
                    1 => {
                        const KEYS: [&str; 6] = ["logicalType", "default", "aliases", "namespace", "size", "scale"];
                        parts.insert(KEYS[self.below(6)].into(), others[self.below(others.len())].clone());
                    }
                    _ => self.break_one(&mut parts[&keys[at]]),
                }
            }
            Json::Array(parts) if !parts.is_empty() && self.below(5) > 0 => {
                let at = self.below(parts.len());
                self.break_one(&mut parts[at]);
            }
            own => *own = others[self.below(others.len())].clone(),
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
