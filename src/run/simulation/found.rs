//! What the simulation has found, each as the simplest plan that failed, not as the seed that drew it.

use super::act::Act;
use super::forge::Forgery;
use super::plan::{GroupPlan, Plan, Planned, Reads};
use super::stage::play;
use super::tests::holds;
use crate::ledger::class::Class;
use crate::ledger::rules::Rules;

fn acts<const N: usize>(acts: [(u64, Act); N]) -> Vec<Planned> {
    acts.map(|(at_ms, act)| Planned { at_ms, act }).to_vec()
}

/// The first copy had aged out, and its duplicate was taken for a record that was read twice.
#[test]
fn a_duplicate_whose_first_copy_was_deleted_is_told() {
    let acts = acts([(200, Act::DeleteRecords { partition: 0 }), (200, Act::Copy { partition: 0 })]);
    let plan = Plan { partitions: 1, events: 58, acts, ..Plan::calm(2) };
    holds(&plan);
    let findings = play(&plan, Rules::ALL).outcome.unwrap().report.findings;
    assert_eq!((findings.duplicates, findings.duplicates_undecided), (1, 1), "{findings:?}");
}

/// A topic was made anew, and the new log's start was taken for retention in the old one.
#[test]
fn the_start_of_a_log_made_anew_says_nothing_of_what_lay_in_the_old_one() {
    let acts = acts([(30, Act::Recreate { ms: 0 }), (38, Act::DeleteRecords { partition: 0 })]);
    let few = Plan { events: 2, rate: 100, lanes: 2, partitions: 1, brokers: 1, min_in_sync: 1, ..Plan::calm(5384) };
    holds(&Plan { linger_ms: 0, in_flight: 1, latency_us: (300, 400), fetch_us: 10_000, acts, ..few });
}

/// Records that were deleted after they had been read, and before they were read again, were called lost
/// because another leader had taken over before.
#[test]
fn what_was_deleted_before_it_was_read_again_is_not_lost() {
    let acts = acts([
        (168, Act::Stop { broker: 0, ms: 300 }),
        (770, Act::Stop { broker: 1, ms: 300 }),
        (1_020, Act::DeleteRecords { partition: 0 }),
    ]);
    let few = Plan { events: 14, rate: 100, partitions: 1, brokers: 2, queue: 8, linger_ms: 0, ..Plan::calm(211_107) };
    holds(&Plan { copy_ms: 100, report_us: 30_000, delivery_timeout_ms: 1_500, acts, ..few });
}

/// A partition without a leader was taken for one that is silent, and what it held for nothing.
#[test]
fn a_reading_that_is_not_told_where_a_log_ends_is_no_pass() {
    let acts = acts([(89, Act::Kill { broker: 1, ms: 310 })]);
    let few =
        Plan { events: 12, rate: 400, lanes: 2, partitions: 3, brokers: 2, idempotent: false, ..Plan::calm(2_381) };
    let reads = Reads::Alone { idle_ms: 200 };
    holds(&Plan {
        min_in_sync: 1,
        in_flight: 1,
        latency_us: (300, 15_000),
        copy_ms: 20,
        flush_ms: 300,
        reads,
        acts,
        ..few
    });
}

/// A new leader of one partition had every partition read again, and what the client had passed over in another
/// was called verified.
#[test]
fn what_a_joined_reader_passed_over_is_undelivered_whatever_befell_other_partitions() {
    let acts = acts([(57, Act::Kill { broker: 0, ms: 600 }), (406, Act::Skip { partition: 1 })]);
    let few = Plan { events: 6, lanes: 3, partitions: 3, brokers: 2, acks: 1, idempotent: false, ..Plan::calm(2_946) };
    let reads = Reads::Joined { meanwhile: true };
    holds(&Plan {
        min_in_sync: 1,
        in_flight: 1,
        linger_ms: 0,
        delivery_timeout_ms: 200,
        copy_ms: 20,
        reads,
        acts,
        ..few
    });
}

