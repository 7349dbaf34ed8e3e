//! The variables that stand for options: `LOADGEN_` and the option's name, and the names that others gave to the same thing.
//!
//! Those others stand here and not with their options: clap's `env` would read them by itself, and levels stay apart until they
//! are merged.

/// Names that other tools gave to what options set.
const KNOWN_ELSEWHERE: [(&str, &[&str]); 5] = [
    ("bootstrap-server", &["KAFKA_BROKERS", "BOOTSTRAP_SERVERS"]),
    ("speed", &["PRODUCER_SPEED"]),
    ("lag-group", &["CONSUMER_GROUP_ID"]),
    ("schema-registry", &["SCHEMA_REGISTRY_URL"]),
    ("log-level", &["LOG_LEVEL"]),
];

/// The variables that stand for an option, the one that counts first.
#[must_use]
pub fn variables_of(option: &str) -> Vec<String> {
    if matches!(option, "help" | "version") {
        return Vec::new();
    }
    let own = format!("LOADGEN_{}", option.to_uppercase().replace('-', "_"));
    let others = KNOWN_ELSEWHERE.iter().filter(|(name, _)| *name == option).flat_map(|(_, names)| *names);
    std::iter::once(own).chain(others.map(ToString::to_string)).collect()
}
