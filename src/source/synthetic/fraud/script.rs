//! What happens in an episode, step by step.

use super::super::super::stream::{Stream, below};
use super::super::shop::{Shop, quantity};
use super::block::Step;
use super::config::{FraudConfig, Pattern};
use crate::shop::{Cents, Detail, Device, Event, ItemId, Kind, Session, UserId};

/// The steps of an account that was taken over.
const TAKEOVER: [Kind; 7] =
    [Kind::Search, Kind::View, Kind::AddToCart, Kind::Transaction, Kind::View, Kind::AddToCart, Kind::Transaction];

/// The fewest and the most steps.
const fn lengths(pattern: Pattern) -> (u8, u8) {
    match pattern {
        Pattern::CardTesting => (6, 12),
        Pattern::Velocity => (10, 16),
        Pattern::AccountTakeover => (7, 7),
        Pattern::PriceAnomaly => (1, 3),
        Pattern::BotBrowsing => (24, 40),
    }
}

/// How many steps an episode has.
#[expect(clippy::cast_possible_truncation, reason = "at most 40")]
pub(super) const fn length(pattern: Pattern, word: u64) -> u8 {
    let (least, most) = lengths(pattern);
    least + below(word, (most - least) as u64 + 1) as u8
}

pub(super) fn mean_length(pattern: Pattern) -> f64 {
    let (least, most) = lengths(pattern);
    f64::midpoint(f64::from(least), f64::from(most))
}

fn kind(pattern: Pattern, step: u8) -> Kind {
    match pattern {
        Pattern::CardTesting | Pattern::Velocity | Pattern::PriceAnomaly => Kind::Transaction,
        Pattern::AccountTakeover => TAKEOVER.get(usize::from(step)).copied().unwrap_or(Kind::Transaction),
        Pattern::BotBrowsing => Kind::View,
    }
}

/// The share of all fraudulent events that each type has, in the order of [`Kind::OF_USERS`].
pub(in super::super) fn mix(config: &FraudConfig) -> [f64; Kind::USERS_COUNT] {
    let mut mix = [0.0; Kind::USERS_COUNT];
    for (pattern, share) in Pattern::ALL.into_iter().zip(config.shares()) {
        let (_, most) = lengths(pattern);
        // Where an episode can be shorter or longer, all its steps are of one type.
        for step in 0..most {
            mix[kind(pattern, step).index()] += share / f64::from(most);
        }
    }
    mix
}

/// Whose step it is, and where it stands.
pub(super) struct Place {
    pub(super) user: UserId,
    pub(super) session: Session,
    /// The event's number in the whole run.
    pub(super) number: u64,
}

/// The event of a step. `episode` are random numbers of its episode, the same in each step; `own` those of the step.
pub(super) fn event(shop: &Shop, step: Step, place: &Place, mut episode: Stream, mut own: Stream) -> Event {
    let Place { user, session, number } = *place;
    let base = shop.draw_item(&mut episode);
    let item = match step.pattern {
        Pattern::BotBrowsing => ItemId((base.0 + u64::from(step.turn)) % shop.items()),
        Pattern::AccountTakeover => dearest(shop, &mut own),
        Pattern::CardTesting | Pattern::Velocity | Pattern::PriceAnomaly => shop.draw_item(&mut own),
    };
    let category = shop.category(item);
    let device = match step.pattern {
        Pattern::AccountTakeover => another(shop.device(user)),
        _ => shop.device(user),
    };
    let detail = match kind(step.pattern, step.turn) {
        Kind::Search => {
            let query = shop.draw_query(&mut own);
            Detail::Search { query, results: shop.results(query), session, device }
        }
        Kind::AddToCart => Detail::AddToCart { item, category, session, device, quantity: quantity(own.word()) },
        Kind::Transaction => {
            let (price, quantity) = bargain(step.pattern, shop.price(item, category), &mut own);
            let (transaction, session) = (Some(number), Some(session));
            Detail::Transaction { item, category, price, quantity, transaction, session }
        }
        _ => Detail::View { item, category, session, device },
    };
    Event { user, recorded_ms: None, detail }
}

/// The dearest of eight things.
fn dearest(shop: &Shop, own: &mut Stream) -> ItemId {
    let mut best = (Cents(0), ItemId(0));
    for _ in 0..8 {
        let item = shop.draw_item(own);
        best = best.max((shop.price(item, shop.category(item)), item));
    }
    best.1
}

const fn another(device: Device) -> Device {
    match device {
        Device::Mobile => Device::Desktop,
        Device::Desktop => Device::Tablet,
        Device::Tablet => Device::Mobile,
    }
}

/// Price of one and how many.
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
fn bargain(pattern: Pattern, Cents(price): Cents, own: &mut Stream) -> (Cents, u16) {
    let word = own.word();
    match pattern {
        Pattern::CardTesting => (Cents(50 + below(word, 151) as u32), 1),
        Pattern::AccountTakeover => (Cents(price), 2 + below(word, 4) as u16),
        Pattern::PriceAnomaly if word.is_multiple_of(2) => (Cents((price / 100).max(1)), quantity(own.word())),
        Pattern::PriceAnomaly => (Cents(price), 50 + below(word, 151) as u16),
        Pattern::Velocity | Pattern::BotBrowsing => (Cents(price), quantity(word)),
    }
}
