//! What schemas import, in the registry: each file under a subject of its own name, as Confluent's clients keep them.

use super::is_missing;
use crate::registry::{Reference, Registry, RegistryError, Schema};
use crate::scenario::formats::SchemaText;
use crate::wire::protobuf::imported;

/// A schema as the registry takes it, with references to what it imports. `register`: whether what is not there is registered.
pub(in crate::command) fn with_references(
    registry: &Registry,
    text: &SchemaText,
    register: bool,
) -> Result<Schema, RegistryError> {
    let mut known: Vec<Reference> = Vec::new();
    let named = |text: &str, known: &[Reference]| {
        let names = imported(text);
        known.iter().filter(|reference| names.contains(&reference.name)).cloned().collect()
    };
    for (name, import) in text.imports.iter() {
        let schema = Schema { references: named(import, &known), ..Schema::new(text.schema_type, import) };
        let found = match registry.lookup(name, &schema, true) {
            Err(error) if is_missing(&error) && register => {
                registry.register(name, &schema, true)?;
                registry.lookup(name, &schema, true)?
            }
            found => found?,
        };
        known.push(Reference { name: name.to_owned(), subject: name.to_owned(), version: found.version });
    }
    Ok(Schema { references: named(&text.text, &known), ..text.for_registry() })
}
