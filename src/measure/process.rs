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
