//! A shard's seat in its fleet: taken, kept, given back.

mod seat;

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::FleetError;
use super::channel::Topic;
use super::parcel::{self, Parcel};
use super::record::{Announcement, End, Progress, Ready, Record, Who};
use super::roll::Shard;
use crate::clock::{Clock, Monotonic, Nanos, Zero};
use crate::report::fleet::FleetReport;
use crate::run::Interrupts;
use seat::{Moment, Seat};
pub use seat::{clock_offset, shard_report, started_at};

/// Records by which the clock is measured before the start, and after the end, and how often they are sent again where it is not
/// known well by them: on a machine that is busy.
pub(super) const PROBES: usize = 16;
pub(super) const ROUNDS: usize = 8;

/// How often each of so many shards sends them: all of them read what each one sends.
fn rounds(of: u16) -> usize {
    (16 * ROUNDS / usize::from(of.max(1))).clamp(1, ROUNDS)
}

/// How long is listened at once while the others are waited for.
const LISTEN: Duration = Duration::from_millis(50);

/// Which seat, and what is to be done about the others.
#[derive(Clone, Debug)]
pub struct SeatPlan {
    /// The topic.
    pub topic: Topic,
    /// The run's id.
    pub run: String,
    /// The shard, from 1.
    pub shard: u16,
    /// How many there are.
    pub of: u16,
    /// How long the others are waited for.
    pub deadline: Duration,
    /// Whether the run ends where a shard is lost.
    pub ends_with_others: bool,
}

/// A seat that is held.
#[derive(Debug)]
pub struct Member {
    wanted: SeatPlan,
    since: Monotonic,
    progress: Arc<Mutex<Progress>>,
    held: Mutex<SeatState>,
}

#[derive(Debug)]
enum SeatState {
    Here(Box<Seat>),
    /// A thread has it, until it is told to give it back.
    Beating(SyncSender<()>, JoinHandle<Seat>),
    Gone,
}

impl Member {
    /// Takes the seat, whoever has it, and measures the clock. A run that has begun is not entered.
    ///
    /// # Errors
    /// Where the topic cannot be used, or the run has begun, or the clock is far off.
    pub fn enter(wanted: SeatPlan) -> Result<Self, FleetError> {
        let since = Monotonic::start();
        let mut seat = Seat::new(&wanted)?;
        seat.hear_all()?;
        // Before anybody is fenced: whoever sends is left in peace.
        seat.check_open()?;
        seat.channel.take_seat(&format!("{}/{}", wanted.run, wanted.shard))?;
        seat.hear_all()?;
        seat.who.attempt = seat.roll.next_attempt(wanted.shard);
        seat.say(Announcement::Entered, Moment::Before)?;
        let entered = seat.check_open().and_then(|()| seat.measure(Moment::Before));
        if let Err(error) = entered {
            seat.leave(&error);
            return Err(error);
        }
        Ok(Self { wanted, since, progress: Arc::default(), held: Mutex::new(SeatState::Here(Box::new(seat))) })
    }

