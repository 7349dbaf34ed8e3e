//! Virtual time, for simulated runs alone: the threads of one run proceed one at a time, each wait hands the baton to the thread
//! that wakes first, and time jumps there. The same steps are taken in the same order whatever the machine does meanwhile.
//!
//! Real threads, so that the code of a run is simulated as it is; a switch costs some microseconds, and where a thread is itself
//! the next to wake there is none.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The wall time at which every simulated world begins: 2026-01-01T00:00:00Z.
pub(crate) const WALL_START_NS: u64 = 1_767_225_600_000_000_000;
/// Waits of one run after which it is taken to go round in circles.
const MOST_WAITS: u64 = 3_000_000;

/// What happens in a simulated run beside what its threads do, each at a time of its own.
pub(crate) trait World: fmt::Debug + Send + Sync {
    /// When the next thing happens.
    fn next_ns(&self) -> u64;
    /// Lets happen what is due, and wakes whoever waited for it.
    fn step(&self);
    /// When a thread wakes that sleeps until that instant: on a machine that is busy, a little later.
    fn wakes_ns(&self, until_ns: u64) -> u64 {
        until_ns
    }
}

/// The time of one simulated run, and whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Timekeeper {
    /// Written by whose turn it is, or under the lock, and read all the time.
    now_ns: AtomicU64,
    /// How far the wall clock has been set forward (or back) since the start.
    wall_step_ns: AtomicI64,
    turns: Mutex<Turns>,
    world: OnceLock<Arc<dyn World>>,
}

#[derive(Debug, Default)]
struct Turns {
    threads: Vec<Seat>,
    running: usize,
    waits: u64,
    /// A thread has panicked: the others only have to end.
    broken: bool,
}

#[derive(Debug)]
struct Seat {
    /// Whose thread started this one.
    parent: Option<usize>,
    wakes_ns: u64,
    /// Whether what others do may wake it earlier.
    listens: bool,
    ended: bool,
    turn: Arc<Condvar>,
}

thread_local! {
    static HERE: RefCell<Option<Part>> = const { RefCell::new(None) };
}

/// A thread's part in a simulated run.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    keeper: Arc<Timekeeper>,
    seat: usize,
}

/// Ends a part, however its thread ends.
struct Ending(Part);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.keeper.leave(self.0.seat, std::thread::panicking());
        HERE.with(|here| here.borrow_mut().take());
    }
}

/// Does `work` in virtual time, on this thread and those that it starts.
pub(crate) fn simulate<T>(work: impl FnOnce() -> T) -> T {
    let keeper = Arc::new(Timekeeper::default());
    let seat = keeper.enter(None);
    let part = Part { keeper, seat };
    HERE.with(|here| *here.borrow_mut() = Some(part.clone()));
    let _ending = Ending(part);
    work()
}

/// Whether this thread is one of a simulated run.
pub(crate) fn rules() -> bool {
    HERE.with(|here| here.borrow().is_some())
}

fn here() -> Option<Part> {
    HERE.with(|here| here.borrow().clone())
}

/// Virtual time since the start of the world; `None` outside of one.
pub(crate) fn now_ns() -> Option<u64> {
    HERE.with(|here| here.borrow().as_ref().map(|part| part.keeper.now_ns()))
}

#[expect(clippy::disallowed_methods, reason = "instants have no other beginning")]
pub(super) fn instant() -> Option<Instant> {
    /// Instants can only be made from one that was read.
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let now = now_ns()?;
    Some(*ORIGIN.get_or_init(Instant::now) + Duration::from_nanos(now))
}

pub(super) fn wall_unix_ns() -> Option<u64> {
    HERE.with(|here| {
        let here = here.borrow();
        let keeper = &here.as_ref()?.keeper;
        Some((WALL_START_NS + keeper.now_ns()).saturating_add_signed(keeper.wall_step_ns.load(Ordering::SeqCst)))
    })
}

/// Sets the wall clock of this world.
pub(crate) fn step_wall_clock(by_ns: i64) {
    if let Some(part) = here() {
        part.keeper.wall_step_ns.fetch_add(by_ns, Ordering::SeqCst);
    }
}

/// Lets time be that instant at once: nobody was there to do anything before it.
pub(crate) fn jump_to(at_ns: u64) {
    if let Some(part) = here() {
        part.keeper.come_to(at_ns);
    }
}

