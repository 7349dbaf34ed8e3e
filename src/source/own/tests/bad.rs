//! What cannot be used, and what is said of it.

use std::io::Write as _;

use super::*;

/// What is said of a type with this field beside an id and a key.
fn of_field(declared: &str) -> String {
    refused(&format!("[t]\nkey = \"key\"\n[t.fields]\nid = \"uuid\"\nkey = {{ pool = 10 }}\nx = {declared}"))
}

fn refused(text: &str) -> String {
    let error = Own::new(&config(text), 1).map(drop).unwrap_err();
    match &error.hint {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

#[test]
fn a_field_that_cannot_be_drawn_is_named_with_the_reason() {
    for (declared, said) in [
        ("{ intger = [1, 5] }", "t.fields.x.intger: unknown generator \"intger\" (did you mean integer?)"),
        ("{ integer = [1, 5], skw = 1 }", "t.fields.x.skw: unknown key \"skw\" (did you mean skew?)"),
        ("\"emial\"", "t.fields.x: nothing is known that is like \"emial\" (did you mean email?)"),
        ("{ integer = [1, 5], choice = [1] }", "t.fields.x: choice and integer exclude each other (keep one of them)"),
        ("{ null = 0.5 }", "t.fields.x: nothing says what is drawn"),
        ("5", "t.fields.x: 5 says nothing of what is drawn"),
        ("{ integer = [5, 1] }", "t.fields.x.integer: the range is upside down: 5 is above 1"),
        ("{ decimal = [\"5.00\", \"1.00\"] }", "t.fields.x.decimal: the range is upside down"),
        ("{ double = [1.5, 0.5] }", "t.fields.x.double: the range is upside down: 1.5 is above 0.5"),
        ("{ double = [0, nan] }", "t.fields.x.double: nan is no number"),
        ("{ timestamp = \"ms\", offset = [\"5m\", \"-2h\"] }", "t.fields.x.offset: the range is upside down"),
        ("{ timestamp = \"ms\", offset = \"soon\" }", "t.fields.x.offset: \"soon\" is no duration"),
        ("{ timestamp = \"min\" }", "t.fields.x.timestamp: \"min\" is none of \"s\", \"ms\""),
        ("{ array = [3, 1], of = \"email\" }", "t.fields.x.array: the range is upside down: 3 is above 1"),
        (
            "{ array = [1, 20_000], of = \"email\" }",
            "t.fields.x.array: [1, 20000] is out of range: there can be 0 to 10000",
        ),
        ("{ array = [1, 5] }", "t.fields.x: what \"x\" is made of is not clear"),
        ("{ choice = [] }", "t.fields.x.choice: there is no option to choose"),
        ("{ choice = {} }", "t.fields.x.choice: there is no option to choose"),
        ("{ choice = { a = 0, b = 0 } }", "t.fields.x.choice: every option has the weight 0"),
        ("{ choice = { a = -1 } }", "t.fields.x.choice.a: its weight is no number from 0 up to 1e12"),
        ("{ choice = [1, \"a\"] }", "t.fields.x.choice: the options are of several types"),
        ("{ enum = [1, 2] }", "t.fields.x.enum: the symbols of an enum are texts"),
        ("{ pattern = \"a+\" }", "t.fields.x.pattern: a repetition has no end"),
        ("{ pattern = \"[a\" }", "t.fields.x.pattern: it is no regular expression: unclosed character class"),
        ("{ pool = 0 }", "t.fields.x.pool: 0 is no size of a pool: it has 1 to 1000000000 members"),
        ("{ pool = 5, format = \"c-\" }", "t.fields.x.format: \"c-\" has no place for a number: write {}"),
        ("{ pool = 5, skew = 9 }", "t.fields.x.skew: 9 is no skew"),
        ("{ integer = [1, 5], skew = 1, mean = 2 }", "t.fields.x: how the numbers are spread is not clear"),
        ("{ integer = [1, 5], mean = 2, deviation = 0 }", "t.fields.x.deviation: 0 is not above 0"),
        ("{ boolean = 1.5 }", "t.fields.x.boolean: 1.5 is no share"),
        ("{ boolean = 0.5, null = \"120%\" }", "t.fields.x.null: \"120%\" is no share"),
        ("{ boolean = 0.5, per = \"day\" }", "t.fields.x.per: \"day\" is none of \"event\", \"key\", \"session\""),
        ("{ same = \"kay\" }", "t.fields.x: what \"x\" is made of is not clear"),
        ("{ same = \"id\" }", "t.fields.x.same: an id says which event it is"),
        (
            "{ map = [1, 9], keys = [\"a\"], of = \"email\" }",
            "t.fields.x.map: [1, 9] is out of range: there can be 0 to 1",
        ),
        ("{ map = 1, keys = [\"a\", \"a\"], of = \"email\" }", "t.fields.x.keys: \"a\" is there twice"),
        (
            "{ array = 10_000, of = { words = 10_000 } }",
            "t.fields: an event may come to 6000640256 bytes: there can be 16777216",
        ),
        ("{ integer = [1, 2_000_000_000_000], skew = 1 }", "t.fields.x: with a skew there can be 1000000000 numbers"),
    ] {
        let told = of_field(declared);
        assert!(told.starts_with(said), "{declared}\n said: {told}\n  not: {said}");
    }
    let deep = format!("{}\"email\"{}", "{ array = 1, of = ".repeat(20), " }".repeat(20));
    assert!(of_field(&deep).ends_with("fields lie more than 16 deep in one another"), "{}", of_field(&deep));
}

#[test]
fn a_type_without_a_place_for_its_id_or_its_key_is_refused() {
    let fields = |own: &str, fields: &str| refused(&format!("[t]\n{own}\n[t.fields]\n{fields}"));
    for (own, of, said) in [
        ("key = \"kay\"", "id = \"uuid\"\nkey = \"email\"", "t.key: the type has no field \"kay\" (did you mean key?)"),
        ("", "id = \"uuid\"\nname = \"email\"", "t.key: no field is named as the key, and none looks like it"),
        (
            "key = \"key\"",
            "id = \"uuid\"\nkey = { pool = 9, null = 0.1 }",
            "t.key: the key's field is one that may be missing: a key is a text",
        ),
        ("key = \"key\"", "id = \"uuid\"\nkey = { boolean = 0.5 }", "t.key: the key's field is of the type boolean"),
        (
            "key = \"key\"",
            "id = \"uuid\"\nkey = { constant = \"a\" }",
            "t.key: the key's field is of the type constant",
        ),
        ("key = \"id\"", "id = \"uuid\"", "t.key: the id is another one in each event"),
        ("key = \"key\"", "id = \"uuid\"\nkey = { pattern = '[\"a]' }", "t.key: the key's texts have quotes"),
        ("key = \"key\"", "number = { integer = [1, 2] }\nkey = \"email\"", "t.id: no field is named as the id"),
        (
            "key = \"key\"\nid = \"number\"",
            "number = { integer = [1, 2] }\nkey = \"email\"",
            "t.id: the id's field is of the type integer: an id is a UUID, a text, bytes or a fixed of 16 that every event has",
        ),
        (
            "key = \"key\"\nid = \"id\"",
            "id = { like = \"uuid\", null = 0.1 }\nkey = \"email\"",
            "t.id: the id's field is one that may be missing",
        ),
        ("key = \"key\"\nid = { header = \"\" }", "key = \"email\"", "t.id: a header has a name"),
        ("key = \"key\"\nid = { headr = \"a\" }", "key = \"email\"", "t.id.headr: unknown key \"headr\""),
        ("key = \"key\"\nwieght = 3", "id = \"uuid\"", "t.wieght: unknown key \"wieght\" (did you mean weight?)"),
        ("key = \"key\"\nweight = -3", "id = \"uuid\"", "t.weight: -3 is no weight"),
        (
            "key = \"key\"\nweight = 0",
            "id = \"uuid\"\nkey = \"email\"",
            "every type has the weight 0: nothing would be sent",
        ),
        ("key = \"key\"\nmessage = \"A\"", "id = \"uuid\"", "t.message: a message is one of a schema"),
    ] {
        let told = fields(own, of);
        assert!(told.starts_with(said), "{own} {of}\n said: {told}\n  not: {said}");
    }
    assert!(refused("").starts_with("no event type is declared"));
    assert!(refused("order = 3").starts_with("order: it is no event type"));
    assert!(refused("[\"or der\"]\nkey = \"a\"").contains("a type's name stands in gates and metrics"));
    assert!(refused("[t]\nkey = \"a\"").starts_with("t: the type has neither fields nor a schema"));
}

#[test]
fn an_error_in_a_file_has_its_line() {
    let told = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut config = Config { events: Some(file.path().to_owned()), ..Config::default() };
        config.load().unwrap_err().to_string().replace(&*file.path().to_string_lossy(), "f")
    };
    let text = "[t]\nkey = \"key\"\n\n[t.fields]\nid = \"uuid\"\nkey = { pool = 10 }\nx = { integer = [5, 1] }\n";
    assert_eq!(told(text), "f line 7: t.fields.x.integer: the range is upside down: 5 is above 1");
    let text = text.replace("[5, 1]", "[1, 5]").replace("\"key\"", "\"kee\"");
    assert_eq!(told(&text), "f line 2: t.key: the type has no field \"kee\"");
    assert!(told("[t\nkey").starts_with("f line 1: "), "{}", told("[t\nkey"));
    let mut none = Config { events: Some("/nowhere/orders.toml".into()), ..Config::default() };
    assert!(
        none.load().unwrap_err().to_string().starts_with("file of event types /nowhere/orders.toml cannot be read")
    );
    let mut both = Config { schema: Some("a.avsc".into()), ..none };
    both.events = Some("b.toml".into());
    assert!(both.load().unwrap_err().to_string().starts_with("events and schema exclude each other"));
    assert!(Config::default().load().unwrap_err().to_string().starts_with("no event types"));
}

#[test]
fn types_that_read_alike_are_told() {
    let twin = "key = \"key\"\nfields = { id = \"uuid\", key = { pool = 10 } }\n";
    let own = own(&format!("[a]\n{twin}[b]\n{twin}"), 1);
    let catalogue = Arc::new(crate::event::catalogue::Catalogue::new(own.event_types()).unwrap());
    let error = own.check_apart(&catalogue, |_| true).unwrap_err();
    assert_eq!(error.to_string(), "b: its events are read as ones of \"a\", for both have the same fields");
    assert_eq!(error.hint.unwrap(), "a constant tells them apart: type = { constant = \"b\" }");
}
