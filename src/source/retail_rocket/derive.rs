//! The fields that a recording lacks, each a function of an id alone: the same in every run, on every machine.
//!
//! `docs/events.md` describes them for readers of the events.

use crate::shop::{Cents, Device, TextId, Vocabulary};
use crate::wire::sink::Escaped;

use super::hash::{salted, scaled};

/// The fields that are derived, by their names in the event.
pub(super) const DERIVED_FIELDS: [&str; 5] = ["session_id", "device_type", "category", "price", "quantity"];

// One salt for each purpose, so that a mobile user is not also the buyer of the first category.
const DEVICE: u64 = 1;
const CATEGORY: u64 = 2;
const PRICE: u64 = 3;
const PRICE_BAND: u64 = 4;

/// Invented categories with the range of their prices, in hundredths.
const CATEGORIES: [(&str, u32, u32); 24] = [
    ("audio", 1_990, 49_900),
    ("baby-care", 490, 12_900),
    ("books", 690, 5_900),
    ("cameras", 9_900, 249_900),
    ("camping", 1_490, 59_900),
    ("computers", 29_900, 299_900),
    ("cookware", 990, 24_900),
    ("cycling", 1_290, 189_900),
    ("fashion-men", 990, 19_900),
    ("fashion-women", 990, 24_900),
    ("furniture", 4_990, 199_900),
    ("games", 990, 7_990),
    ("garden", 490, 89_900),
    ("groceries", 90, 3_990),
    ("health", 390, 7_990),
    ("jewellery", 1_990, 499_900),
    ("lighting", 790, 34_900),
    ("pet-supplies", 290, 9_990),
    ("phones", 9_900, 149_900),
    ("shoes", 1_990, 22_900),
    ("stationery", 90, 4_990),
    ("tools", 590, 44_900),
    ("toys", 490, 14_900),
    ("watches", 2_990, 349_900),
];

/// Price ranges for categories that are mere numbers.
const PRICE_BANDS: [(u32, u32); 5] = [(90, 2_990), (490, 9_990), (990, 29_900), (4_990, 99_900), (19_900, 399_900)];

/// The categories of this recording and what follows from ids.
#[derive(Clone, Debug)]
pub(super) struct Derivation {
    /// Lowest and highest price of each category.
    prices: Vec<(u32, u32)>,
}

impl Derivation {
    /// The built-in categories.
    pub(super) fn built_in() -> (Self, Vocabulary) {
        let names = CATEGORIES.iter().map(|(name, ..)| Escaped::new(name)).collect();
        let prices = CATEGORIES.iter().map(|(_, low, high)| (*low, *high)).collect();
        (Self { prices }, Vocabulary { categories: names, ..Vocabulary::default() })
    }

    /// Categories that are known by their ids. There must be one at least.
    pub(super) fn of_ids(ids: &[u64]) -> (Self, Vocabulary) {
        let names = ids.iter().map(|id| Escaped::new(&id.to_string())).collect();
        let prices = ids.iter().map(|id| *pick(&PRICE_BANDS, salted(PRICE_BAND, *id))).collect();
        (Self { prices }, Vocabulary { categories: names, ..Vocabulary::default() })
    }

    /// The category of an item.
    #[expect(clippy::cast_possible_truncation, reason = "an index into a table of thousands")]
    pub(super) fn category(&self, item: u32) -> TextId {
        TextId(scaled(salted(CATEGORY, item.into()), self.prices.len() as u64) as u32)
    }

    /// The price of an item of that category.
    #[expect(clippy::cast_possible_truncation, reason = "less than the width of a range of u32")]
    pub(super) fn price(&self, item: u32, category: TextId) -> Cents {
        let (low, high) = self.prices[category.0 as usize];
        Cents(low + scaled(salted(PRICE, item.into()), u64::from(high - low) + 1) as u32)
    }
}

fn pick<T>(table: &[T], hash: u64) -> &T {
    &table[usize::try_from(scaled(hash, table.len() as u64)).unwrap_or(0)]
}

/// What a user browses with: 60 % mobile, 30 % desktop, 10 % tablet.
pub(super) fn device(user: u64) -> Device {
    match scaled(salted(DEVICE, user), 10) {
        0..6 => Device::Mobile,
        6..9 => Device::Desktop,
        _ => Device::Tablet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_follow_their_weights() {
        let count = |wanted: Device| (0..100_000).filter(|user| device(*user) == wanted).count();
        assert!((59_000..61_000).contains(&count(Device::Mobile)));
        assert!((29_000..31_000).contains(&count(Device::Desktop)));
        assert!((9_000..11_000).contains(&count(Device::Tablet)));
    }

    #[test]
    fn every_category_is_used_and_every_price_is_in_its_range() {
        let (derivation, vocabulary) = Derivation::built_in();
        let mut used = vec![false; vocabulary.categories.len()];
        for item in 0..10_000 {
            let category = derivation.category(item);
            used[category.0 as usize] = true;
            let (_, low, high) = CATEGORIES[category.0 as usize];
            assert!((low..=high).contains(&derivation.price(item, category).0));
        }
        assert!(used.iter().all(|used| *used));
    }

    #[test]
    fn what_is_derived_stays_the_same_over_versions() {
        let (derivation, vocabulary) = Derivation::built_in();
        let item = 123_456;
        let category = derivation.category(item);
        let name = vocabulary.categories[category.0 as usize].as_str();
        assert_eq!(
            (device(654_321), name, derivation.price(item, category)),
            (Device::Mobile, "watches", Cents(150_534))
        );
    }
}
