//! What this process costs: processor time and memory.

use rustix::time::{ClockId, clock_gettime};

use crate::clock::Nanos;

/// Processor time of all threads since the process began.
#[must_use]
pub fn cpu_time() -> Nanos {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(spent.tv_sec).unwrap_or(0), u64::try_from(spent.tv_nsec).unwrap_or(0));
    Nanos::from_secs(seconds) + Nanos(nanos)
}

/// Resident memory in KiB; `None` where the system does not tell it in `/proc`.
#[must_use]
pub fn resident_kib() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * (rustix::param::page_size() as u64 / 1024))
}

/// How much the machine's processors have worked since it started, in clock ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    busy: u64,
    all: u64,
}

impl Machine {
    /// Until now; `None` where the system does not tell it in `/proc`.
    #[must_use]
    pub fn now() -> Option<Self> {
        Self::of(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    /// From the first line of `/proc/stat` (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal. What a hypervisor
    /// took away counts as busy: it was not there to be used.
    fn of(stat: &str) -> Option<Self> {
        let ticks = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<u64> = ticks.split_ascii_whitespace().take(8).map_while(|tick| tick.parse().ok()).collect();
        let all: u64 = ticks.iter().sum();
        let idle = ticks.get(3)? + ticks.get(4).unwrap_or(&0);
        Some(Self { busy: all.saturating_sub(idle), all })
    }

    /// How busy all processors together were since `before`, in percent; `None` where no time has passed.
    #[must_use]
    pub fn busy_percent(self, before: Self) -> Option<u64> {
        let (busy, all) = (self.busy.checked_sub(before.busy)?, self.all.checked_sub(before.all)?);
        (all > 0).then(|| (busy * 100 + all / 2) / all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_idle_nor_waiting_for_a_disk_is_busy() {
        let before = Machine::of("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3\n").unwrap();
        let after = Machine::of("cpu  170 0 60 810 55 0 5 0 0 0\ncpu0 1 2 3\n").unwrap();
        assert_eq!(after.busy_percent(before), Some(85));
        assert_eq!(before.busy_percent(before), None, "no time has passed");
        assert_eq!(before.busy_percent(after), None, "a counter was set back");
        assert_eq!(Machine::of("intr 5"), None);
        assert_eq!(Machine::of("cpu  1 2"), None);
    }
}
