//! The types of a declaration: their records, which field is the id and which the key, and what is drawn.

use super::super::crowd::Walk;
use super::super::synthetic::Model;
use super::compile::{Compiled, Compiler};
use super::config::Config;
use super::declare::{self, IdSaid, Type};
use super::error::{Keys, OwnError};
use super::generator::{capitalised, join, record};
use super::node::{Fixed, Node, NumberForm, Text};
use super::schema;
use super::sessions;
use crate::event::catalogue::{EventType, ID_HEADER, IdPlace, MOST_TYPES};
use crate::spelling::nearest;
use crate::wire::shape::{Record, Shape};
use crate::wire::sink::Escaped;

/// A type that events can be drawn of.
pub(super) struct DrawableType {
    pub(super) declared: EventType,
    pub(super) drawn: Compiled,
}

/// All types, and how often each comes.
pub(super) struct All {
    pub(super) types: Vec<DrawableType>,
    pub(super) weights: Vec<f64>,
    /// What sessions do, where events hang together.
    pub(super) walk: Option<Walk>,
}

/// All types of a configuration.
///
/// # Errors
/// What is wrong with one of them, and where.
pub(super) fn made(config: &Config) -> Result<All, OwnError> {
    let declaration = declare::declaration(&config.types)?;
    let declared = &declaration.types;
    let error = |problem: String| Keys::default().error(problem);
    if declared.len() > MOST_TYPES {
        return Err(error(format!("{} types of event: there can be {MOST_TYPES}", declared.len())));
    }
    let types = declared.iter().map(|of| make(of, &declaration.namespace)).collect::<Result<Vec<_>, _>>()?;
    let walk = match config.model.unwrap_or_default() {
        Model::Independent => None,
        Model::Sessions if config.weights.is_some() => {
            let problem = "weights are for the independent model: in sessions `start` and `next` decide how often each type comes";
            return Err(error(problem.to_owned()));
        }
        Model::Sessions => Some(sessions::walk(declared, config.concurrent)?),
    };
    if walk.is_some() && types.iter().any(|of| of.drawn.pool.is_none() || of.drawn.pool != types[0].drawn.pool) {
        let problem =
            "a session is of one key, so the keys of all types must be of one pool: of the same size and skew";
        return Err(error(problem.to_owned()));
    }
    let weights: Vec<f64> = match &config.weights {
        None => declared.iter().map(|of| of.weight).collect(),
        Some(mix) => {
            mix.of(declared.iter().map(|of| of.name.as_str())).map_err(|refused| error(refused.to_string()))?
        }
    };
    if walk.is_none() && weights.iter().all(|weight| *weight == 0.0) {
        return Err(error("every type has the weight 0: nothing would be sent".to_owned()));
    }
    Ok(All { types, weights, walk })
}

fn make(declared: &Type, namespace: &str) -> Result<DrawableType, OwnError> {
    let keys = &declared.keys;
    let name = declared.record.clone().unwrap_or_else(|| join(namespace, &capitalised(&declared.name)));
    let (record, limits, given) = match &declared.schema {
        Some(schema) => {
            let described = schema::described(schema, &name).map_err(|problem| keys.at("schema").error(problem))?;
            (described.record, described.limits, Some(described.given))
        }
        None => (own_record(declared, &name)?, Vec::new(), None),
    };
    let id = id_place(declared, &record)?;
    let key = place(declared, "key", declared.key.as_deref(), &record, |record| key_field(record, id.field()))
        .ok_or_else(|| {
            keys.at("key")
                .error("no field is named as the key, and none looks like it")
                .hint(names_one("key", declared, &record))
        })??;
    let shape = |at: usize| record.fields.get(at).map(|field| &field.shape);
    if let Some(id) = id.field()
        && !shape(id).is_some_and(holds_id)
    {
        let problem = format!(
            "the id's field is {}: an id is a UUID, a text, bytes or a fixed of 16 that every event has",
            told(shape(id))
        );
        return Err(keys.at("id").error(problem).hint(IN_HEADER));
    }
    if id.field() == Some(key) {
        return Err(keys.at("key").error("the id is another one in each event, so it cannot be the key"));
    }
    if !shape(key).is_some_and(holds_key) {
        let problem = format!(
            "the key's field is {}: a key is a text, a whole number, an enum or a UUID that every event has",
            told(shape(key))
        );
        return Err(keys.at("key").error(problem));
    }
    let fields = keys.at("fields");
    let mut compiler = Compiler {
        record: &record,
        declared: &declared.fields,
        limits: &limits,
        id: id.field(),
        key,
        keys: fields.clone(),
        nodes: 0,
    };
    let drawn = compiler.compile()?;
    if let Node::Record(nodes) = &drawn.node
        && !(nodes.get(key).is_some_and(is_plain_key) && shape(key).is_some_and(has_plain_symbols))
    {
        return Err(keys
            .at("key")
            .error("the key's texts have quotes, backslashes or control characters, which JSON would escape"));
    }
    Ok(DrawableType {
        declared: EventType { name: declared.name.as_str().into(), id, key, record, open: false, schema: given },
        drawn,
    })
}