/// What was lost in an unclean election passed for verified, since somebody had written a copy of it to another partition.
#[test]
fn a_copy_in_another_partition_does_not_make_up_for_what_is_lost() {
    let acts = acts([
        (90, Act::Lag { broker: 1, ms: 1_100 }),
        (90, Act::Lag { broker: 2, ms: 1_100 }),
        (790, Act::Kill { broker: 0, ms: 2_000 }),
        (1_020, Act::Forge { partition: 0, forgery: Forgery::OtherPartition }),
    ]);
    let few =
        Plan { events: 100, rate: 100, lanes: 3, min_in_sync: 1, unclean: true, in_flight: 1, ..Plan::calm(8_513) };
    holds(&Plan {
        linger_ms: 0,
        request_timeout_ms: 400,
        delivery_timeout_ms: 1_500,
        fetch_us: 10_000,
        copy_ms: 20,
        acts,
        ..few
    });
}

/// A reader in another process was not allowed to read while the topic was made anew. What it was not given of the new log it had passed
/// in the old one: that was told as undelivered.
#[test]
fn where_nobody_says_which_log_it_is_nothing_in_it_was_passed_over() {
    let acts = acts([
        (60, Act::Refuse { written: false, ms: 300 }),
        (70, Act::DenyReading { ms: 2_000 }),
        (107, Act::Recreate { ms: 0 }),
        (131, Act::Recreate { ms: 100 }),
    ]);
    let group = GroupPlan { members: 1, cooperative: true, auto: false, commit_ms: 500, disturb_ms: None };
    let few = Plan { events: 100, rate: 400, partitions: 1, acks: 1, idempotent: false, queue: 8, ..Plan::calm(8_867) };
    holds(&Plan {
        linger_ms: 20,
        request_timeout_ms: 50,
        delivery_timeout_ms: 200,
        latency_us: (300, 15_000),
        fetch_us: 500,
        report_us: 1_000,
        drain_ms: 100,
        group: Some(group),
        reads: Reads::Joined { meanwhile: true },
        acts,
        ..few
    });
}

/// The table wanted damage of who knows neither keys nor due times, and so not of which event it is.
#[test]
fn who_joins_a_reading_may_take_damage_of_an_only_event_for_anothers() {
    let one = Plan { events: 1, partitions: 1, brokers: 1, min_in_sync: 1, linger_ms: 0, ..Plan::calm(15_853) };
    let one = Plan { reads: Reads::Joined { meanwhile: true }, in_flight: 1, ..one };
    let damaged =
        [(20, Act::Damage { partition: 0, forgery: Forgery::OtherKey }), (226, Act::DeleteRecords { partition: 0 })];
    holds(&Plan { acts: acts(damaged), ..one.clone() });
    let aborted = Plan { transaction: Some((3, 20)), committed: true, report_us: 30_000, seed: 16_867, ..one };
    holds(&Plan { acts: acts([(52, Act::Forge { partition: 0, forgery: Forgery::OtherContent })]), ..aborted });
}

#[test]
fn what_compaction_took_before_it_was_read_is_told_so() {
    let held = (20, Act::ThrottleReading { ms: 900 });
    let acts = acts([held, (600, Act::Compact { partition: 0 })]);
    let plan = Plan { compacted: true, partitions: 1, events: 100, acts, ..Plan::calm(1) };
    let covered = holds(&plan);
    let taken = covered.classes.get(&Class::Compacted).copied().unwrap_or(0);
    assert!(taken > 0 && covered.exit.contains_key("pass"), "{covered:?}");
}