/// Waits in virtual time; false outside of it.
pub(super) fn pause(wait: Duration) -> bool {
    let Some(part) = here() else { return false };
    let until = part.keeper.now_ns().saturating_add(nanos(wait));
    let wakes = part.keeper.world.get().map_or(until, |world| world.wakes_ns(until));
    part.keeper.wait(part.seat, wakes, false);
    true
}

/// Waits until `ready`, for at most `timeout`; false outside of virtual time. What others do is looked at when they call [`stir`].
pub(crate) fn wait(timeout: Duration, ready: impl Fn() -> bool) -> bool {
    let Some(part) = here() else { return false };
    let until = part.keeper.now_ns().saturating_add(nanos(timeout));
    while !ready() && part.keeper.now_ns() < until && !part.keeper.turns().broken {
        part.keeper.wait(part.seat, until, true);
    }
    true
}

/// Waits until that instant or until something stirs, whichever comes first.
pub(crate) fn wait_until(until_ns: u64) {
    if let Some(part) = here() {
        part.keeper.wait(part.seat, until_ns, true);
    }
}

/// Lets those who listen look again now.
pub(crate) fn stir() {
    if let Some(part) = here() {
        let now = part.keeper.now_ns();
        let mut turns = part.keeper.turns();
        for seat in turns.threads.iter_mut().filter(|seat| seat.listens) {
            seat.wakes_ns = seat.wakes_ns.min(now);
        }
    }
}

/// Lets things happen from here on that no thread of this run does.
pub(crate) fn inhabit(world: Arc<dyn World>) {
    if let Some(part) = here() {
        part.keeper.world.get_or_init(|| world);
    }
}

/// This thread's seat.
pub(crate) fn seat() -> Option<usize> {
    here().map(|part| part.seat)
}

/// Wakes the thread in that seat, if it listens.
pub(crate) fn wake_up(seat: usize) {
    if let Some(part) = here() {
        let now = part.keeper.now_ns();
        let mut turns = part.keeper.turns();
        if let Some(seat) = turns.threads.get_mut(seat).filter(|seat| seat.listens) {
            seat.wakes_ns = seat.wakes_ns.min(now);
        }
    }
}

/// Gives what a new thread does a part in the run of this one, if that is a simulated one.
pub(crate) fn take_part<T>(work: impl FnOnce() -> T) -> (Option<Part>, impl FnOnce() -> T) {
    let part = here().map(|part| Part { seat: part.keeper.enter(Some(part.seat)), keeper: part.keeper });
    let own = part.clone();
    (part, move || {
        let _ending = own.map(|part| {
            part.keeper.await_turn(part.seat);
            HERE.with(|here| *here.borrow_mut() = Some(part.clone()));
            Ending(part)
        });
        work()
    })
}

/// Lets time pass until all threads that this one started have ended: who waits for them otherwise has the baton meanwhile.
pub(crate) fn wait_for_children() {
    stir();
    if let Some(Part { keeper, seat }) = here() {
        let have_ended = || keeper.turns().threads.iter().all(|child| child.ended || child.parent != Some(seat));
        wait(Duration::MAX, have_ended);
    }
}

impl Part {
    pub(crate) fn has_ended(&self) -> bool {
        self.keeper.turns().threads[self.seat].ended
    }

