//! The schema registry that the settings name, and how it lets one in.

use super::environment::Environment;
use super::error::ConfigError;
use crate::http::Trust;
use crate::registry::{Access, BadAccess, Login};
use crate::settings::formats::{RegistryOptions, RegistrySettings};

/// The variable with the login for the registry, as Confluent's tools know it.
pub const USER_INFO: &str = "SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO";

/// How the registry is reached that the settings name; `None` where they name none. In the settings its address is replaced by one
/// without a login, since they are written down.
///
/// # Errors
/// Settings that lead to none.
pub fn access(options: &mut RegistryOptions, environment: &Environment) -> Result<Option<Access>, ConfigError> {
    let settings = options.settle();
    let Some(addresses) = settings.schema_registry.as_deref() else { return Ok(None) };
    let access = reached(addresses, &settings, environment.get(USER_INFO))
        .map_err(|error| ConfigError::Plan { reason: error.to_string(), hint: None })?;
    options.schema_registry = Some(access.shown());
    Ok(Some(access))
}

fn reached(addresses: &str, settings: &RegistrySettings, user_info: Option<&str>) -> Result<Access, BadAccess> {
    let login = match (&settings.schema_registry_token_file, user_info) {
        (Some(file), _) => Login::Token(file.clone()),
        (None, Some(user_info)) => Login::basic(user_info)?,
        (None, None) => Login::Nobody,
    };
    Ok(Access {
        login,
        trust: Trust {
            ca: settings.schema_registry_ca.clone(),
            certificate: settings.schema_registry_cert.clone(),
            key: settings.schema_registry_key.clone(),
        },
        timeout: settings.schema_registry_timeout,
        ..Access::at(addresses)?
    })
}