/// A leader had died, the log had been deleted, and somebody then wrote one of its records again: as the oldest that was left it was taken
/// to say that nothing younger than it had aged out, so that what had been read and deleted was called lost.
#[test]
fn what_was_read_and_deleted_is_not_lost_although_an_old_record_is_written_again() {
    let acts = acts([
        (126, Act::Kill { broker: 0, ms: 600 }),
        (170, Act::DeleteRecords { partition: 0 }),
        (443, Act::Copy { partition: 0 }),
    ]);
    let few = Plan { events: 41, rate: 400, partitions: 1, brokers: 2, in_flight: 1, ..Plan::calm(34_930) };
    holds(&Plan { linger_ms: 0, delivery_timeout_ms: 1_500, acts, ..few });
}

/// Records were held back until their schema would be known, and forgotten when the log began after them. What had been read and not judged
/// was called aged out unseen, which passes.
#[test]
fn what_was_held_back_when_its_log_was_deleted_is_undecided() {
    let acts = acts([(58, Act::Frame { partition: 0, ms: 600 }), (120, Act::DeleteRecords { partition: 0 })]);
    let few =
        Plan { events: 31, rate: 400, partitions: 1, brokers: 1, acks: 1, idempotent: false, ..Plan::calm(32_894) };
    let slow = Plan { queue: 2, in_flight: 1, linger_ms: 0, request_timeout_ms: 50, report_us: 30_000, ..few };
    let plan =
        Plan { min_in_sync: 1, delivery_timeout_ms: 1_500, latency_us: (300, 15_000), fetch_us: 10_000, acts, ..slow };
    assert!(!holds(&plan).exit.contains_key("pass"));
}

/// Another run's event with the same tag, lane and sequence took the place of one that was lost, and passed for its damage.
#[test]
fn another_runs_event_in_a_lost_ones_place_is_not_its_damage() {
    let acts =
        acts([(54, Act::Kill { broker: 1, ms: 600 }), (365, Act::Forge { partition: 1, forgery: Forgery::OtherTime })]);
    let one = Plan { events: 1, rate: 100, others: 2, brokers: 2, acks: 1, idempotent: false, ..Plan::calm(31_001) };
    holds(&Plan { min_in_sync: 1, in_flight: 1, linger_ms: 0, delivery_timeout_ms: 1_500, copy_ms: 100, acts, ..one });
}

/// In a compacted topic, of whose events the file of answers tells the keys, an event whose key was damaged was called lost.
#[test]
fn an_event_at_its_place_under_another_key_is_damaged() {
    let acts = acts([(22, Act::Damage { partition: 0, forgery: Forgery::OtherKey })]);
    let one =
        Plan { events: 1, rate: 100, partitions: 1, brokers: 1, acks: 1, idempotent: false, ..Plan::calm(20_602) };
    let reads = Reads::Joined { meanwhile: true };
    holds(&Plan { compacted: true, min_in_sync: 1, linger_ms: 20, request_timeout_ms: 400, reads, acts, ..one });
}

/// A group had lost its members before a reading that was to be joined with a run had read anything: what only the second reading found was
/// called verified, since a part of the log had been cut off.
#[test]
fn what_a_joined_reader_never_came_to_is_unread_although_the_log_was_cut_off() {
    let acts = acts([
        (70, Act::Expel { rights: false }),
        (81, Act::Lag { broker: 1, ms: 450 }),
        (131, Act::Kill { broker: 0, ms: 310 }),
    ]);
    let group = GroupPlan { members: 1, cooperative: false, auto: false, commit_ms: 100, disturb_ms: None };
    let few =
        Plan { events: 8, rate: 100, partitions: 1, brokers: 2, acks: 1, idempotent: false, ..Plan::calm(41_089) };
    let reads = Reads::Joined { meanwhile: false };
    let few = Plan { min_in_sync: 1, in_flight: 1, linger_ms: 0, request_timeout_ms: 400, reads, ..few };
    holds(&Plan { latency_us: (300, 15_000), group: Some(group), acts, ..few });
}

