//! Alerts: which gates are told to whom. Secrets stand in files and variables, never in a scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::environment::Environment;
use super::error::{ConfigError, plan_error};
use crate::alert::{self, Alert, OWN_LABELS, Receiver};
use crate::gate::{BuiltIn, Gates};
use crate::http::{Address, Secret};
use crate::settings::choice::choices;
use crate::settings::text;
use crate::spelling::nearest;

/// The alert that `--alert` makes by itself.
const USUAL_NAME: &str = "LoadgenGate";
const USUAL_RESEND: Duration = Duration::from_secs(30);
const USUAL_DEADLINE: Duration = Duration::from_secs(10);

choices! {
    /// Who is told.
    pub enum To {
        Alertmanager = "alertmanager": "an Alertmanager, by its API v2",
        Webhook = "webhook": "anybody who takes an Alertmanager's webhooks, signed",
    }
}

choices! {
    /// What raises an alert.
    pub enum On {
        Broken = "broken": "a gate that is broken",
        Unevaluated = "unevaluated": "also one that cannot be evaluated at the end",
    }
}

/// One `[[alert]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertConfig {
    /// Its name.
    pub name: String,
    /// The name or the rule of a gate, the name of a built-in one, or `all`, which is also what nothing means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// Who is told; an Alertmanager where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<To>,
    /// Where; `--alert` where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What raises it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<On>,
    /// How long a gate must be broken while the run goes on.
    #[serde(rename = "for", with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub hold: Option<Duration>,
    /// How often it is told again while it lasts.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub resend: Option<Duration>,
    /// The longest time in which it is tried to tell it.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// The file with the secret that a webhook is signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// The variable with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
    /// Labels that it has beside its own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What else is said of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// The alerts of a plan, and what a person should know of those that nobody would hear. `usual` is where those go that say nothing
