//! The independent model: each event is drawn by itself, so any event of a lane can be had in constant time.

use std::sync::Arc;

use super::super::lane::LaneId;
use super::super::population::{Member, Population};
use super::super::stream::{Purpose, Stream, key};
use super::Synthetic;
use super::shop::{Shop, quantity, rating};
use super::weights::{KindPicker, Weights};
use crate::shop::{Detail, Event, Kind, Session, UserId};

/// How many events of a user make one session, on average over all users and times.
const EVENTS_PER_SESSION_LOG2: u32 = 3;

/// The events of one lane.
#[derive(Debug)]
pub(super) struct Independent {
    synthetic: Arc<Synthetic>,
    kinds: KindPicker,
    users: Population,
    id: LaneId,
    key: u64,
}

impl Independent {
    pub(super) fn new(synthetic: Arc<Synthetic>, weights: &Weights, users: Population, id: LaneId, seed: u64) -> Self {
        let key = key(seed, Purpose::Events, u64::from(id.lane));
        Self { synthetic, kinds: KindPicker::new(weights), users, id, key }
    }

    /// Event `n` of the lane.
    pub(super) fn event(&self, n: u64) -> Event {
        let mut stream = Stream::of_event(self.key, n);
        let kind = self.kinds.pick(stream.word());
        let member = self.users.draw(&mut stream);
        let user = self.id.user(member.rank);
        let session = self.session(member, n);
        Event { user, recorded_ms: None, detail: self.detail(kind, user, session, n, &mut stream) }
    }

    /// The session that a user is in at event `n` of the lane.
    pub(super) fn session(&self, member: Member, n: u64) -> Session {
        session(&self.synthetic.shop, self.id.user(member.rank), member, n)
    }

    fn detail(&self, kind: Kind, user: UserId, session: Session, n: u64, stream: &mut Stream) -> Detail {
        let shop = &self.synthetic.shop;
        if kind == Kind::Search {
            let query = shop.draw_query(stream);
            return Detail::Search { query, results: shop.results(query), session, device: shop.device(user) };
        }
        let item = shop.draw_item(stream);
        let category = shop.category(item);
        match kind {
            Kind::View | Kind::Search => Detail::View { item, category, session, device: shop.device(user) },
            Kind::AddToCart => {
                let quantity = quantity(stream.word());
                Detail::AddToCart { item, category, session, device: shop.device(user), quantity }
            }
            Kind::Transaction => Detail::Transaction {
                item,
                category,
                price: shop.price(item, category),
                quantity: quantity(stream.word()),
                transaction: Some(self.id.number(n)),
                session: Some(session),
            },
            Kind::Filter => Detail::Filter { category, filter: shop.wording.filter(category, stream.word()), session },
            // No weight gives an inventory event.
            Kind::Review | Kind::Inventory => {
                let rating = rating(stream.word());
                Detail::Review { item, rating, text: shop.wording.review(rating, stream.word()), session }
            }
        }
    }
}

/// The session that a user is in at event `n` of the lane.
///
/// Until then the user has had about n * share events; a session lasts for eight of them, and the first one of each user
/// ends at a point of its own, so that sessions do not change all at once. Without a look at other events this gives
/// sessions of about eight events to everybody, rare and hot, and an ordinal that never goes back.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a user has 2^32 sessions after 2^35 events; then they count from 0 again"
)]
fn session(shop: &Shop, user: UserId, member: Member, n: u64) -> Session {
    let events = u128::from(n) * u128::from(member.share);
    let sessions = (events >> EVENTS_PER_SESSION_LOG2) + u128::from(shop.phase(user));
    Session((sessions >> 64) as u32)
}
