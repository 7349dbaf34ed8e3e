//! Layers of settings: what a higher one leaves open, a lower one decides.

use std::path::PathBuf;
use std::time::Duration;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer};
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml::{Spanned, Table, Value};

use super::text;
use crate::schedule::config::PhaseConfig;
use crate::schedule::{Rate, Speed};
use crate::source::Late;
use crate::units::{self, exact::Exact};

/// Settings that can lie on others.
pub trait Layer {
    /// These settings, and those of `lower` where these leave them open.
    #[must_use]
    fn over(self, lower: Self) -> Self;

    /// The field of the first setting that is not open, if there is one; an empty name for a bare value.
    fn first_set(&self) -> Option<&'static str>;
}

impl<T> Layer for Option<T> {
    fn over(self, lower: Self) -> Self {
        self.or(lower)
    }

    fn first_set(&self) -> Option<&'static str> {
        self.is_some().then_some("")
    }
}

/// Lists add up, the lower one's entries first: of two entries for the same thing the last one counts.
impl<T> Layer for Vec<T> {
    fn over(self, mut lower: Self) -> Self {
        lower.extend(self);
        lower
    }

    fn first_set(&self) -> Option<&'static str> {
        (!self.is_empty()).then_some("")
    }
}

/// A value of a scenario that its setting does not take.
#[derive(Debug)]
pub struct Misread {
    /// What is wrong with it.
    pub error: toml::de::Error,
    /// Where it stands in the text.
    pub offset: usize,
}

/// Settings that a table of a scenario holds: one of them, or several side by side.
pub trait InTable: Sized {
    /// Their keys, where a single setting's is `key`.
    fn keys(key: &'static str) -> Vec<&'static str>;

    /// Takes what the table says of them.
    ///
    /// # Errors
    /// A value that its setting does not take.
    fn take(table: &mut DeTable<'_>, key: &str) -> Result<Self, Misread>;

    /// Writes what is not open into the table.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    fn put(&self, key: &str, table: &mut Table) -> Result<(), toml::ser::Error>;
}

/// The value of a setting as a scenario has it.
pub trait InScenario: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// What it cannot be.
    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error>;

    /// Writes it so that reading gives the same.
    ///
    /// # Errors
    /// What TOML cannot hold.
    fn write(&self) -> Result<Value, toml::ser::Error>;
}

impl<T: InScenario> InTable for Option<T> {
    fn keys(key: &'static str) -> Vec<&'static str> {
        vec![key]
    }

    fn take(table: &mut DeTable<'_>, key: &str) -> Result<Self, Misread> {
        table.remove(key).map(|value| read_value(value, |value| T::read(value))).transpose()
    }

    fn put(&self, key: &str, table: &mut Table) -> Result<(), toml::ser::Error> {
        if let Some(value) = self {
            table.insert(key.to_owned(), value.write()?);
        }
        Ok(())
    }
}

/// Settings that a scenario has as one table or list, and options as one entry at a time.
pub trait Entry: Sized {
    /// Reads all of them.
    ///
    /// # Errors
    /// What they cannot be.
    fn read_all<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<Self>, D::Error>;

    /// Writes all of them.
    ///
    /// # Errors
    /// What TOML cannot hold.
    fn write_all(entries: &[Self]) -> Result<Value, toml::ser::Error>;
}

impl<T: Entry> InTable for Vec<T> {
    fn keys(key: &'static str) -> Vec<&'static str> {
        vec![key]
    }

    fn take(table: &mut DeTable<'_>, key: &str) -> Result<Self, Misread> {
        let all = table.remove(key).map(|value| read_value(value, |value| T::read_all(value))).transpose()?;
        Ok(all.unwrap_or_default())
    }

    fn put(&self, key: &str, table: &mut Table) -> Result<(), toml::ser::Error> {
        if !self.is_empty() {
            table.insert(key.to_owned(), T::write_all(self)?);
        }
        Ok(())
    }
}

fn read_value<'i, T>(
    value: Spanned<DeValue<'i>>,
    read: impl FnOnce(ValueDeserializer<'i>) -> Result<T, toml::de::Error>,
) -> Result<T, Misread> {
    let start = value.span().start;
    read(value.into_deserializer())
        .map_err(|error| Misread { offset: error.span().map_or(start, |span| span.start), error })
}

impl InScenario for Duration {
    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        text::read_duration(value)
    }

    fn write(&self) -> Result<Value, toml::ser::Error> {
        Ok(Value::String(units::of_duration(*self)))
    }
}

impl InScenario for u64 {
    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        Exact::deserialize(value).map(|Exact(number)| number)
    }

    fn write(&self) -> Result<Value, toml::ser::Error> {
        Value::try_from(Exact(*self))
    }
}

/// Values that serde reads and writes as a scenario has them.
macro_rules! by_serde {
    ($($kind:ty)+) => {$(
        impl $crate::settings::layer::InScenario for $kind {
            fn read<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(value)
            }

            fn write(&self) -> Result<toml::Value, toml::ser::Error> {
                toml::Value::try_from(self)
            }
        }
    )+};
}
pub(crate) use by_serde;

by_serde! { bool u8 u16 u32 i32 f64 String PathBuf Rate Speed Late }

