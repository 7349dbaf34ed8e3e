//! Settings that are one of a few words, written alike in options, variables and scenarios.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// A word that is none of the choices.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{word}\" is none of {choices}")]
pub struct UnknownWord {
    /// The word.
    pub word: String,
    /// What would be.
    pub choices: String,
}

/// One of a few words.
pub trait Choice: Copy + Send + Sync + 'static {
    /// Every choice, in the order of the help.
    const ALL: &'static [Self];

    /// The word.
    fn as_str(self) -> &'static str;

    /// What it means, in one line.
    fn meaning(self) -> &'static str;

    /// The choice of that word.
    ///
    /// # Errors
    /// Where there is none.
    fn from_word(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.iter().copied().find(|choice| choice.as_str() == word).ok_or_else(|| UnknownWord {
            word: word.to_owned(),
            choices: Self::ALL.iter().map(|choice| choice.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// Accepts the words of `T` on the command line, and shows them.
pub(crate) fn of<T: Choice>() -> impl TypedValueParser<Value = T> {
    let words = T::ALL.iter().map(|choice| PossibleValue::new(choice.as_str()).help(choice.meaning()));
    PossibleValuesParser::new(words).try_map(|word| T::from_word(&word))
}

/// Defines an enum whose variants have a word and a meaning.
macro_rules! choices {
    ($(#[$doc:meta])* $seen:vis enum $name:ident { $($variant:ident = $word:literal: $meaning:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $seen enum $name {
            $(#[doc = $meaning] $variant,)+
        }

        impl $crate::settings::choice::Choice for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::settings::choice::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                <Self as $crate::settings::choice::Choice>::from_word(word)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::settings::text::read(deserializer)
            }
        }

        $crate::settings::layer::by_serde! { $name }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::settings::choice::Choice::as_str(*self))
            }
        }
    };
}
pub(crate) use choices;

#[cfg(test)]
mod tests {
    use super::*;

    choices! {
        /// A fruit.
        pub(super) enum Fruit {
            Apple = "apple": "round",
            Pear = "pear": "not so round",
        }
    }

    #[test]
    fn a_word_is_read_as_it_is_written() {
        for fruit in Fruit::ALL {
            assert_eq!(Fruit::from_word(&fruit.to_string()), Ok(*fruit));
        }
        assert_eq!(Fruit::from_word("plum").unwrap_err().to_string(), "\"plum\" is none of apple, pear");
        assert_eq!(Fruit::Pear.meaning(), "not so round");
    }
}