/// of that; where there are none of these, all gates are told there. Logins are taken out of `configs`, which are written down.
///
/// # Errors
/// Alerts that make no sense, or whose secret is not there.
pub(super) fn alerts_of(
    configs: &mut [AlertConfig],
    usual: Option<&str>,
    gates: &Gates,
    environment: &Environment,
) -> Result<(Vec<Alert>, Vec<String>), ConfigError> {
    let usual = usual.map(|url| address("--alert", url)).transpose()?;
    let (mut alerts, mut nowhere, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
    let is_open = |config: &AlertConfig| config.url.is_none() && config.to != Some(To::Webhook);
    let is_plain = usual.is_some() && !configs.iter().any(is_open);
    let mut plain = is_plain.then(|| AlertConfig { name: USUAL_NAME.to_owned(), ..AlertConfig::default() });
    for config in configs.iter_mut().chain(&mut plain) {
        if !names.insert(config.name.clone()) {
            let hint = "give each a name of its own";
            return Err(plan_error(&format!("two alerts are named \"{}\"", config.name), hint));
        }
        match alert_of(config, usual.as_ref(), gates, environment)? {
            Some(alert) => alerts.push(alert),
            None => nowhere.push(config.name.clone()),
        }
    }
    let told = match &nowhere[..] {
        [] => None,
        [one] => Some(format!("alert {one} goes nowhere")),
        several => Some(format!("alerts {} go nowhere", several.join(" and "))),
    };
    let warnings = told.map(|told| format!("{told}: --alert URL names the Alertmanager that is told"));
    Ok((alerts, warnings.into_iter().collect()))
}

/// `None` where nobody is named who is told.
fn alert_of(
    config: &mut AlertConfig,
    usual: Option<&Address>,
    gates: &Gates,
    environment: &Environment,
) -> Result<Option<Alert>, ConfigError> {
    if config.name.trim().is_empty() {
        return Err(plan_error("an [[alert]] has no name", "for example name = \"lost_events\""));
    }
    let what = format!("alert {}", config.name);
    let (hold, resend, deadline) = (
        config.hold.unwrap_or_default(),
        config.resend.unwrap_or(USUAL_RESEND),
        config.deadline.unwrap_or(USUAL_DEADLINE),
    );
    if resend.is_zero() || deadline.is_zero() {
        return Err(plan_error(
            &format!("{what}: resend and deadline must be above 0s"),
            "for example resend = \"30s\"",
        ));
    }
    check_labels(&what, &config.labels)?;
    let gate = config.gate.as_deref().filter(|gate| *gate != alert::ALL);
    let gate = gate.map(|gate| gate_named(&what, gate, gates)).transpose()?;
    let own = config.url.as_deref().map(|url| address(&what, url)).transpose()?;
    if let Some(own) = &own {
        config.url = Some(own.url.clone());
    }
    let receiver = match config.to.unwrap_or(To::Alertmanager) {
        To::Webhook => {
            let hint = "write url = \"https://host/path\" into it";
            let address = own.ok_or_else(|| plan_error(&format!("{what}: a webhook needs an url"), hint))?;
            Receiver::Webhook(address, secret(&what, config, environment)?)
        }
        To::Alertmanager if config.secret_file.is_some() || config.secret_env.is_some() => {
            let reason = format!("{what} has a secret, and an Alertmanager takes no signature");
            return Err(plan_error(&reason, "a login stands in its url, or to = \"webhook\" is meant"));
        }
        To::Alertmanager => match own.or_else(|| usual.cloned()) {
            Some(address) => Receiver::Alertmanager(address),
            None => return Ok(None),
        },
    };
    Ok(Some(Alert {
        name: config.name.clone(),
        gate,
        receiver,
        labels: config.labels.clone(),
        annotations: config.annotations.clone(),
        hold,
        resend,
        deadline,
        on_unevaluated: config.on == Some(On::Unevaluated),
    }))
}

fn address(what: &str, url: &str) -> Result<Address, ConfigError> {
    Address::new(url).map_err(|error| {
        plan_error(&format!("the url of {what} {error}"), "write it as http://host:9093 or https://host/path")
    })
}

/// Names of labels are those of Prometheus.
fn check_labels(what: &str, labels: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    let fits = |name: &str| {
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
    };
    match labels.keys().find(|name| OWN_LABELS.contains(&name.as_str()) || !fits(name)) {
        None => Ok(()),
        Some(name) if fits(name) => {
            let hint = format!("these are set by themselves: {}", OWN_LABELS.join(", "));
            Err(plan_error(&format!("{what}: the label {name} is loadgen's own"), &hint))
        }
        Some(name) => Err(plan_error(
            &format!("{what}: \"{name}\" is no name of a label"),
            "letters, digits and _, and no digit first",
        )),
    }
}

/// What the gate is called that an alert names by its name or its rule.
fn gate_named(what: &str, wanted: &str, gates: &Gates) -> Result<String, ConfigError> {
    let plain = |rule: &str| rule.split_whitespace().collect::<String>();
    let own = gates
        .gates
        .iter()
        .find(|gate| gate.name.as_deref() == Some(wanted) || plain(&gate.rule.to_string()) == plain(wanted));
    if let Some(gate) = own {
        return Ok(gate.name.clone().unwrap_or_else(|| gate.rule.to_string()));
    }
    let own = gates.gates.iter().map(|gate| gate.name.clone().unwrap_or_else(|| gate.rule.to_string()));
    let built_in = BuiltIn::ALL.iter().filter(|gate| gates.is_on(**gate)).map(|gate| gate.as_str().to_owned());
    let known: Vec<String> = own.chain(built_in).chain([alert::ALL.to_owned()]).collect();
    if known.iter().any(|name| name == wanted) {
        return Ok(wanted.to_owned());
    }
    let hint = match nearest(wanted, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}; a [[gate]] adds one", known.join(", ")),
    };
    Err(plan_error(&format!("{what}: there is no gate \"{wanted}\""), &hint))
}

fn secret(what: &str, config: &AlertConfig, environment: &Environment) -> Result<Secret, ConfigError> {
    let hint = "secret_file = \"FILE\" or secret_env = \"NAME\" says where it is";
    let found = match (&config.secret_file, &config.secret_env) {
        (Some(_), Some(_)) => return Err(plan_error(&format!("{what} has two secrets"), "keep one of them")),
        (None, None) => return Err(plan_error(&format!("{what}: a webhook is signed, and has no secret"), hint)),
        (Some(file), None) => Secret::read("the secret", file).map_err(|error| {
            plan_error(&format!("{what}: {error}"), "a file with one word, which only you can read")
        })?,
        (None, Some(name)) => environment.get(name).map(Secret::new).ok_or_else(|| {
            let reason = format!("{what}: the variable {name} is not set, which is to hold its secret");
            plan_error(&reason, "set it in the environment or in the .env file")
        })?,
    };
    if alert::signs(&found) {
        Ok(found)
    } else {
        Err(plan_error(&format!("{what}: its secret begins with whsec_, and no base64 follows"), hint))
    }
}

#[cfg(test)]
mod tests;
