//! Whether a body is what a schema says, by the `jsonschema` crate.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, Validator};
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;

use crate::wire::Malformed;
use crate::wire::schema_error::SchemaError;
use crate::wire::value::text_to_uuid;

/// Why a body is not what its schema says, and where. It holds nothing of the body but names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{problem}", .path, if .path.is_empty() { "" } else { ": " })]
pub struct Invalid {
    /// The reason that reports count.
    pub reason: Malformed,
    /// A JSON pointer (RFC 6901) to the place; empty for the whole.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl Invalid {
    fn whole(reason: Malformed, problem: &dyn ToString) -> Self {
        Self { reason, path: String::new(), problem: problem.to_string() }
    }
}

pub(super) fn compiled(schema: &Value) -> Result<Validator, SchemaError> {
    // Draft-07 does not have the format, and ours are of that draft.
    let is_uuid = |text: &str| text_to_uuid(text).is_some();
    let compiled = jsonschema::options().should_validate_formats(true).with_format("uuid", is_uuid).build(schema);
    compiled.map_err(|error| SchemaError::new(format!("{}: {error}", error.instance_path())))
}

pub(super) fn validate(validator: &Validator, body: &[u8]) -> Result<(), Invalid> {
    let text = std::str::from_utf8(body).map_err(|error| Invalid::whole(Malformed::NotUtf8, &error))?;
    let mut from = serde_json::Deserializer::from_str(text);
    let value = Value::deserialize(&mut from).map_err(|error| {
        let reason = if error.classify() == Category::Eof { Malformed::Truncated } else { Malformed::BadSyntax };
        Invalid::whole(reason, &error)
    })?;
    from.end().map_err(|error| Invalid::whole(Malformed::TrailingBytes, &error))?;
    validator.validate(&value).map_err(|error| Invalid {
        reason: reason(&error),
        path: error.instance_path().to_string(),
        problem: error.masked().to_string(),
    })
}

fn reason(error: &ValidationError) -> Malformed {
    match error.kind() {
        Kind::Required { .. } => Malformed::MissingField,
        Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } | Kind::FalseSchema => {
            Malformed::UnexpectedField
        }
        Kind::Enum { .. } => Malformed::BadEnum,
        Kind::Constant { .. } => Malformed::WrongConstant,
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. } => Malformed::BadUnion,
        Kind::MinItems { .. } | Kind::MaxItems { .. } | Kind::MinLength { .. } | Kind::MaxLength { .. } => {
            Malformed::BadLength
        }
        _ => Malformed::BadValue("a value is not of its schema"),
    }
}
