//! What is looked at: what a user and an item did in the last minute, the event included.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};

use xxhash_rust::xxh3::xxh3_64;

use super::event::{Event, Type};

/// How far back is looked, in ms of the events' own time.
pub const SPAN_MS: i64 = 60_000;
/// Events of a partition that are kept at most; where more came within the span, it is shorter.
pub const KEPT: usize = 1_000_000;
/// A purchase of less is a small one, in hundredths.
const SMALL: i64 = 300;
/// Gaps between a user's last events that are looked at.
const GAPS: usize = 8;
/// The names of the features, in their order.
pub const NAMES: [&str; 22] = [
    "is_view",
    "is_cart",
    "is_purchase",
    "is_search",
    "price",
    "quantity",
    "amount",
    "user_events",
    "user_views",
    "user_purchases",
    "user_small_purchases",
    "user_amount",
    "user_categories",
    "user_devices",
    "is_other_device",
    "since_last_s",
    "gap_mean_s",
    "gap_unevenness",
    "item_events",
    "item_price_ratio",
    "user_mean_price",
    "user_items",
];

/// The features of an event, in the order of [`NAMES`].
pub type Features = [f64; NAMES.len()];

/// What is kept of an event.
#[derive(Clone, Copy, Debug)]
struct Past {
    at_ms: i64,
    offset: i64,
    user: u64,
    item: Option<u64>,
    category: Option<u64>,
    device: Option<u64>,
    of: Type,
    price: i64,
    amount: i64,
}

/// What one user did within the span.
#[derive(Clone, Debug, Default)]
struct User {
    events: u32,
    views: u32,
    purchases: u32,
    small: u32,
    prices: i64,
    amount: i64,
    categories: Distinct,
    devices: Distinct,
    items: Distinct,
    last_ms: i64,
    /// Between its last events that are still counted.
    gaps: VecDeque<i64>,
}

/// What happened to one item within the span.
#[derive(Clone, Copy, Debug, Default)]
struct Item {
    events: u32,
    priced: u32,
    prices: i64,
}

/// Different values with how often they are there.
#[derive(Clone, Debug, Default)]
struct Distinct(HashMap<u64, u32>);

impl Distinct {
    fn add(&mut self, value: u64) {
        *self.0.entry(value).or_default() += 1;
    }

    fn remove(&mut self, value: u64) {
        if let Some(count) = self.0.get_mut(&value) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&value);
            }
        }
    }

    /// The one that is there most often; of several the smallest.
    fn usual(&self) -> Option<u64> {
        self.0.iter().max_by_key(|(value, count)| (**count, Reverse(**value))).map(|(value, _)| *value)
    }
}

/// What the users and items of a partition did within the span.
#[derive(Debug, Default)]
pub struct Window {
    /// In the order of offsets.
    past: VecDeque<Past>,
    users: HashMap<u64, User>,
    items: HashMap<u64, Item>,
    /// The latest time of all events.
    time_ms: i64,
}

impl Window {
    /// Takes the next event of the partition, and tells what is to be looked at.
    pub fn take(&mut self, offset: i64, event: &Event<'_>) -> Features {
        self.time_ms = self.time_ms.max(event.at_ms);
        self.forget();
        let amount = event.price.unwrap_or(0).saturating_mul(event.quantity);
        let past = Past {
            at_ms: event.at_ms,
            offset,
            user: xxh3_64(&event.user),
            item: event.item,
            category: event.category,
            device: event.device,
            of: event.of,
            price: event.price.unwrap_or(0),
            amount,
        };
        self.past.push_back(past);
        let item = past.item.map(|item| {
            let item = self.items.entry(item).or_default();
            let before = *item;
            item.add(&past);
            (before, *item)
        });
        let user = self.users.entry(past.user).or_default();
        let since_ms = if user.events == 0 { SPAN_MS } else { (event.at_ms - user.last_ms).clamp(0, SPAN_MS) };
        let usual_device = user.devices.usual();
        user.add(&past, since_ms);
        let is_other = past.device.is_some_and(|device| usual_device.is_some_and(|usual| usual != device));
        features(event, &past, user, item, (since_ms, is_other))
    }

