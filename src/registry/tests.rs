mod answers;
mod logins;
mod patience;
mod trust;

use std::time::Duration;

use super::stub::Stub;
use super::{Access, Registry, RegistryError, Schema, SchemaType, Trouble};

const VIEW: &str = r#"{"type":"record","name":"View","fields":[{"name":"user","type":"string"}]}"#;

fn view() -> Schema {
    Schema::new(SchemaType::Avro, VIEW)
}

fn access(stub: &Stub) -> Access {
    Access::at(&stub.url()).unwrap()
}

fn client(stub: &Stub) -> Registry {
    Registry::new(&access(stub)).unwrap()
}

/// One that soon gives up.
fn impatient(addresses: &str) -> Registry {
    Registry::new(&Access { timeout: Duration::from_millis(200), ..Access::at(addresses).unwrap() }).unwrap()
}

fn question(registry: &Registry) -> RegistryError {
    registry.versions("orders-value").unwrap_err()
}

fn is_unreachable(error: &RegistryError) -> bool {
    matches!(error.trouble, Trouble::Unreachable(_))
}
