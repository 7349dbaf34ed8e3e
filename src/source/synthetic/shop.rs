//! The shop that users visit: what belongs to an item, a user or a query, and the small choices within an event.
//!
//! All of it is a function of the id and the seed, so any event can be made without looking at another one.

use super::super::population::{Population, Shape};
use super::super::stream::{Purpose, Stream, below, key, word_of};
use super::wording::{CATEGORIES, Wording, leaves};
use super::{Config, ConfigError};
use crate::shop::{Cents, Device, ItemId, TextId, UserId};

/// How much more often the popular searches come; that of web searches is near 1.
const QUERY_SKEW: f64 = 0.8;

/// Shares of quantities from 1, in 1/1024.
const QUANTITIES: [u64; 5] = [800, 143, 51, 20, 10];

/// Shares of ratings from 1, in 1/1024. Reviews are J-shaped: many fives, then ones, few in between (Hu, Zhang, Pavlou:
/// "Overcoming the J-shaped distribution of product reviews", CACM 52(10), 2009).
const RATINGS: [u64; 5] = [123, 51, 82, 205, 563];

/// Shares of mobile, desktop and tablet, in 1/1024.
const DEVICES: [u64; 3] = [614, 338, 72];

/// The most that a search finds.
const MOST_RESULTS: u64 = 500;

/// The items of each category by popularity, without the hot one; `None` where there is no item.
pub(super) type Aisles = [Option<Population>; CATEGORIES];

/// The shop, shared by all lanes.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) wording: Wording,
    items: Population,
    /// How many items there are.
    count: u64,
    queries: Population,
    user_key: u64,
    item_key: u64,
    query_key: u64,
    /// The category of items 0, 1, 2, ...; it repeats.
    categories: [u8; CATEGORIES],
    /// By category: the first item of it.
    firsts: [u8; CATEGORIES],
    /// An item with a share of its own.
    hot: Option<ItemId>,
    /// By category: cheapest and dearest price, in whole units.
    prices: Vec<(u32, u32)>,
}

impl Shop {
    pub(super) fn new(config: &Config, seed: u64) -> Result<Self, ConfigError> {
        let wording = Wording::new(seed);
        let hot = config.hot_item.as_ref().map(|hot| (hot.id, hot.share));
        let items = Population::new(&Shape::whole(config.items, config.item_skew, hot))
            .ok_or(ConfigError::Population { what: "items", count: config.items })?;
        let searches = wording.vocabulary.queries.len() as u64;
        let queries = Population::new(&Shape::whole(searches, QUERY_SKEW, None))
            .ok_or(ConfigError::Population { what: "queries", count: searches })?;
        let categories = shuffled_categories(seed);
        let mut firsts = [0; CATEGORIES];
        for (category, first) in categories.into_iter().zip(0..) {
            firsts[usize::from(category)] = first;
        }
        Ok(Self {
            items,
            count: config.items,
            queries,
            user_key: key(seed, Purpose::Users, 0),
            item_key: key(seed, Purpose::Items, 0),
            query_key: key(seed, Purpose::Queries, 0),
            categories,
            firsts,
            hot: config.hot_item.map(|hot| ItemId(hot.id)),
            prices: leaves().map(|(_, category)| category.prices).collect(),
            wording,
        })
    }

    /// An item, by popularity.
    pub(super) fn draw_item(&self, stream: &mut Stream) -> ItemId {
        ItemId(self.items.draw(stream).rank)
    }

    /// How many items there are.
    pub(super) const fn items(&self) -> u64 {
        self.count
    }

    /// A search, by popularity.
    #[expect(clippy::cast_possible_truncation, reason = "a few thousand queries")]
    pub(super) fn draw_query(&self, stream: &mut Stream) -> TextId {
        TextId(self.queries.draw(stream).rank as u32)
    }

    /// Where an item stands in the tree: every 24th item is of the same category, so each has its popular and its rare
    /// items.
    #[expect(clippy::cast_possible_truncation, reason = "less than 24")]
    pub(super) fn category(&self, item: ItemId) -> TextId {
        TextId(u32::from(self.categories[(item.0 % CATEGORIES as u64) as usize]))
    }

    /// The item of that rank among those of `category`.
    pub(super) fn item_of(&self, category: TextId, rank: u64) -> ItemId {
        ItemId(u64::from(self.firsts[category.0 as usize]) + rank * CATEGORIES as u64)
    }

    /// Whether the item has a share of its own, which no other rule may change.
    pub(super) fn is_hot(&self, item: ItemId) -> bool {
        self.hot == Some(item)
    }

    /// The items of each category by popularity, without the hot one.
    pub(super) fn aisles(&self, config: &Config) -> Aisles {
        let every = CATEGORIES as u64;
        self.firsts.map(|first| {
            let first = u64::from(first);
            let hot = self.hot.filter(|hot| hot.0 % every == first).map(|hot| (hot.0 / every, 0.0));
            Population::new(&Shape::part(config.items, first, every, config.item_skew, hot).among_many())
        })
    }

    /// An item's price: within its category's range, cheap ones more frequent (the square of a uniform number), and always
    /// a little below a whole number.
    #[expect(clippy::cast_possible_truncation, reason = "at most the category's dearest price")]
    pub(super) fn price(&self, item: ItemId, category: TextId) -> Cents {
        let (low, high) = self.prices[category.0 as usize];
        let uniform = word_of(self.item_key, item.0) >> 32;
        let above = below(uniform * uniform, u64::from(high - low) + 1) as u32;
        Cents((low + above) * 100 + 99)
    }

