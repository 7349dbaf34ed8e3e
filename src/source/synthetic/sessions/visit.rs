//! One session of one user: what is looked at, put into the cart and bought, event by event.

use super::super::super::crowd;
use super::super::super::stream::{Stream, below};
use super::super::shop::{Aisles, Shop, quantity, rating};
use super::super::wording::LEAVES_PER_DEPARTMENT;
use crate::shop::{Detail, Event, ItemId, Kind, Session, TextId, UserId};

/// How many different items a cart remembers; a further one replaces the oldest.
const CART: usize = 4;

/// Of 16 steps through the shop, how many stay in the category, and how many more in its department. The rest go anywhere.
const STAY_IN_CATEGORY: u64 = 12;
const STAY_IN_DEPARTMENT: u64 = 3;

/// Of 16 searches in mid-session, how many are for items of the category that is looked at.
const SEARCH_IN_CATEGORY: u64 = 8;

/// A session that is going on.
#[derive(Debug)]
pub(super) struct Visit {
    /// Whose it is.
    pub(super) user: UserId,
    /// What comes next.
    next: Kind,
    stream: Stream,
    session: Session,
    /// The item at hand and its category; `None` until something was looked at, searched or filtered.
    at: Option<(ItemId, TextId)>,
    /// Whether the item at hand is in the cart already.
    carted: bool,
    cart: [(ItemId, u16); CART],
    in_cart: u8,
    bought: Option<ItemId>,
    /// The order that a transaction right after another one goes on with.
    order: Option<u64>,
}

impl crowd::Visit for Visit {
    fn next(&self) -> usize {
        self.next.index()
    }

    fn go_on(&mut self, next: usize) {
        self.next = Kind::OF_USERS.get(next).copied().unwrap_or(self.next);
    }

    fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }
}

impl Visit {
    pub(super) const fn new(user: UserId, session: Session, next: Kind, stream: Stream) -> Self {
        Self {
            user,
            next,
            stream,
            session,
            at: None,
            carted: false,
            cart: [(ItemId(0), 0); CART],
            in_cart: 0,
            bought: None,
            order: None,
        }
    }

    /// Which of the user's sessions it is.
    #[cfg(test)]
    pub(super) const fn session(&self) -> Session {
        self.session
    }

    /// The event that was to come next; `number` is its own in the whole run.
    pub(super) fn act(&mut self, shop: &Shop, aisles: &Aisles, number: u64) -> Event {
        let session = self.session;
        let order = self.order.take();
        let detail = match self.next {
            Kind::View => {
                let (item, category) = self.browse(shop, aisles);
                Detail::View { item, category, session, device: shop.device(self.user) }
            }
            Kind::AddToCart => {
                let (item, category) = if self.carted { self.browse(shop, aisles) } else { self.at_hand(shop) };
                let quantity = quantity(self.stream.word());
                self.put_into_cart(item, quantity);
                Detail::AddToCart { item, category, session, device: shop.device(self.user), quantity }
            }
            Kind::Transaction => {
                let (item, quantity) = self.take_from_cart(shop, aisles, order.is_some());
                let category = shop.category(item);
                let order = order.unwrap_or(number);
                self.order = Some(order);
                self.bought = Some(item);
                let price = shop.price(item, category);
                Detail::Transaction {
                    item,
                    category,
                    price,
                    quantity,
                    transaction: Some(order),
                    session: Some(session),
                }
            }
            Kind::Search => {
                let query = self.search(shop);
                Detail::Search { query, results: shop.results(query), session, device: shop.device(self.user) }
            }
            Kind::Filter => {
                let (_, category) = self.at_hand(shop);
                Detail::Filter { category, filter: shop.wording.filter(category, self.stream.word()), session }
            }
            // No row of the funnel gives an inventory event.
            Kind::Review | Kind::Inventory => {
                let item = match self.bought {
                    Some(item) => item,
                    None => self.at_hand(shop).0,
                };
                let rating = rating(self.stream.word());
                Detail::Review { item, rating, text: shop.wording.review(rating, self.stream.word()), session }
            }
        };
        Event { user: self.user, recorded_ms: None, detail }
    }

    /// What is at hand, or anything by popularity where nothing is yet.
    fn at_hand(&mut self, shop: &Shop) -> (ItemId, TextId) {
        match self.at {
            Some(at) => at,
            None => self.turn_to_anything(shop),
        }
    }

    fn turn_to_anything(&mut self, shop: &Shop) -> (ItemId, TextId) {
        let item = shop.draw_item(&mut self.stream);
        self.turn_to(shop, item)
    }

    fn turn_to(&mut self, shop: &Shop, item: ItemId) -> (ItemId, TextId) {
        let at = (item, shop.category(item));
        self.at = Some(at);
        self.carted = false;
        at
    }

    /// Goes on to another item: mostly in the same category, sometimes in the same department, now and then elsewhere.
    ///
    /// An item is drawn from the whole shop first, so that the hot one gets its share wherever the user is.
    #[expect(clippy::cast_possible_truncation, reason = "less than the leaves of a department")]
    fn browse(&mut self, shop: &Shop, aisles: &Aisles) -> (ItemId, TextId) {
        let anything = shop.draw_item(&mut self.stream);
        let step = self.stream.word();
        let (way, side) = (step >> 60, below(step << 4, u64::from(LEAVES_PER_DEPARTMENT)));
        let aisle = match self.at {
            _ if shop.is_hot(anything) => None,
            Some((_, category)) if way < STAY_IN_CATEGORY => Some(category.0),
            Some((_, category)) if way < STAY_IN_CATEGORY + STAY_IN_DEPARTMENT => {
                Some(category.0 - category.0 % LEAVES_PER_DEPARTMENT + side as u32)
            }
            _ => None,
        };
        let found = aisle.and_then(|category| aisles[category as usize].as_ref().map(|items| (category, items)));
        let item = match found {
            Some((category, items)) => shop.item_of(TextId(category), items.draw(&mut self.stream).rank),
            None => anything,
        };
        self.turn_to(shop, item)
    }

    /// A search for the things of the category at hand, or for something else; the user then stands before those.
    #[expect(clippy::cast_possible_truncation, reason = "less than the length of a list")]
    fn search(&mut self, shop: &Shop) -> TextId {
        let word = self.stream.word();
        let (_, category) = match self.at {
            Some(at) if word >> 60 < SEARCH_IN_CATEGORY => at,
            _ => self.turn_to_anything(shop),
        };
        let searches = shop.wording.searches(category);
        // The lower of two uniform numbers: popular searches come first in the list.
        let (one, other) = (self.stream.word(), self.stream.word());
        searches[below(one.min(other), searches.len() as u64) as usize]
    }

    fn put_into_cart(&mut self, item: ItemId, quantity: u16) {
        self.carted = true;
        if usize::from(self.in_cart) == CART {
            self.cart.rotate_left(1);
            self.in_cart -= 1;
        }
        self.cart[usize::from(self.in_cart)] = (item, quantity);
        self.in_cart += 1;
    }

    /// The next line of the order: from the cart, oldest first; without one, the item at hand, or for a further line
    /// another item.
    fn take_from_cart(&mut self, shop: &Shop, aisles: &Aisles, further: bool) -> (ItemId, u16) {
        if self.in_cart > 0 {
            let first = self.cart[0];
            self.cart.rotate_left(1);
            self.in_cart -= 1;
            return first;
        }
        let (item, _) = if further { self.browse(shop, aisles) } else { self.at_hand(shop) };
        (item, quantity(self.stream.word()))
    }
}