/// Entries that a scenario has as a list, which serde reads and writes.
macro_rules! list_by_serde {
    ($($kind:ty)+) => {$(
        impl $crate::settings::layer::Entry for $kind {
            fn read_all<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Vec<Self>, D::Error> {
                serde::Deserialize::deserialize(value)
            }

            fn write_all(entries: &[Self]) -> Result<toml::Value, toml::ser::Error> {
                toml::Value::try_from(entries)
            }
        }
    )+};
}
pub(crate) use list_by_serde;

list_by_serde! { String PhaseConfig }

/// Declares structs of options of which one can lie on another.
macro_rules! layer {
    ($($(#[$meta:meta])* $seen:vis struct $name:ident {
        $($(#[$attribute:meta])* $visible:vis $field:ident: $kind:ty,)+
    })+) => {$(
        #[derive(Clone, Debug, Default, PartialEq, clap::Args)]
        $(#[$meta])*
        $seen struct $name {
            $($(#[$attribute])* $visible $field: $kind,)+
        }

        impl $crate::settings::layer::Layer for $name {
            fn over(self, lower: Self) -> Self {
                Self { $($field: self.$field.over(lower.$field)),+ }
            }

            fn first_set(&self) -> Option<&'static str> {
                $(match self.$field.first_set() {
                    Some("") => return Some(stringify!($field)),
                    Some(inner) => return Some(inner),
                    None => {}
                })+
                None
            }
        }
    )+};
}
pub(crate) use layer;

/// Makes such structs readable from a table of a scenario, each field by its name.
macro_rules! in_table {
    ($name:ident { $($field:ident: $kind:ty),+ $(,)? }) => {
        impl $crate::settings::layer::InTable for $name {
            fn keys(_key: &'static str) -> Vec<&'static str> {
                [$(<$kind as $crate::settings::layer::InTable>::keys(stringify!($field))),+].concat()
            }

            fn take(
                table: &mut toml::de::DeTable<'_>,
                _key: &str,
            ) -> Result<Self, $crate::settings::layer::Misread> {
                Ok(Self { $($field: $crate::settings::layer::InTable::take(table, stringify!($field))?),+ })
            }

            fn put(&self, _key: &str, table: &mut toml::Table) -> Result<(), toml::ser::Error> {
                $($crate::settings::layer::InTable::put(&self.$field, stringify!($field), table)?;)+
                Ok(())
            }
        }
    };
}
pub(crate) use in_table;

/// Declares a topic of settings: `struct Options as Settled { setting: Kind = default, open: Option<Kind>, }`.
///
/// `Options` is one level of it, for the command line, variables and scenarios. `Settled` is what the engine takes: what
/// `Options::settle` gives, which puts the defaults in the place of what is open. What has no default stays as it is, and so
/// does a group of other options.
macro_rules! settings {
    ($(#[$meta:meta])* $seen:vis struct $options:ident as $settled:ident { $($body:tt)+ }) => {
        settings! { @field [$(#[$meta])*] [$seen] [$options $settled] [] [] $($body)+ }
    };
    ($(#[$meta:meta])* $seen:vis struct $options:ident { $($body:tt)+ }) => {
        settings! { @field [$(#[$meta])*] [$seen] [$options] [] [] $($body)+ }
    };
    (@field $meta:tt $seen:tt $names:tt [$($open:tt)*] [$($settled:tt)*]
        $(#[$attribute:meta])* $field:ident: $kind:ty = $default:expr, $($rest:tt)*) => {
        settings! { @field $meta $seen $names
            [$($open)* ([$(#[$attribute])*] $field: Option<$kind>)]
            [$($settled)* ($field: $kind, $default)]
            $($rest)* }
    };
    (@field $meta:tt $seen:tt $names:tt [$($open:tt)*] [$($settled:tt)*]
        $(#[$attribute:meta])* $field:ident: $kind:ty, $($rest:tt)*) => {
        settings! { @field $meta $seen $names
            [$($open)* ([$(#[$attribute])*] $field: $kind)]
            [$($settled)* ($field: $kind)]
            $($rest)* }
    };
    (@field [$($meta:tt)*] [$seen:vis] [$options:ident $($settled:ident)?]
        [$(([$($attribute:tt)*] $field:ident: $kind:ty))+] $known:tt) => {
        $crate::settings::layer::layer! {
            $($meta)*
            $seen struct $options { $($($attribute)* pub $field: $kind,)+ }
        }
        $crate::settings::layer::in_table! { $options { $($field: $kind),+ } }
        $(settings! { @settled [$seen] $options $settled $known })?
    };
    (@settled [$seen:vis] $options:ident $settled:ident [$(($field:ident: $kind:ty $(, $default:expr)?))+]) => {
        #[doc = concat!("[`", stringify!($options), "`] without open settings.")]
        #[derive(Clone, Debug, PartialEq)]
        $seen struct $settled {
            $(#[doc = concat!("See [`", stringify!($options), "::", stringify!($field), "`].")] pub $field: $kind,)+
        }

        impl $options {
            /// The settings, with the defaults for those that are open, which are put down here too.
            pub fn settle(&mut self) -> $settled {
                $($(self.$field.get_or_insert_with(|| $default);)?)+
                $settled { $($field: settings!(@value self.$field $(, $default)?),)+ }
            }
        }

        impl Default for $settled {
            fn default() -> Self {
                $options::default().settle()
            }
        }
    };
    (@value $value:expr, $default:expr) => { $value.clone().unwrap_or_else(|| $default) };
    (@value $value:expr) => { $value.clone() };
}
pub(crate) use settings;
