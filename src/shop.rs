//! The shop's events: what happened, to whom, on which item. Small and `Copy`; text lives in a [`Vocabulary`].
//!
//! [`catalogue`] declares their types and fields in the terms in which any event is declared, and [`values`] hands the values of
//! one over, in that order.

mod catalogue;
mod values;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use catalogue::{catalogue, types};
pub use values::Telling;

use crate::event::catalogue::TypeIndex;
use crate::wire::sink::Escaped;

/// The user an event belongs to. Its decimal form is the record's key, so it decides the partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u64);

/// An item of the shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub u64);

/// The n-th session of the event's user, written `<user>-<n>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub u32);

/// A price in hundredths; written with two decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(pub u32);

/// Index of a text in its table of the [`Vocabulary`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextId(pub u32);

/// What a user browses with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Device {
    /// Written `mobile`.
    Mobile,
    /// Written `desktop`.
    Desktop,
    /// Written `tablet`.
    Tablet,
}

impl Device {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Desktop => "desktop",
            Self::Tablet => "tablet",
        }
    }
}

/// The types of event, in the order in which reports list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A user looked at an item.
    View,
    /// A user put an item into the cart.
    AddToCart,
    /// A user bought an item.
    Transaction,
    /// A user searched.
    Search,
    /// A user narrowed a list down.
    Filter,
    /// A user rated an item.
    Review,
    /// An item came into stock or went out of it. No user's event: its key is the item.
    Inventory,
}

impl Kind {
    /// Every kind, in report order.
    pub const ALL: [Self; 7] =
        [Self::View, Self::AddToCart, Self::Transaction, Self::Search, Self::Filter, Self::Review, Self::Inventory];
    /// The kinds that users cause; they come first in [`Kind::ALL`].
    pub const OF_USERS: [Self; 6] =
        [Self::View, Self::AddToCart, Self::Transaction, Self::Search, Self::Filter, Self::Review];
    /// How many of these there are.
    pub const USERS_COUNT: usize = Self::OF_USERS.len();
    /// How many kinds there are: the length of arrays indexed by [`Kind::index`].
    pub const COUNT: usize = Self::ALL.len();

    /// The value of `event_type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::AddToCart => "addtocart",
            Self::Transaction => "transaction",
            Self::Search => "search",
            Self::Filter => "filter",
            Self::Review => "review",
            Self::Inventory => "inventory",
        }
    }

    /// Position in [`Kind::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its place in the catalogue of the shop's types.
    #[must_use]
    pub const fn type_index(self) -> TypeIndex {
        TypeIndex(self as u16)
    }

    /// The kind with that name, if it is one that users cause.
    ///
    /// # Errors
    /// Another name.
    pub fn of_users(name: &str) -> Result<Self, UnknownUserKind> {
        let found = Self::OF_USERS.into_iter().find(|kind| kind.as_str() == name);
        found.ok_or_else(|| UnknownUserKind(name.to_owned()))
    }

    /// The kind with that `event_type`, if there is one.
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().as_bytes() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no event type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no event type (view, addtocart, transaction, search, filter, review, inventory)")]
pub struct UnknownKind(pub String);

/// A name that is no type of event that users cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no event type (view, addtocart, transaction, search, filter, review)")]
pub struct UnknownUserKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;
    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::from_bytes(name.as_bytes()).ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

/// One event as its source gives it: everything but its id and its due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who did it, or the item of an inventory event; also the record's key.
    pub user: UserId,
    /// When it was recorded, ms since the Unix epoch; `None` for synthetic events.
    pub recorded_ms: Option<i64>,
    /// What was done.
    pub detail: Detail,
}

impl Event {
    /// The event's type.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self.detail {
            Detail::View { .. } => Kind::View,
            Detail::AddToCart { .. } => Kind::AddToCart,
            Detail::Transaction { .. } => Kind::Transaction,
            Detail::Search { .. } => Kind::Search,
            Detail::Filter { .. } => Kind::Filter,
            Detail::Review { .. } => Kind::Review,
            Detail::Inventory { .. } => Kind::Inventory,
        }
    }
}

/// The fields of each type, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A user looked at an item.
    View {
        /// The item.
        item: ItemId,
        /// Index into [`Vocabulary::categories`].
        category: TextId,
        /// The user's session.
        session: Session,
        /// The user's device.
        device: Device,
    },
    /// A user put an item into the cart.
    AddToCart {
        /// The item.
        item: ItemId,
        /// Index into [`Vocabulary::categories`].
        category: TextId,
        /// The user's session.
        session: Session,
        /// The user's device.
        device: Device,
        /// How many, from 1.
        quantity: u16,
    },
    /// A user bought an item.
    Transaction {
        /// The item.
        item: ItemId,
        /// Index into [`Vocabulary::categories`].
        category: TextId,
        /// Price of one.
        price: Cents,
        /// How many, from 1.
        quantity: u16,
        /// The order, which may span several events.
        transaction: Option<u64>,
        /// The user's session.
        session: Option<Session>,
    },
    /// A user searched.
    Search {
        /// Index into [`Vocabulary::queries`].
        query: TextId,
        /// How many items the search found.
        results: u32,
        /// The user's session.
        session: Session,
        /// The user's device.
        device: Device,
    },
    /// A user narrowed a list down.
    Filter {
        /// Index into [`Vocabulary::categories`].
        category: TextId,
        /// Index into [`Vocabulary::filters`].
        filter: TextId,
        /// The user's session.
        session: Session,
    },
    /// A user rated an item.
    Review {
        /// The item.
        item: ItemId,
        /// 1 to 5.
        rating: u8,
        /// Index into [`Vocabulary::reviews`].
        text: TextId,
        /// The user's session.
        session: Session,
    },
    /// An item came into stock or went out of it. The item stands in the place of the event's user.
    Inventory {
        /// Whether it can be bought.
        available: bool,
    },
}

/// The texts that events point into, built once before the run. Every entry is escaped for JSON beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// Category names or ids.
    pub categories: Vec<Escaped>,
    /// Search queries.
    pub queries: Vec<Escaped>,
    /// `filter_type` and `filter_value`.
    pub filters: Vec<(Escaped, Escaped)>,
    /// Review texts.
    pub reviews: Vec<Escaped>,
}

#[cfg(test)]
mod tests;
