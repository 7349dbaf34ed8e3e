//! One lane's share of a recording: whole visitors, chosen by a hash of their id.

use std::sync::Arc;

use crate::shop::{Detail, Event, ItemId, Session, UserId};
use crate::source::lane::Drawn;

use super::Recording;
use super::derive::device;
use super::hash::{salted, scaled};
use super::row::Action;
use super::timeline::{Moved, Timeline};

const LANE: u64 = 7;

/// Draws the events of one lane in the order of their recorded times.
///
/// Every lane walks all rows and leaves out those of other lanes, so that each knows the numbers and offsets of the
/// whole run without a word to the others; a row left out costs some nanoseconds.
#[derive(Debug)]
pub struct Lane {
    recording: Arc<Recording>,
    timeline: Timeline,
    number: u16,
    lanes: u16,
}

impl Lane {
    pub(super) fn new(recording: &Arc<Recording>, number: u16, lanes: u16) -> Self {
        let timeline = Timeline::new(recording.rows());
        Self { recording: Arc::clone(recording), timeline, number, lanes }
    }

    /// The next event of this lane; `None` at the end, and where the sorted rows on disk could not be read, see
    /// [`Recording::fault`].
    pub fn draw(&mut self) -> Option<Drawn<Event>> {
        let (number, lanes) = (self.number, self.lanes);
        let own = |user| lanes == 1 || lane_of(user, lanes) == number;
        match self.timeline.next_of(self.recording.rows(), self.recording.plan(), own) {
            Ok(moved) => moved.map(|moved| self.drawn(&moved)),
            Err(error) => {
                self.recording.keep_fault(&error);
                None
            }
        }
    }

    fn drawn(&self, moved: &Moved) -> Drawn<Event> {
        let goods = self.recording.goods();
        let item = ItemId(moved.item.into());
        let category = goods.category(moved.item, moved.within_round_ms);
        let session = Session(moved.session);
        let detail = match moved.action {
            Action::View => Detail::View { item, category, session, device: device(moved.user) },
            Action::AddToCart => Detail::AddToCart { item, category, session, device: device(moved.user), quantity: 1 },
            Action::Transaction => Detail::Transaction {
                item,
                category,
                price: goods.price(moved.item, moved.within_round_ms),
                quantity: 1,
                transaction: moved.transaction,
                session: Some(session),
            },
            Action::Stock => Detail::Inventory { available: moved.available },
        };
        let event = Event { user: UserId(moved.user), recorded_ms: Some(moved.time_ms.cast_signed()), detail };
        Drawn { number: moved.number, recorded_offset: moved.offset, event }
    }
}

/// The lane in which a visitor's events are.
#[expect(clippy::cast_possible_truncation, reason = "less than the number of lanes")]
fn lane_of(user: u64, lanes: u16) -> u16 {
    scaled(salted(LANE, user), lanes.into()) as u16
}
