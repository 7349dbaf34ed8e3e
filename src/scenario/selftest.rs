//! What `loadgen selftest` is to do.

use std::collections::BTreeMap;
use std::time::Duration;

use super::environment::Environment;
use super::error::ConfigError;
use super::formats::keys::form_of;
use super::plan::catalogue;
use super::source::SourceConfig;
use super::topics::{self, check_topic_name};
use crate::cli::selftest::SelfTestArgs;
use crate::event::catalogue::Catalogue;
use crate::event::key::KeyForm;
use crate::settings::formats::{Format, KeyFormat};
use crate::settings::outcome::Output;
use std::sync::Arc;

/// The longest wait for the last events: the embedded broker is near, a cluster may be far.
const DRAIN_EMBEDDED: Duration = Duration::from_secs(3);
const DRAIN_CLUSTER: Duration = Duration::from_secs(6);

/// A self-test to be run.
#[derive(Clone, PartialEq)]
pub struct SelfTestPlan {
    /// Brokers to start from; none: the embedded broker.
    pub bootstrap: Option<String>,
    /// The client's properties, without `bootstrap.servers`.
    pub client: BTreeMap<String, String>,
    /// The longest wait for the first answer.
    pub connect_timeout: Duration,
    /// The types of event that are sent.
    pub catalogue: Arc<Catalogue>,
    /// The topic; none: one of its own.
    pub topic: Option<String>,
    /// The format of the events.
    pub format: Format,
    /// The form of their keys.
    pub keys: KeyForm,
    /// Whether a header has their ids.
    pub id_in_header: bool,
    /// Where the faults are drawn from; none: anywhere.
    pub seed: Option<u64>,
    /// The longest wait for the last events.
    pub drain_deadline: Duration,
    /// The form of the result on stdout.
    pub output: Output,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// The properties with their origins, where only that is asked for (`-X dump`).
    pub dump: Option<String>,
}

/// Resolves the arguments of `loadgen selftest`.
///
/// # Errors
/// Settings that cannot be used.
pub fn selftest(args: SelfTestArgs, environment: &Environment) -> Result<SelfTestPlan, ConfigError> {
    let options = environment.complete(args.options.clone())?;
    if let Some(topic) = &args.topic {
        check_topic_name(topic)?;
    }
    let named = topics::client(args.options.cluster, environment)?;
    let usual = if named.bootstrap.is_some() { DRAIN_CLUSTER } else { DRAIN_EMBEDDED };
    let mut client = named.client;
    // The checker is tested, not the cluster: every event must have an offset, and a place that is known beforehand.
    client.extend([("acks", "all"), ("partitioner", "murmur2_random")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    Ok(SelfTestPlan {
        bootstrap: named.bootstrap,
        client,
        connect_timeout: named.connect_timeout,
        catalogue: catalogue(&SourceConfig::default())?,
        topic: args.topic,
        format: args.format.unwrap_or(Format::Json),
        keys: form_of(args.key_format.unwrap_or(KeyFormat::String)),
        id_in_header: args.id_in_header,
        seed: options.seed,
        drain_deadline: options.drain_deadline.unwrap_or(usual),
        output: options.output.unwrap_or(Output::Text),
        warnings: named.warnings,
        dump: named.dump,
    })
}