    /// What a user browses with.
    pub(super) fn device(&self, user: UserId) -> Device {
        [Device::Mobile, Device::Desktop, Device::Tablet][choice(&DEVICES, word_of(self.user_key, user.0))]
    }

    /// How many items a search finds: the same number each time, most often few (the cube of a uniform number).
    #[expect(clippy::cast_possible_truncation, reason = "at most 500")]
    pub(super) fn results(&self, query: TextId) -> u32 {
        let uniform = word_of(self.query_key, u64::from(query.0)) >> 43;
        below((uniform * uniform * uniform) << 1, MOST_RESULTS + 1) as u32
    }

    /// A point in 0..1, in 2^-64, at which a user's first session ends.
    pub(super) const fn phase(&self, user: UserId) -> u64 {
        word_of(!self.user_key, user.0)
    }
}

/// How many of an item are put into the cart or bought: 1 to 5, most often 1.
#[expect(clippy::cast_possible_truncation, reason = "1 to 5")]
pub(super) fn quantity(word: u64) -> u16 {
    1 + choice(&QUANTITIES, word) as u16
}

/// A rating: 1 to 5.
#[expect(clippy::cast_possible_truncation, reason = "1 to 5")]
pub(super) fn rating(word: u64) -> u8 {
    1 + choice(&RATINGS, word) as u8
}

/// An index of `shares`, which sum to 1024, from the upper ten bits of `word`.
fn choice<const N: usize>(shares: &[u64; N], word: u64) -> usize {
    let point = word >> 54;
    let mut cumulated = 0;
    let mut index = 0;
    for share in shares {
        cumulated += share;
        index += usize::from(point >= cumulated);
    }
    index
}

fn shuffled_categories(seed: u64) -> [u8; CATEGORIES] {
    use rand::seq::SliceRandom as _;
    let mut categories = [0; CATEGORIES];
    for (category, index) in categories.iter_mut().zip(0..) {
        *category = index;
    }
    categories.shuffle(&mut Stream::of_event(key(seed, Purpose::Texts, 0), 1 << 32));
    categories
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::HotKey;
    use super::*;

    fn shop(seed: u64) -> Shop {
        Shop::new(&Config::default(), seed).unwrap()
    }

    #[test]
    fn shares_of_small_choices_are_whole() {
        assert_eq!(QUANTITIES.iter().sum::<u64>(), 1024);
        assert_eq!(RATINGS.iter().sum::<u64>(), 1024);
        assert_eq!(DEVICES.iter().sum::<u64>(), 1024);
        assert_eq!((quantity(0), quantity(u64::MAX)), (1, 5));
        assert_eq!((rating(0), rating(u64::MAX)), (1, 5));
    }

    #[test]
    fn prices_stay_in_the_range_of_their_category() {
        let shop = shop(3);
        let mut seen = [(u32::MAX, 0); CATEGORIES];
        for item in (0..50_000).map(ItemId) {
            let category = shop.category(item);
            let Cents(price) = shop.price(item, category);
            let (low, high) = shop.prices[category.0 as usize];
            assert!((low * 100..=high * 100 + 99).contains(&price), "item {item:?}: {price}");
            let (least, most) = &mut seen[category.0 as usize];
            (*least, *most) = ((*least).min(price), (*most).max(price));
        }
        for (at, (low, high)) in shop.prices.iter().enumerate() {
            let (least, most) = seen[at];
            assert!(least < low * 100 + (high - low) * 10 + 100, "category {at} starts at {least}");
            assert!(most > low * 100 + (high - low) * 90, "category {at} ends at {most}");
        }
    }

    #[test]
    fn an_aisle_holds_the_items_of_its_category_but_the_hot_one() {
        let config = Config { items: 50, hot_item: Some(HotKey { share: 0.5, id: 3 }), ..Config::default() };
        let shop = Shop::new(&config, 3).unwrap();
        let mut seen = HashSet::new();
        for (category, aisle) in (0..).map(TextId).zip(shop.aisles(&config)) {
            let aisle = aisle.unwrap();
            for n in 0..200 {
                let item = shop.item_of(category, aisle.draw(&mut Stream::of_event(1, n)).rank);
                assert_eq!(shop.category(item), category);
                seen.insert(item.0);
            }
        }
        assert_eq!(seen, (0..50).filter(|&item| item != 3).collect());
        let few = Config { items: 2, ..config };
        assert_eq!(shop.aisles(&few).iter().flatten().count(), 2);
    }

    #[test]
    fn every_category_has_items() {
        let shop = shop(3);
        let mut categories: Vec<_> = (0..24).map(|item| shop.category(ItemId(item)).0).collect();
        categories.sort_unstable();
        assert_eq!(categories, (0..24).collect::<Vec<_>>());
    }

    #[test]
    fn searches_find_none_to_five_hundred() {
        let shop = shop(3);
        let found: Vec<u32> = (0..1_500).map(|query| shop.results(TextId(query))).collect();
        assert!(found.iter().all(|&results| results <= 500));
        assert!(found.contains(&0) && found.iter().any(|&results| results > 450));
        assert!(found.iter().filter(|&&results| results < 100).count() > 700);
    }

    #[test]
    fn half_of_all_users_and_more_are_mobile() {
        let shop = shop(3);
        let of = |device| (0..10_000).filter(|&user| shop.device(UserId(user)) == device).count();
        assert!((5_700..6_300).contains(&of(Device::Mobile)));
        assert!((3_000..3_600).contains(&of(Device::Desktop)));
        assert!((550..850).contains(&of(Device::Tablet)));
    }
}