    /// The offset of the first event that is still looked at; `None` where there is none.
    #[must_use]
    pub fn first_offset(&self) -> Option<i64> {
        self.past.front().map(|past| past.offset)
    }

    /// How many users are known.
    #[must_use]
    pub fn users(&self) -> usize {
        self.users.len()
    }

    fn forget(&mut self) {
        let oldest = self.time_ms - SPAN_MS;
        while self.past.front().is_some_and(|past| past.at_ms <= oldest) || self.past.len() >= KEPT {
            let Some(past) = self.past.pop_front() else { return };
            if let Some(user) = self.users.get_mut(&past.user) {
                user.remove(&past);
                if user.events == 0 {
                    self.users.remove(&past.user);
                }
            }
            if let Some(id) = past.item
                && let Some(item) = self.items.get_mut(&id)
            {
                item.remove(&past);
                if item.events == 0 {
                    self.items.remove(&id);
                }
            }
        }
    }
}

impl User {
    fn add(&mut self, past: &Past, since_ms: i64) {
        if self.events > 0 {
            if self.gaps.len() == GAPS {
                self.gaps.pop_front();
            }
            self.gaps.push_back(since_ms);
        }
        self.events += 1;
        self.views += u32::from(past.of == Type::View);
        if past.of == Type::Purchase {
            self.purchases += 1;
            self.small += u32::from(past.price < SMALL);
            self.prices += past.price;
            self.amount += past.amount;
        }
        past.category.into_iter().for_each(|category| self.categories.add(category));
        past.item.into_iter().for_each(|item| self.items.add(item));
        past.device.into_iter().for_each(|device| self.devices.add(device));
        self.last_ms = past.at_ms;
    }

    fn remove(&mut self, past: &Past) {
        self.events -= 1;
        self.views -= u32::from(past.of == Type::View);
        if past.of == Type::Purchase {
            self.purchases -= 1;
            self.small -= u32::from(past.price < SMALL);
            self.prices -= past.price;
            self.amount -= past.amount;
        }
        past.category.into_iter().for_each(|category| self.categories.remove(category));
        past.item.into_iter().for_each(|item| self.items.remove(item));
        past.device.into_iter().for_each(|device| self.devices.remove(device));
        // The first of them is to an event that is no more.
        while self.gaps.len() >= self.events.max(1) as usize {
            self.gaps.pop_front();
        }
    }
}

impl Item {
    fn add(&mut self, past: &Past) {
        self.events += 1;
        self.priced += u32::from(past.of == Type::Purchase);
        self.prices += if past.of == Type::Purchase { past.price } else { 0 };
    }

    fn remove(&mut self, past: &Past) {
        self.events -= 1;
        self.priced -= u32::from(past.of == Type::Purchase);
        self.prices -= if past.of == Type::Purchase { past.price } else { 0 };
    }
}