fn own_record(declared: &Type, name: &str) -> Result<Record, OwnError> {
    let fields = &declared.fields;
    if let Some(record) = record(name.into(), fields, fields) {
        return Ok(record);
    }
    let keys = declared.keys.at("fields");
    let unclear = fields.iter().find(|(field, of)| of.natural(field, fields).is_none());
    let (at, what) = unclear.map_or((keys.clone(), ""), |(field, _)| (keys.at(field), &**field));
    Err(at.error(format!("what \"{what}\" is made of is not clear")).hint(
        "arrays and maps say of what: { array = [1, 5], of = { integer = [1, 9] } }; same = names a field that is itself drawn",
    ))
}

/// What to do where the body has no place for an id.
const IN_HEADER: &str = "id = { header = \"loadgen-id\" } puts it into a header of the record";

/// The place of the id: what is said, else the field that can be nothing else. A schema has its fields as they are: where none can
/// be the id, it stands in a header.
fn id_place(declared: &Type, record: &Record) -> Result<IdPlace, OwnError> {
    let given = match &declared.id {
        Some(IdSaid::Header(name)) => return Ok(IdPlace::Header(name.as_str().into())),
        Some(IdSaid::Field(name)) => Some(name.as_str()),
        None => None,
    };
    match place(declared, "id", given, record, id_field) {
        Some(field) => field.map(IdPlace::Field),
        None if declared.schema.is_some() => Ok(IdPlace::Header(ID_HEADER.into())),
        None => {
            let hint = format!("{}; {IN_HEADER}", names_one("id", declared, record));
            Err(declared.keys.at("id").error("no field is named as the id, and none looks like it").hint(hint))
        }
    }
}

/// The field that has a part of its own: the one that is named, else the one that can be nothing else, if there is one.
fn place(
    declared: &Type,
    what: &str,
    given: Option<&str>,
    record: &Record,
    guess: impl Fn(&Record) -> Option<usize>,
) -> Option<Result<usize, OwnError>> {
    let Some(name) = given else { return guess(record).map(Ok) };
    let names = || record.fields.iter().map(|field| &*field.name);
    Some(names().position(|known| known == name).ok_or_else(|| {
        let hint = nearest(name, names())
            .map_or_else(|| names().collect::<Vec<_>>().join(", "), |name| format!("did you mean {name}?"));
        declared.keys.at(what).error(format!("the type has no field \"{name}\"")).hint(hint)
    }))
}

fn names_one(what: &str, declared: &Type, record: &Record) -> String {
    let names: Vec<_> = record.fields.iter().map(|field| &*field.name).collect();
    format!("{what} = \"...\" in [{}] names one of: {}", declared.name, names.join(", "))
}

/// The first UUID, or a text or 16 bytes with the name of an id.
fn id_field(record: &Record) -> Option<usize> {
    const NAMES: [&str; 8] = ["id", "event_id", "eventid", "message_id", "messageid", "uuid", "event_uuid", "guid"];
    let own = record.name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let is_named = |name: &str| {
        let name = name.to_lowercase();
        NAMES.contains(&&*name)
            || name.replace('_', "").strip_suffix("id").is_some_and(|of| !of.is_empty() && own.starts_with(of))
    };
    let uuid = record.fields.iter().position(|field| matches!(field.shape, Shape::Uuid(_)));
    uuid.or_else(|| record.fields.iter().position(|field| holds_id(&field.shape) && is_named(&field.name)))
}

/// The first field that names something else by its id.
fn key_field(record: &Record, id: Option<usize>) -> Option<usize> {
    let is_named = |name: &str| {
        let lower = name.to_lowercase();
        lower == "key"
            || lower.ends_with("_id")
            || lower.ends_with("_key")
            || name.ends_with("Id")
            || name.ends_with("Key")
    };
    let mut fields = record.fields.iter().enumerate().filter(|(at, field)| Some(*at) != id && holds_key(&field.shape));
    fields.find(|(_, field)| is_named(&field.name)).map(|(at, _)| at)
}

const fn holds_id(shape: &Shape) -> bool {
    matches!(shape, Shape::Uuid(_) | Shape::Text | Shape::Bytes | Shape::Fixed { size: 16, .. })
}

const fn holds_key(shape: &Shape) -> bool {
    matches!(shape, Shape::Text | Shape::Integer(_) | Shape::Uuid(_) | Shape::Enum { .. })
}

fn told(shape: Option<&Shape>) -> String {
    match shape {
        Some(Shape::Optional(_)) => "one that may be missing".to_owned(),
        Some(shape) => format!("of the type {}", shape.kind()),
        None => "not there".to_owned(),
    }
}

/// Whether the symbols of an enum, if it is one, stand in JSON as they are.
fn has_plain_symbols(shape: &Shape) -> bool {
    let Shape::Enum { symbols, .. } = shape else { return true };
    symbols.iter().all(|symbol| Escaped::new(symbol).json() == &**symbol)
}

/// Whether a key's text stands in JSON as it is.
fn is_plain_key(node: &Node) -> bool {
    let is_plain = |form: &NumberForm| match form {
        NumberForm::Text(form) => form.is_plain(),
        _ => true,
    };
    match node {
        Node::Key(_, form) | Node::Number(_, _, form) | Node::Sequence(_, form) => is_plain(form),
        Node::Choice(_, choice) => choice.values().iter().all(|value| match value {
            Fixed::Text(text) => text.json() == text.as_str(),
            _ => true,
        }),
        Node::Text(_, Text::Pattern(pattern)) => pattern.is_plain,
        _ => true,
    }
}
