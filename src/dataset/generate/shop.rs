//! The shop that a made file comes from: visitors, items, days, and what a visitor does on one.

use super::super::shape::{EventsLaw, ItemsLaw, Random, Scatter, whole};
use super::{Generate, GenerateError};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// The published file's first event: 2015-05-03T03:00:04.384Z.
const START_MS: u64 = 1_430_622_004_384;
/// Its days are cut at 06:00 UTC.
const CUT_MS: u64 = 6 * HOUR_MS;
/// Its blocks come by months in this order.
const MONTHS: [i8; 5] = [6, 8, 9, 5, 7];

const PUBLISHED_ROWS: u64 = 2_756_101;
const PUBLISHED_DUPLICATES: u64 = 460;
/// Shares of addtocart and transaction rows.
const CART_SHARE: f64 = 69_332.0 / 2_756_101.0;
const TRANSACTION_SHARE: f64 = 22_457.0 / 2_756_101.0;
/// Rows of a transaction: 22,457 rows have 17,672 ids.
const ROWS_PER_TRANSACTION: f64 = 22_457.0 / 17_672.0;

/// The mean time between two events of a visit; chosen, not measured.
const THINK_MS: f64 = 60_000.0;
/// How often a visitor comes back later that day instead of going on; chosen, not measured.
const RETURNS: f64 = 0.25;

#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) time_ms: u64,
    visitor: u64,
    item: u64,
    event: &'static str,
    transaction: Option<u64>,
}

impl Row {
    pub(super) fn write(&self, line: &mut Vec<u8>) {
        let mut digits = itoa::Buffer::new();
        let mut number = |line: &mut Vec<u8>, value: u64| line.extend_from_slice(digits.format(value).as_bytes());
        number(line, self.time_ms);
        line.push(b',');
        number(line, self.visitor);
        line.push(b',');
        line.extend_from_slice(self.event.as_bytes());
        line.push(b',');
        number(line, self.item);
        line.push(b',');
        if let Some(transaction) = self.transaction {
            number(line, transaction);
        }
        line.push(b'\n');
    }
}

/// A stretch of time whose rows are together in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    start_ms: u64,
    end_ms: u64,
    rows: u64,
    duplicates: u64,
    /// Its place in time.
    day: u64,
}

/// A visitor of the tail of [`EventsLaw`], who comes on several days.
#[derive(Clone, Copy, Debug)]
struct Regular {
    visitor: u32,
    events: u32,
    first_day: u32,
    days: u32,
}

impl Regular {
    /// Its events on a day, spread evenly.
    fn events_on(&self, day: u64) -> u64 {
        match day.checked_sub(self.first_day.into()) {
            Some(nth) if nth < self.days.into() => {
                let until = |nth: u64| u64::from(self.events) * nth / u64::from(self.days);
                until(nth + 1) - until(nth)
            }
            _ => 0,
        }
    }
}

/// The visitors, the items and the draws.
pub(super) struct Shop {
    settings: Generate,
    random: Random,
    law: EventsLaw,
    items: ItemsLaw,
    visitor_ids: Scatter,
    item_ids: Scatter,
    transaction_ids: Scatter,
    /// Size of the visitors' id space.
    pub(super) visitors: u64,
    /// Visitors that have come so far.
    pub(super) arrived: u64,
    transactions: u64,
    regulars: Vec<Regular>,
}

impl Shop {
    pub(super) fn new(settings: &Generate) -> Self {
        let law = match settings.users {
            Some(users) => EventsLaw::with_mean(settings.rows, ratio(settings.rows, users)),
            None => EventsLaw::published(settings.rows),
        };
        let visitors = settings.users.unwrap_or_else(|| whole(ratio(settings.rows, 1) / law.mean())).max(1);
        let transactions = whole(ratio(settings.rows, 1) * TRANSACTION_SHARE / ROWS_PER_TRANSACTION) * 2 + 16;
        let mut shop = Self {
            settings: settings.clone(),
            random: Random::new(settings.seed),
            law,
            items: ItemsLaw::new(settings.items),
            visitor_ids: Scatter::new(visitors),
            item_ids: Scatter::new(settings.items * 2),
            transaction_ids: Scatter::new(transactions),
            visitors,
            arrived: 0,
            transactions: 0,
            regulars: Vec::new(),
        };
        shop.draw_regulars();
        shop
    }

