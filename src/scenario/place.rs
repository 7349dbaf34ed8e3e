//! What settings are called at each of the levels.

use super::environment::Variables;
use super::level::Level;
use crate::settings::variables::variables_of;

/// A level, and the names its settings have there.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    level: Level,
    variables: Option<&'a Variables>,
}

impl<'a> Place<'a> {
    /// The command line.
    pub const OPTIONS: Self = Self { level: Level::Option, variables: None };

    /// The scenario.
    pub const SCENARIO: Self = Self { level: Level::Scenario, variables: None };

    /// The variables' level.
    #[must_use]
    pub const fn of(variables: &'a Variables) -> Self {
        Self { level: variables.level(), variables: Some(variables) }
    }

    /// Its level.
    #[must_use]
    pub const fn level(self) -> Level {
        self.level
    }

    /// How an option is written here: `--rate`, or the name of its variable that is set.
    #[must_use]
    pub fn name_of(self, option: &str) -> String {
        let Some(variables) = self.variables else {
            return if self.level == Level::Scenario { option.replace('-', "_") } else { format!("--{option}") };
        };
        let names = variables_of(option);
        let set = names.iter().find(|name| variables.get(name).is_some());
        set.or(names.first()).cloned().unwrap_or_default()
    }

    /// The client properties that have variables of their own here: property, value, variable.
    pub fn properties(self) -> impl Iterator<Item = (&'static str, &'a str, &'static str)> {
        self.variables.into_iter().flat_map(Variables::properties)
    }
}
