//! How the shards of a run come together, and what is done with what they leave behind.

use super::choice::choices;

/// The topic in which shards meet where no other is named.
pub const USUAL_TOPIC: &str = "loadgen-fleet";

choices! {
    /// What becomes of a fleet's other shards where one is lost.
    pub enum OnShardLoss {
        Continue = "continue": "they go on; the lost one's events have no witness",
        Abort = "abort": "they end, and the run is invalid",
    }
}

choices! {
    /// Where a shard's bundle goes.
    pub enum Results {
        Folder = "folder": "into its folder alone",
        Topic = "topic": "into the fleet's topic, too, where `loadgen merge --from-topic` finds it",
    }
}

choices! {
    /// What the shards of a fleet are started for.
    pub enum Purpose {
        Run = "run": "one run of the scenario",
        Capacity = "capacity": "the probes of a search, `loadgen capacity --shards N`, for which they are on call",
    }
}

choices! {
    /// What starts the shards of a fleet.
    pub enum Starter {
        Local = "local": "a script that starts them on this machine",
        Kubernetes = "kubernetes": "an Indexed Job, as a kustomize base and as a Helm chart",
        Ssh = "ssh": "an Ansible inventory and playbook",
    }
}