    #[expect(clippy::cast_possible_truncation, reason = "visitors, events and days are checked to fit 32 bits")]
    fn draw_regulars(&mut self) {
        let days = day_cuts(self.settings.days).len() as u64 - 1;
        let count = whole(ratio(self.visitors, 1) * self.law.heavy_share() + 0.5);
        for _ in 0..count {
            let events = self.law.heavy(&mut self.random);
            let first_day = self.random.below(days);
            // At most 50 events a day, where there are days enough.
            let longest = (days - first_day).min(events);
            let shortest = events.div_ceil(50).min(longest);
            let active = shortest + self.random.below(longest - shortest + 1);
            self.regulars.push(Regular {
                visitor: self.arrived as u32,
                events: events as u32,
                first_day: first_day as u32,
                days: active as u32,
            });
            self.arrived += 1;
        }
    }

    /// The day blocks, in the order of the file.
    pub(super) fn blocks(&self) -> Result<Vec<Block>, GenerateError> {
        let settings = &self.settings;
        let cuts = day_cuts(settings.days);
        let weights: Vec<f64> = cuts.windows(2).map(|day| weight(day[0], day[1])).collect();
        let total: f64 = weights.iter().sum();
        let mut blocks: Vec<Block> = Vec::with_capacity(weights.len());
        let (mut passed, mut rows_before) = (0.0, 0);
        for (day, (edges, weight)) in (0..).zip(cuts.windows(2).zip(&weights)) {
            passed += weight / total;
            let last = blocks.len() + 1 == weights.len();
            let rows_until =
                if last { settings.rows } else { whole(ratio(settings.rows, 1) * passed).min(settings.rows) };
            let rows = rows_until - rows_before;
            blocks.push(Block { start_ms: edges[0], end_ms: edges[1], rows, duplicates: 0, day });
            rows_before = rows_until;
        }
        self.place_duplicates(&mut blocks)?;
        if settings.disorder {
            blocks.sort_by_key(|block| month_place(block.start_ms));
        }
        Ok(blocks)
    }

    /// Spreads the duplicates over the blocks by their rows; at least one row of a block is none.
    fn place_duplicates(&self, blocks: &mut [Block]) -> Result<(), GenerateError> {
        let rows = self.settings.rows;
        let room: u64 = blocks.iter().map(|block| block.rows.saturating_sub(1)).sum();
        let wanted = self.settings.duplicates.unwrap_or((rows * PUBLISHED_DUPLICATES / PUBLISHED_ROWS).min(room));
        if wanted > room {
            let problem = format!(
                "at most {room} of {rows} rows on {} days can repeat another one of their day",
                self.settings.days
            );
            return Err(GenerateError::Setting { setting: "duplicates", problem });
        }
        let (mut rows_before, mut missing) = (0, wanted);
        for block in &mut *blocks {
            let share = wanted * (rows_before + block.rows) / rows - wanted * rows_before / rows;
            block.duplicates = share.min(block.rows.saturating_sub(1));
            rows_before += block.rows;
            missing -= block.duplicates;
        }
        for block in blocks {
            let more = missing.min(block.rows.saturating_sub(1) - block.duplicates);
            block.duplicates += more;
            missing -= more;
        }
        Ok(())
    }

    /// Draws the rows of one block; gives back how many of them are duplicates.
    pub(super) fn fill(&mut self, block: &Block, rows: &mut Vec<Row>) -> u64 {
        let room = usize::try_from(block.rows - block.duplicates).unwrap_or(usize::MAX);
        for index in 0..self.regulars.len() {
            let regular = self.regulars[index];
            self.visit(block, regular.visitor.into(), regular.events_on(block.day), room, rows);
        }
        while rows.len() < room {
            let visitor = self.arrived % self.visitors;
            self.arrived += 1;
            let events = self.law.light(&mut self.random);
            self.visit(block, visitor, events, room, rows);
        }
        for _ in 0..block.duplicates {
            let copied = self.random.below(room as u64);
            rows.push(rows[usize::try_from(copied).unwrap_or(0)]);
        }
        block.duplicates
    }