/// A member that had judged a record was given up before it had committed that. Whoever took the partition read the record again, did not
/// judge it again, and so had nothing to commit: with members that came and went the reading never fell silent.
#[test]
fn what_was_judged_is_committed_by_whoever_has_the_partition_next() {
    let acts = acts([(50, Act::Throttle { ms: 900 }), (173, Act::Pause { ms: 600 })]);
    let group = GroupPlan { members: 3, cooperative: false, auto: true, commit_ms: 500, disturb_ms: Some(700) };
    let one =
        Plan { events: 1, rate: 400, partitions: 3, brokers: 1, acks: 1, idempotent: false, ..Plan::calm(57_561) };
    let reads = Reads::Alone { idle_ms: 1_000 };
    let one = Plan { min_in_sync: 1, in_flight: 1, linger_ms: 1, delivery_timeout_ms: 1_500, reads, ..one };
    holds(&Plan { latency_us: (300, 15_000), group: Some(group), acts, ..one });
}

/// What another writes at the offset of a lost event has another key: it is not the event, damaged.
#[test]
fn noise_at_the_offset_of_a_lost_event_is_not_its_damage() {
    let acts = acts([(300, Act::Kill { broker: 0, ms: 5_000 }), (601, Act::Noise { partition: 0, records: 20 })]);
    let few = Plan { events: 100, partitions: 1, brokers: 2, acks: 1, idempotent: false, ..Plan::calm(1) };
    let slow = Plan { min_in_sync: 1, linger_ms: 0, delivery_timeout_ms: 1_500, latency_us: (2_000, 4_000), ..few };
    let covered = holds(&Plan { copy_ms: 100, acts, ..slow });
    assert!(
        covered.classes.contains_key(&Class::Lost) && !covered.classes.contains_key(&Class::Corrupt),
        "{covered:?}"
    );
}

/// A log that had been deleted past the high watermark that its reader was told refused to be read from there: that was taken for its end, and
/// what had been acked there for lost.
#[test]
fn what_was_deleted_before_the_log_was_looked_at_above_its_high_watermark_is_not_lost() {
    let acts = acts([
        (343, Act::Kill { broker: 0, ms: 600 }),
        (571, Act::Stop { broker: 0, ms: 900 }),
        (834, Act::DeleteRecords { partition: 0 }),
    ]);
    let few =
        Plan { events: 87, rate: 400, partitions: 1, brokers: 2, acks: 1, idempotent: false, ..Plan::calm(3_304) };
    let slow = Plan { linger_ms: 1, latency_us: (300, 15_000), copy_ms: 100, drain_ms: 500, flush_ms: 300, ..few };
    assert!(!holds(&Plan { acts, ..slow }).classes.contains_key(&Class::Lost));
}

/// Copies that were too few refused some of what was in flight, so that a younger event came to lie before an older one. It had been read
/// when the log was deleted up to right after it; the older one, as the first that was left, said that nothing younger had aged out, and with
/// another leader the younger one was called lost.
#[test]
fn what_was_deleted_before_an_older_event_that_came_after_it_is_not_lost() {
    for at_ms in 300..340 {
        let acts = acts([
            (0, Act::Lag { broker: 1, ms: 300 }),
            (at_ms, Act::DeleteRecords { partition: 0 }),
            (500, Act::Kill { broker: 0, ms: 300 }),
        ]);
        let few = Plan { events: 300, rate: 400, partitions: 1, brokers: 2, idempotent: false, ..Plan::calm(at_ms) };
        let slow = Plan { linger_ms: 0, latency_us: (4_000, 9_000), delivery_timeout_ms: 5_000, ..few };
        let covered = holds(&Plan { lag_ms: 50, acts, ..slow });
        assert!(!covered.classes.contains_key(&Class::Lost), "deleted at {at_ms} ms");
    }
}

