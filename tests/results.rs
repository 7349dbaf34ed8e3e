//! What a run leaves behind, and what the program makes of it: as a user, a CI job and other people's tools meet it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "cli_commands/shell.rs"]
mod shell;

use shell::Shell;

#[test]
fn every_name_is_explained_and_an_unknown_one_answered_with_the_nearest() {
    let shell = Shell::new();
    shell.run(&["explain", "response_time"]).ends_with_code(0).says("From due to acked").says("clock: Monotonic");
    shell.run(&["explain", "99"]).ends_with_code(0).says("gate_failed (exit code), also 99");
    let path = shell.run(&["explain", "phase.peak.response_time.p99"]).ends_with_code(0);
    path.says("phase (part of a run)").says("response_time (latency)").says("quantile (number of a latency)");
    shell.run(&["explain", "gates"]).ends_with_code(0).says("timeline.COLUMN.max").says("abort = true");
    shell.run(&["explain"]).ends_with_code(0).says("classes of the ledger").says("lost,").says("exit codes");
    shell.run(&["explain", "lots"]).ends_with_code(2).complains("hint: the nearest name is \"lost\"");
    shell.run(&["explain", "zebra"]).ends_with_code(2).complains("loadgen explain lists every name");
}
