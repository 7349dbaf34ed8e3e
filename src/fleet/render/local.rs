//! A script that starts all shards on this machine.

use super::{File, Fleet, Purpose, Results, quoted};

pub(super) fn files(fleet: &Fleet) -> Vec<File> {
    let words: Vec<String> = fleet.words("\u{0}", "\u{1}").iter().map(|word| quoted(word)).collect();
    let words =
        words.join(" ").replace("'\u{0}'", "\"$here/scenario.toml\"").replace("'\u{1}'", "\"$out/shard-$number\"");
    let Fleet { name, shards, bootstrap, topic, .. } = fleet;
    let (topic, bootstrap) = (quoted(topic), quoted(bootstrap));
    let merge = match fleet.results {
        Results::Topic => format!("--from-topic \"$run\" --fleet-topic {topic} -b {bootstrap}"),
        Results::Folder => "\"$out\"/shard-*/*/".to_owned(),
    };
    // What is done, what stands between start and wait, and what comes last.
    let (what, search, end) = match fleet.purpose {
        Purpose::Run => (
            format!(
                "Starts the {shards} shards of {name} on this machine, waits for them, and merges what they leave behind."
            ),
            String::new(),
            format!("\"$loadgen\" merge {merge} --out \"$out/whole\""),
        ),
        Purpose::Capacity => (
            format!(
                "Starts {shards} shards for {name} on this machine, and a search whose probes they make. Its options come behind:\n\
                 #\n#   ./run.sh --start 2000/s --probe 30s"
            ),
            format!(
                "\nfound=0\n\"$loadgen\" capacity \"$here/scenario.toml\" --shards {shards} --fleet-topic {topic} \
                 --results-dir \"$out\" --run-id \"$run\" \"$@\" || found=$?\n"
            ),
            "exit \"$found\"".to_owned(),
        ),
    };
    let script = format!(
        r#"#!/bin/sh
# {what}
#
#   LOADGEN=path   the program (default: loadgen, from the PATH)
#   RUN_ID=hex     the run's id (default: a random one)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
loadgen=${{LOADGEN:-loadgen}}
run=${{RUN_ID:-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')}}
out=$here/results/$run
mkdir -p "$out"
echo "run $run: {shards} shards, results in $out" >&2

shards=
index=0
while [ "$index" -lt {shards} ]; do
    number=$((index + 1))
    JOB_COMPLETION_INDEX=$index "$loadgen" {words} --run-id "$run" >"$out/shard-$number.log" 2>&1 &
    shards="$shards $!"
    index=$number
done
trap 'kill $shards 2>/dev/null || true' INT TERM
{search}
number=0
for shard in $shards; do
    number=$((number + 1))
    code=0
    wait "$shard" || code=$?
    [ "$code" -eq 0 ] || echo "shard $number ended with $code: $out/shard-$number.log" >&2
done

{end}
"#
    );
    vec![File::new("scenario.toml", &*fleet.scenario), File { executable: true, ..File::new("run.sh", script) }]
}
