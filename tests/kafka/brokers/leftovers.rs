//! What a broker leaves on the machine: nothing outside of its cluster's folder, however it ends.

use std::ffi::OsString;
use std::path::Path;

use crate::cluster::Cluster;
use crate::program::Program;

fn names(folder: &Path) -> Vec<OsString> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

#[test]
fn a_killed_broker_leaves_its_native_libraries_in_a_folder_that_goes_with_it() {
    let cluster = Cluster::start();
    let sent = ["synth", "--rate", "200/s", "--duration", "1s", "--create-topics", "--compression", "snappy"];
    assert_eq!(Program::new(&cluster, "packed").args(sent).run().report()["ledger"]["verified"], 200);
    // Its own folder is the first place that Java unpacks to; a file that is there is nowhere else.
    let unpacked = cluster.folder().join("broker-1/tmp");
    assert!(names(&unpacked).iter().any(|name| name.to_string_lossy().contains("snappy")), "{:?}", names(&unpacked));
    cluster.command(&["kill", "1"]);
    assert!(!names(&unpacked).is_empty(), "a killed process cleans nothing up");
    let folder = cluster.folder().to_owned();
    cluster.command(&["down", "--wipe"]);
    assert!(!folder.exists(), "{:?}", names(&folder));
}