#[expect(clippy::cast_precision_loss, reason = "times, sums and counts far below 2^53")]
fn features(
    event: &Event<'_>,
    past: &Past,
    user: &User,
    item: Option<(Item, Item)>,
    (since_ms, is_other): (i64, bool),
) -> Features {
    let is = |of: Type| f64::from(u8::from(event.of == of));
    let hundredths = |value: i64| value as f64 / 100.0;
    let gaps = user.gaps.len();
    let mean_ms = if gaps == 0 { SPAN_MS as f64 } else { user.gaps.iter().sum::<i64>() as f64 / gaps as f64 };
    let spread = user.gaps.iter().max().zip(user.gaps.iter().min()).map_or(0, |(longest, shortest)| longest - shortest);
    // What was paid for it before is what it costs.
    let (before, now) = item.unwrap_or_default();
    let usual = if before.priced > 0 { before.prices as f64 / f64::from(before.priced) } else { 0.0 };
    [
        is(Type::View),
        is(Type::Cart),
        is(Type::Purchase),
        is(Type::Search),
        hundredths(past.price),
        event.quantity as f64,
        hundredths(past.amount),
        f64::from(user.events),
        f64::from(user.views),
        f64::from(user.purchases),
        f64::from(user.small),
        hundredths(user.amount),
        user.categories.0.len() as f64,
        user.devices.0.len() as f64,
        f64::from(u8::from(is_other)),
        since_ms as f64 / 1_000.0,
        mean_ms / 1_000.0,
        if gaps < 3 { -1.0 } else { spread as f64 / mean_ms.max(1.0) },
        f64::from(now.events),
        if usual > 0.0 && event.price.is_some() { past.price as f64 / usual } else { 1.0 },
        if user.purchases > 0 { hundredths(user.prices) / f64::from(user.purchases) } else { 0.0 },
        user.items.0.len() as f64,
    ]
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn of(features: &Features, name: &str) -> f64 {
        features[NAMES.iter().position(|known| *known == name).unwrap()]
    }

    fn bought(user: u8, at_ms: i64, price: i64) -> Event<'static> {
        Event {
            user: Cow::Owned(vec![user]),
            of: Type::Purchase,
            at_ms,
            item: Some(u64::from(user)),
            price: Some(price),
            quantity: 2,
            ..Event::default()
        }
    }

    #[test]
    fn a_minute_is_looked_at_and_no_more() {
        let mut window = Window::default();
        for (offset, at_ms) in [(10, 0), (11, 30_000), (12, 59_999)] {
            window.take(offset, &bought(1, at_ms, 100));
        }
        let features = window.take(13, &bought(1, 60_000, 5_000));
        assert_eq!((of(&features, "user_events"), of(&features, "user_small_purchases")), (3.0, 2.0));
        assert_eq!((of(&features, "user_amount"), of(&features, "item_price_ratio")), (104.0, 50.0));
        assert_eq!(window.first_offset(), Some(11));
        window.take(14, &bought(2, 500_000, 1));
        assert_eq!((window.users(), window.first_offset()), (1, Some(14)));
    }

    #[test]
    fn an_even_pace_and_another_device_show() {
        let mut window = Window::default();
        let view = |at_ms, device| Event {
            user: Cow::Borrowed(b"1"),
            of: Type::View,
            at_ms,
            device: Some(device),
            ..Event::default()
        };
        for at in 0..5 {
            window.take(at, &view(at * 200, 7));
        }
        let features = window.take(5, &view(1_000, 8));
        assert_eq!((of(&features, "gap_unevenness"), of(&features, "gap_mean_s")), (0.0, 0.2));
        assert_eq!((of(&features, "is_other_device"), of(&features, "user_devices")), (1.0, 2.0));
    }

    proptest! {
        #[test]
        fn nothing_is_left_when_all_is_long_ago(
            events in prop::collection::vec((0_u8..5, 0_i64..200_000, 0_i64..1_000), 0..200)
        ) {
            let mut window = Window::default();
            for (offset, (user, at_ms, price)) in (0..).zip(events) {
                let features = window.take(offset, &bought(user, at_ms, price));
                prop_assert!(features.iter().all(|feature| feature.is_finite()));
            }
            // Long ago for all: also for what came late.
            window.take(1_000, &bought(9, 10_000_000, 1));
            prop_assert_eq!((window.users(), window.items.len(), window.past.len()), (1, 1, 1));
        }

        #[test]
        fn from_where_a_window_begins_on_it_is_the_same_again(
            events in prop::collection::vec((0_u8..4, 0_i64..3_000, 0_i64..1_000), 1..150)
        ) {
            let mut at_ms = 0;
            let events: Vec<Event<'_>> = events.into_iter().map(|(user, gap, price)| { at_ms += gap; bought(user, at_ms, price) }).collect();
            let (half, mut window) = (events.len() / 2, Window::default());
            let all: Vec<Features> = (0..).zip(&events).map(|(offset, event)| {
                window.take(offset, event)
            }).collect();
            let mut first = Window::default();
            for (offset, event) in (0..).zip(&events[..half]) {
                first.take(offset, event);
            }
            let from = first.first_offset().map_or(half, |offset| usize::try_from(offset).unwrap());
            let mut again = Window::default();
            for (at, event) in events.iter().enumerate().skip(from) {
                let features = again.take(i64::try_from(at).unwrap(), event);
                if at >= half {
                    prop_assert_eq!(features.map(f64::to_bits), all[at].map(f64::to_bits));
                }
            }
        }
    }
}