    /// One visitor's events of a day: views, carts of what was viewed, purchases of what is in the cart.
    fn visit(&mut self, block: &Block, visitor: u64, events: u64, room: usize, rows: &mut Vec<Row>) {
        // A purchase brings further rows with it, so purchases are drawn more rarely than their share of rows says.
        let extra = ROWS_PER_TRANSACTION - 1.0;
        let buys = TRANSACTION_SHARE / (ROWS_PER_TRANSACTION - extra * TRANSACTION_SHARE);
        let carts = CART_SHARE * (1.0 + extra * buys);
        let another_row = extra / ROWS_PER_TRANSACTION;

        let visitor = self.visitor_ids.id(visitor);
        let mut time_ms = self.arrival(block);
        let (mut viewed, mut in_cart) = (None, None);
        for nth in 0..events {
            if rows.len() >= room {
                return;
            }
            if nth > 0 {
                let think = 1 + whole(-THINK_MS * self.random.unit().ln());
                if self.random.chance(RETURNS) || time_ms + think >= block.end_ms {
                    time_ms = self.arrival(block);
                    (viewed, in_cart) = (None, None);
                } else {
                    time_ms += think;
                }
            }
            let kind = self.random.unit();
            let row = |event, item, transaction| Row { time_ms, visitor, item, event, transaction };
            if kind <= buys {
                let item = in_cart.take().or(viewed).unwrap_or_else(|| self.item());
                let transaction = Some(self.transaction_ids.id(self.transactions));
                self.transactions += 1;
                rows.push(row("transaction", item, transaction));
                while rows.len() < room && self.random.chance(another_row) {
                    rows.push(row("transaction", self.item(), transaction));
                }
            } else if kind <= buys + carts {
                let item = viewed.unwrap_or_else(|| self.item());
                in_cart = Some(item);
                rows.push(row("addtocart", item, None));
            } else {
                let item = self.item();
                viewed = Some(item);
                rows.push(row("view", item, None));
            }
        }
    }

    fn item(&mut self) -> u64 {
        self.item_ids.id(self.items.rank(&mut self.random))
    }

    /// When a visit starts: a cosine over the day, three times as busy at 20:00 UTC as at 08:00.
    fn arrival(&mut self, block: &Block) -> u64 {
        loop {
            let time_ms = block.start_ms + self.random.below(block.end_ms - block.start_ms);
            let of_day = ratio((time_ms + 4 * HOUR_MS) % DAY_MS, DAY_MS);
            let busy = 1.0 + 0.5 * (std::f64::consts::TAU * of_day).cos();
            if self.random.unit() * 1.5 <= busy {
                return time_ms;
            }
        }
    }

    /// Fisher and Yates.
    pub(super) fn shuffle(&mut self, rows: &mut [Row]) {
        for last in (1..rows.len()).rev() {
            let other = self.random.below(last as u64 + 1);
            rows.swap(last, usize::try_from(other).unwrap_or(last));
        }
    }
}

/// The start, every 06:00 UTC after it, and the end.
fn day_cuts(days: u32) -> Vec<u64> {
    let end_ms = START_MS + u64::from(days) * DAY_MS;
    let first_cut = (START_MS - CUT_MS) / DAY_MS * DAY_MS + DAY_MS + CUT_MS;
    let mut cuts = vec![START_MS];
    cuts.extend((0..=u64::from(days)).map(|day| first_cut + day * DAY_MS).take_while(|cut| *cut < end_ms));
    cuts.push(end_ms);
    cuts
}

/// How busy a stretch of time is against a weekday: week-ends have 85 %. Chosen, not measured.
fn weight(start_ms: u64, end_ms: u64) -> f64 {
    // 1970-01-01 was a Thursday.
    let weekday = ((start_ms - CUT_MS) / DAY_MS + 3) % 7;
    let busy = if weekday >= 5 { 0.85 } else { 1.0 };
    busy * ratio(end_ms - start_ms, DAY_MS)
}

/// The place of a block among the months of the file; a block belongs to the day in which it starts at 06:00 UTC.
fn month_place(start_ms: u64) -> (i16, usize) {
    let day_ms = (start_ms - CUT_MS) / DAY_MS * DAY_MS;
    let date =
        jiff::Timestamp::from_millisecond(day_ms.cast_signed()).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    let place = MONTHS.iter().position(|month| *month == date.month());
    (date.year(), place.unwrap_or(MONTHS.len() + date.month().unsigned_abs() as usize))
}

#[expect(clippy::cast_precision_loss, reason = "a share or a weight needs 15 digits, not 19")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