    /// Lets time pass until it has.
    pub(crate) fn wait_for_end(&self) {
        stir();
        wait(Duration::MAX, || self.has_ended());
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Timekeeper {
    fn now_ns(&self) -> u64 {
        self.now_ns.load(Ordering::SeqCst)
    }

    /// Time does not go back.
    fn come_to(&self, at_ns: u64) {
        self.now_ns.fetch_max(at_ns, Ordering::SeqCst);
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, parent: Option<usize>) -> usize {
        let mut turns = self.turns();
        let wakes_ns = self.now_ns();
        turns.threads.push(Seat { parent, wakes_ns, listens: false, ended: false, turn: Arc::default() });
        turns.threads.len() - 1
    }

    fn leave(&self, seat: usize, panicked: bool) {
        let mut turns = self.turns();
        turns.broken |= panicked;
        let now = self.now_ns();
        turns.threads[seat].ended = true;
        for other in turns.threads.iter_mut().filter(|other| other.listens) {
            other.wakes_ns = other.wakes_ns.min(now);
        }
        drop(turns);
        self.let_happen();
        let next = self.turns().hand_over(self);
        wake(next);
    }

    /// Lets all happen that comes before a thread wakes: no thread needs a turn for it.
    fn let_happen(&self) {
        let Some(world) = self.world.get() else { return };
        loop {
            let next = world.next_ns();
            let mut turns = self.turns();
            let first = turns.threads.iter().filter(|seat| !seat.ended).map(|seat| seat.wakes_ns).min();
            turns.waits += 1;
            if turns.broken || turns.waits > MOST_WAITS || first.is_none_or(|first| first <= next) {
                return;
            }
            self.come_to(next);
            drop(turns);
            world.step();
        }
    }

    fn wait(&self, seat: usize, until_ns: u64, listens: bool) {
        let mut turns = self.turns();
        turns.waits += 1;
        if turns.broken {
            // The order is lost, and nobody may be there to hand over: time goes on by whoever waits.
            self.come_to(until_ns.min(self.now_ns() + 1_000_000));
            drop(turns);
            std::thread::yield_now();
            return;
        }
        if turns.waits > MOST_WAITS {
            turns.broken = true;
            for other in &turns.threads {
                other.turn.notify_all();
            }
            drop(turns);
            panic!("a simulated run waited {MOST_WAITS} times and did not end");
        }
        turns.threads[seat].wakes_ns = until_ns;
        turns.threads[seat].listens = listens;
        drop(turns);
        self.let_happen();
        let mut turns = self.turns();
        let next = turns.hand_over(self);
        if turns.running == seat {
            turns.threads[seat].listens = false;
            return;
        }
        // Not under the lock, which is what who is woken wants first.
        drop(turns);
        wake(next);
        self.until_turn(seat);
    }

    fn await_turn(&self, seat: usize) {
        self.until_turn(seat);
    }

    fn until_turn(&self, seat: usize) {
        let mut turns = self.turns();
        let turn = Arc::clone(&turns.threads[seat].turn);
        while turns.running != seat && !turns.broken {
            turns = turn.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        turns.threads[seat].listens = false;
    }
}

impl Turns {
    /// Lets the one go on that wakes first; of several the one that came first. It is to be woken.
    fn hand_over(&mut self, keeper: &Timekeeper) -> Option<Arc<Condvar>> {
        if self.broken {
            for seat in &self.threads {
                seat.turn.notify_all();
            }
            return None;
        }
        let first =
            self.threads.iter().enumerate().filter(|(_, seat)| !seat.ended).min_by_key(|(_, seat)| seat.wakes_ns);
        let (next, seat) = first?;
        keeper.come_to(seat.wakes_ns);
        let changes = std::mem::replace(&mut self.running, next) != next;
        changes.then(|| Arc::clone(&seat.turn))
    }
}

fn wake(next: Option<Arc<Condvar>>) {
    if let Some(turn) = next {
        turn.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Monotonic, Nanos};

    #[test]
    fn time_jumps_to_the_thread_that_wakes_first_and_each_has_its_turn() {
        let told = Mutex::new(Vec::new());
        simulate(|| {
            let clock = Monotonic::start();
            std::thread::scope(|scope| {
                let mut parts = Vec::new();
                for (name, every) in [("a", 3), ("b", 5)] {
                    let told = &told;
                    let (part, work) = take_part(move || {
                        for _ in 0..3 {
                            clock.sleep_until(clock.now() + Nanos::from_secs(every));
                            told.lock().unwrap().push((clock.now().0 / 1_000_000_000, name));
                        }
                    });
                    parts.extend(part);
                    scope.spawn(work);
                }
                parts.iter().for_each(Part::wait_for_end);
            });
            assert_eq!(clock.now(), Nanos::from_secs(15));
        });
        let told = told.into_inner().unwrap();
        assert_eq!(told, [(3, "a"), (5, "b"), (6, "a"), (9, "a"), (10, "b"), (15, "b")]);
        assert!(!rules(), "outside time is the machine's");
    }

    #[test]
    fn who_listens_is_woken_by_what_others_do() {
        let flag = std::sync::atomic::AtomicBool::new(false);
        let is_set = || flag.load(std::sync::atomic::Ordering::SeqCst);
        simulate(|| {
            std::thread::scope(|scope| {
                let (part, work) = take_part(|| {
                    pause(Duration::from_millis(7));
                    flag.store(true, std::sync::atomic::Ordering::SeqCst);
                    stir();
                });
                scope.spawn(work);
                assert!(wait(Duration::from_secs(100), is_set));
                assert_eq!(now_ns(), Some(7_000_000));
                part.unwrap().wait_for_end();
            });
            assert!(wait(Duration::from_secs(1), || false));
            assert_eq!(now_ns(), Some(1_007_000_000), "and else waits its time out");
        });
    }
}