    /// Says that all stands ready, waits until the same is true of all others, and tells the run's zero, whose wall time is by the broker's
    /// clock. From then on a thread tells the others how it goes.
    ///
    /// # Errors
    /// Where others do not come in time, or are none of this run, or this seat is taken.
    pub fn meet(&self, ready: Ready, interrupts: &Arc<Interrupts>) -> Result<Zero, FleetError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let SeatState::Here(mut seat) = std::mem::replace(&mut *held, SeatState::Gone) else {
            return Err(FleetError::Interrupted);
        };
        match self.wait_for_all(&mut seat, ready, interrupts) {
            Ok(start) => {
                *held = self.beat_in_a_thread(*seat, interrupts)?;
                Ok(start)
            }
            Err(error) => {
                *held = SeatState::Here(seat);
                Err(error)
            }
        }
    }

    fn wait_for_all(&self, seat: &mut Seat, ready: Ready, interrupts: &Interrupts) -> Result<Zero, FleetError> {
        seat.say(Announcement::Ready(Ready { clock: seat.clock(), ..ready }), Moment::Before)?;
        let mut spoken = self.since.now();
        loop {
            seat.hear(LISTEN)?;
            if let Some(what) = seat.roll.unlike() {
                return Err(FleetError::Unlike { run: seat.who.run.clone(), what: what.to_owned() });
            }
            if let Some(start_ms) = seat.roll.start_ms() {
                return seat.zero(start_ms).ok_or(FleetError::Interrupted);
            }
            if interrupts.count() > 0 {
                return Err(FleetError::Interrupted);
            }
            let now = self.since.now();
            if now >= Nanos::from(self.wanted.deadline) {
                let (of, waited) = (self.wanted.of, self.wanted.deadline);
                return Err(FleetError::Missing { missing: seat.roll.missing(), of, waited });
            }
            // So that a seat that was taken is noticed.
            if now >= spoken + Nanos::from(super::beat(self.wanted.of)) {
                seat.say(Announcement::Clock, Moment::Before)?;
                spoken = now;
            }
        }
    }

    fn beat_in_a_thread(&self, seat: Seat, interrupts: &Arc<Interrupts>) -> Result<SeatState, FleetError> {
        let (end, ended) = sync_channel(1);
        let (progress, interrupts) = (Arc::clone(&self.progress), Arc::clone(interrupts));
        let ends_with_others = self.wanted.ends_with_others;
        let thread = thread::Builder::new()
            .name("fleet".to_owned())
            .spawn(move || beat(seat, &progress, &interrupts, ends_with_others, &ended))
            .map_err(|error| FleetError::Thread(error.to_string()))?;
        Ok(SeatState::Beating(end, thread))
    }

    /// Notes how far this shard is.
    pub fn tell(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// Gives the seat back, with how it ended, and tells what is known of the fleet; and why this shard is none of it any more, or
    /// ended for another one.
    pub fn finish(&self, exit_code: u8, why: &str) -> (FleetReport, Option<String>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seat = match std::mem::replace(&mut *held, SeatState::Gone) {
            SeatState::Here(seat) => *seat,
            SeatState::Beating(end, thread) => {
                if end.send(()).is_err() {
                    tracing::debug!("this shard had stopped speaking with its fleet");
                }
                match thread.join() {
                    Ok(seat) => seat,
                    Err(_) => {
                        return (
                            FleetReport::default(),
                            Some("the thread that spoke with the fleet panicked".to_owned()),
                        );
                    }
                }
            }
            SeatState::Gone => return (FleetReport::default(), None),
        };
        let progress = *self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let told = seat
            .measure(Moment::After)
            .and_then(|()| {
                let progress = Progress { due_clock: seat.due_clock(), ..progress };
                let end = End { exit_code, why: why.to_owned(), progress, clock: seat.clock() };
                seat.say(Announcement::Ended(end), Moment::After)
            })
            .and_then(|()| seat.hear_all());
        if let Err(error) = told {
            tracing::warn!("the fleet was not told that this shard ended: {error}");
            if matches!(error, FleetError::Fenced { .. }) {
                seat.broken.get_or_insert(error.to_string());
            }
        }
        let told = (seat.report(&self.wanted), seat.broken.clone());
        *held = SeatState::Here(Box::new(seat));
        told
    }

    /// Hands a bundle in, chunk by chunk, where it may be larger than a record.
    ///
    /// # Errors
    /// Where it cannot be read, or the topic does not take it.
    pub fn hand_in(&self, folder: &Path) -> Result<(), FleetError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let SeatState::Here(seat) = &mut *held else { return Err(FleetError::Interrupted) };
        let packed = parcel::pack(folder)?;
        for (index, chunk) in (0..).zip(packed.chunks(parcel::CHUNK)) {
            if seat.channel.say(&Record::chunk_key(&seat.who, index), chunk, 1)?.is_none() {
                let Who { shard, of, .. } = seat.who;
                return Err(FleetError::Fenced { shard: format!("{shard}/{of}"), by: None });
            }
        }
        seat.say(Announcement::HandedIn(Parcel::of(&packed)), Moment::After)
    }
}

/// Tells once a second how far this shard is, and listens.
fn beat(
    mut seat: Seat,
    progress: &Mutex<Progress>,
    interrupts: &Interrupts,
    ends_with_others: bool,
    ended: &Receiver<()>,
) -> Seat {
    let every = super::beat(seat.who.of);
    loop {
        if ended.recv_timeout(every) != Err(RecvTimeoutError::Timeout) {
            return seat;
        }
        let now = *progress.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Progress { due_clock: seat.due_clock(), ..now };
        match seat.say_progress(now).and_then(|()| seat.hear_all()) {
            Ok(()) => {}
            Err(error @ FleetError::Fenced { .. }) => {
                let why = error.to_string();
                tracing::error!("{why}: this one stops");
                interrupts.end_for(&why);
                seat.broken = Some(why);
                return seat;
            }
            // A cluster that is away is what a run may be made for: the others hear of this shard again when it is back.
            Err(error) => tracing::warn!("the fleet does not hear of this shard: {error}"),
        }
        let lost: Vec<(u16, Shard)> = seat.roll.lost().filter(|(number, _)| !seat.lost.contains(number)).collect();
        for (number, shard) in lost {
            seat.lost.push(number);
            let at = shard.progress;
            let why = format!(
                "shard {number} of {} was lost: its last word was at {} s, with {} events due and {} acked",
                seat.who.of, at.at_s, at.scheduled, at.acked
            );
            tracing::warn!("{why}");
            if ends_with_others {
                interrupts.end_for(&why);
                seat.broken.get_or_insert(why);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::rounds;

    #[test]
    fn many_shards_measure_their_clocks_less_often_before_the_start() {
        assert_eq!([1, 4, 16, 32, 100, 4_096].map(rounds), [8, 8, 8, 4, 1, 1]);
    }
}