/// Who joins a reading knows when an event was due from whole ones of its lane alone: two damaged records of an only event are another's to
/// it, and the judge wanted the second to be the first one's copy.
#[test]
fn a_copy_of_damage_is_anothers_where_nobody_knows_whose_the_damage_is() {
    let damaged = (9, Act::Damage { partition: 0, forgery: Forgery::OtherContent });
    let acts = acts([damaged, (63, Act::Copy { partition: 0 })]);
    let one =
        Plan { events: 1, rate: 400, partitions: 1, brokers: 1, min_in_sync: 1, in_flight: 1, ..Plan::calm(11_603) };
    holds(&Plan { linger_ms: 0, reads: Reads::Joined { meanwhile: true }, acts, ..one });
}

/// A member was sent back to what its group had committed, which its log had aged past meanwhile: that was taken for a log that had been cut
/// off below what had been read, so that all was read again, and what the member's client had passed over was verified.
#[test]
fn a_log_that_aged_past_what_a_group_had_committed_was_not_cut_off() {
    let skipped = (60, Act::Skip { partition: 0 });
    let acts = acts([skipped, (60, Act::Pause { ms: 600 }), (375, Act::Retain { partition: 0 })]);
    let group = GroupPlan { members: 1, cooperative: false, auto: false, commit_ms: 100, disturb_ms: None };
    let few =
        Plan { events: 5, rate: 100, partitions: 1, brokers: 1, min_in_sync: 1, in_flight: 1, ..Plan::calm(16_894) };
    let slow = Plan { linger_ms: 0, request_timeout_ms: 400, delivery_timeout_ms: 200, group: Some(group), ..few };
    holds(&Plan { reads: Reads::Joined { meanwhile: true }, acts, ..slow });
}

/// A group was not allowed to read on while a partition changed hands: its lag is that of the other one, which is what a report says it is.
#[test]
fn the_lag_of_a_group_is_that_of_the_partitions_that_its_members_have() {
    let group = GroupPlan { members: 1, cooperative: false, auto: false, commit_ms: 500, disturb_ms: Some(50) };
    let few =
        Plan { events: 37, rate: 400, brokers: 2, acks: 1, idempotent: false, in_flight: 1, ..Plan::calm(19_129) };
    let slow = Plan { request_timeout_ms: 50, copy_ms: 20, group: Some(group), ..few };
    let acts = acts([(126, Act::DenyReading { ms: 2_000 })]);
    holds(&Plan { reads: Reads::Alone { idle_ms: 1_000 }, acts, ..slow });
}

/// A joined reading did not know whose the damage was that it read, and the topic was made anew: what was acked there is gone.
#[test]
fn damage_that_nobody_knew_and_that_is_gone_is_lost() {
    let damaged = (20, Act::Damage { partition: 1, forgery: Forgery::OtherKey });
    let acts = acts([damaged, (492, Act::Recreate { ms: 1_000 })]);
    let few = Plan {
        events: 27,
        lanes: 2,
        brokers: 1,
        min_in_sync: 1,
        idempotent: false,
        in_flight: 1,
        ..Plan::calm(19_756)
    };
    let slow = Plan { linger_ms: 20, delivery_timeout_ms: 200, report_us: 30_000, ..few };
    holds(&Plan { reads: Reads::Joined { meanwhile: true }, acts, ..slow });
}

/// What had been read awaited a schema when its log was cut off, and was forgotten, to be read again: it was gone. The judge wanted the time
/// of an event that nobody had judged.
#[test]
fn what_awaited_its_schema_when_its_log_was_cut_off_has_no_time() {
    let acts = acts([
        (10, Act::Lag { broker: 1, ms: 700 }),
        (21, Act::Frame { partition: 0, ms: 600 }),
        (310, Act::Kill { broker: 0, ms: 2_000 }),
    ]);
    let one = Plan { events: 1, partitions: 1, brokers: 2, idempotent: false, in_flight: 1, ..Plan::calm(8_919) };
    let one = Plan { min_in_sync: 1, unclean: true, linger_ms: 0, request_timeout_ms: 50, lag_ms: 60, acts, ..one };
    holds(&one);
}
