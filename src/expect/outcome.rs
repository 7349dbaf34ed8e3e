//! The value of a result: what came, or what was to come.

use std::fmt;

use super::body;
use super::decimal::Decimal;
use super::declare::Added;

/// What a result says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Number(Decimal),
    /// How likely an event is fraudulent; 0 where it is only to be there.
    Score(f64),
    /// The items with the greatest numbers, the greatest first.
    List(Vec<Item>),
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: Box<[u8]>,
    pub(super) number: Decimal,
}

impl Outcome {
    /// That of a record of the output; `None` where it has none.
    pub(super) fn read(added: &Added, body: &[u8]) -> Option<Self> {
        let value = body::at(body, &added.of)?;
        let Some((name, number)) = &added.entry else {
            return Decimal::parse(body::number(value)).map(Self::Number);
        };
        let mut list = Some(Vec::new());
        body::items(value, &mut |entry| {
            let item = || {
                let name = body::text(body::at(entry, name)?)?.into();
                Some(Item { name, number: Decimal::parse(body::number(body::at(entry, number)?))? })
            };
            match (item(), &mut list) {
                (Some(item), Some(list)) => list.push(item),
                (None, list) => *list = None,
                (Some(_), None) => {}
            }
        })?;
        list.map(Self::List)
    }

    /// The number that it is.
    pub(super) const fn number(&self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Score(_) | Self::List(_) => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Score(score) => write!(f, "{score}"),
            Self::List(list) if list.is_empty() => f.write_str("no item"),
            Self::List(list) => {
                let item = |item: &Item| format!("{} {}", String::from_utf8_lossy(&item.name), item.number);
                f.write_str(&list.iter().map(item).collect::<Vec<_>>().join(", "))
            }
        }
    }
}
