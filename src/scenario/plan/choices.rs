//! What a run chooses from, by the names that options and scenarios use.

use crate::scenario::choice::choices;

choices! {
    /// How a lane waits for the next due time.
    pub enum Pacing {
        Sleep = "sleep": "sleep until the next event is due; up to about 1 ms late, little CPU",
        Spin = "spin": "spin for the last 100 us; a few us late, a whole core per lane",
    }
}

choices! {
    /// What happens to late events.
    pub enum OnLag {
        Queue = "queue": "send late events at once; their lateness shows as slip",
        Drop = "drop": "leave out events later than --max-slip, and count them as not attempted",
        Abort = "abort": "end the run when an event is later than --max-slip",
    }
}

choices! {
    /// Which time a replayed event's body carries.
    pub enum EventTime {
        Recorded = "recorded": "the recorded time",
        Shifted = "shifted": "the run's start plus the recorded distance from the first event, divided by the speed",
        Now = "now": "the due time",
    }
}

choices! {
    /// Which records of transactions the verifier reads.
    pub enum Isolation {
        ReadUncommitted = "read_uncommitted": "all records",
        ReadCommitted = "read_committed": "only records outside of transactions and of committed ones",
    }
}

choices! {
    /// How a consumer group is coordinated.
    pub enum GroupProtocol {
        Classic = "classic": "the members agree, the first one divides the partitions",
        Consumer = "consumer": "the cluster divides the partitions (KIP-848, Kafka 4.0 and newer)",
    }
}

choices! {
    /// Who commits what a group has read.
    pub enum Commit {
        Auto = "auto": "the client, by itself",
        Manual = "manual": "loadgen, and once more before partitions are given up",
    }
}

choices! {
    /// The form of the result on stdout.
    pub enum Output {
        Text = "text": "for people",
        Json = "json": "the report as JSON",
    }
}
