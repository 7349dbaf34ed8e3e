//! Values that are one of a few words, as clap shows and checks them.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::scenario::choice::Choice;

/// Accepts the words of `T`.
pub(crate) fn of<T: Choice>() -> impl TypedValueParser<Value = T> {
    let words = T::ALL.iter().map(|choice| PossibleValue::new(choice.as_str()).help(choice.meaning()));
    PossibleValuesParser::new(words).try_map(|word| T::from_word(&word))
}
