//! `topics apply`: what is missing, what is there, what differs; and making what is missing.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Done, Failure, connect, count, failed};
use crate::command::cluster as in_use;
use crate::command::{DONE, TOLD};
use crate::kafka::admin::{Cluster, NewTopic};
use crate::kafka::{KafkaError, Settings, TopicState};
use crate::scenario::topics::{ApplyPlan, TopicPlan};
use crate::settings::outcome::Output;
use crate::verdict::ExitCode;

/// What is to be done about a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// It is missing.
    Create,
    /// It has too few partitions.
    Grow,
    /// It has settings of other values.
    Alter,
    /// It is as it is to be.
    Leave,
    /// It has another number of copies, which is not changed.
    Differs,
    /// It has more partitions than it is to have: nothing is done at all.
    Refuse,
}

impl Action {
    const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Grow => "grow",
            Self::Alter => "alter",
            Self::Leave => "leave",
            Self::Differs => "differs",
            Self::Refuse => "REFUSED",
        }
    }
}

/// A topic that is wanted, against the one that is there.
#[derive(Debug, Serialize)]
struct Step {
    topic: String,
    action: Action,
    partitions: i32,
    replication_factor: i32,
    settings: std::collections::BTreeMap<String, String>,
    /// How the topic that is there differs.
    differences: Vec<Difference>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Difference {
    what: String,
    wanted: String,
    /// `None` where the cluster does not tell.
    present: Option<String>,
}

#[derive(Debug, Serialize)]
struct Applied<'a> {
    cluster: &'a str,
    carried_out: bool,
    topics: Vec<Step>,
}

pub(super) fn apply(plan: &ApplyPlan) -> Result<Done, Failure> {
    let cluster = connect(&plan.cluster)?;
    let present = cluster.topics().map_err(|error| failed(&error, &plan.cluster))?;
    let mut steps = Vec::new();
    for wanted in &plan.topics {
        let state = present.get(&wanted.name);
        let settings = match state {
            Some(_) if !wanted.settings.is_empty() => Some(cluster.settings(&wanted.name)),
            _ => None,
        };
        steps.push(step(wanted, state, settings.as_ref()));
    }
    let refused = steps.iter().any(|step| step.action == Action::Refuse);
    let carried_out = plan.confirmed && !refused;
    if carried_out {
        carry_out(&cluster, &steps)?;
    }
    let code = if refused { ExitCode::BadConfiguration } else { ExitCode::Pass };
    let applied = Applied { cluster: &plan.cluster.bootstrap, carried_out, topics: steps };
    let output = match plan.output {
        Output::Text => applied.text(),
        Output::Json => serde_json::to_string_pretty(&applied)
            .map(|text| text + "\n")
            .map_err(|error| Failure::new(ExitCode::Cluster, error.to_string()))?,
    };
    Ok(Done::ended(output, code, if carried_out { DONE } else { TOLD }))
}

fn step(wanted: &TopicPlan, present: Option<&TopicState>, settings: Option<&Result<Settings, KafkaError>>) -> Step {
    let mut differences = Vec::new();
    let mut action = Action::Create;
    if let Some(state) = present {
        let partitions = i32::try_from(state.partitions.len()).unwrap_or(i32::MAX);
        if partitions != wanted.partitions {
            differences.push(Difference::new("partitions", &wanted.partitions, Some(partitions)));
        }
        let copies = state.partitions.first().map_or(0, |partition| partition.copies.len());
        if i32::try_from(copies) != Ok(wanted.replication_factor) {
            differences.push(Difference::new("replication_factor", &wanted.replication_factor, Some(copies)));
        }
        for (key, value) in &wanted.settings {
            let present = match settings {
                Some(Ok(settings)) => settings.get(key),
                Some(Err(_)) | None => None,
            };
            if present != Some(value) {
                differences.push(Difference::new(key, value, present));
            }
        }
        action = match partitions.cmp(&wanted.partitions) {
            std::cmp::Ordering::Greater => Action::Refuse,
            std::cmp::Ordering::Less => Action::Grow,
            std::cmp::Ordering::Equal if differences.is_empty() => Action::Leave,
            std::cmp::Ordering::Equal if differences.iter().any(Difference::is_setting) => Action::Alter,
            std::cmp::Ordering::Equal => Action::Differs,
        };
    }
    Step {
        topic: wanted.name.clone(),
        action,
        partitions: wanted.partitions,
        replication_factor: wanted.replication_factor,
        settings: wanted.settings.clone(),
        differences,
    }
}

/// In the order of the plan; what was done before a refusal stays and is told.
fn carry_out(cluster: &Cluster, steps: &[Step]) -> Result<(), Failure> {
    let mut done: Vec<&str> = Vec::new();
    for step in steps {
        let result = match step.action {
            Action::Create => cluster.create(&NewTopic {
                name: step.topic.clone(),
                partitions: step.partitions,
                replication_factor: step.replication_factor,
                config: step.settings.clone(),
            }),
            Action::Grow => cluster.grow(&step.topic, step.partitions).and_then(|()| alter(cluster, step)),
            Action::Alter => alter(cluster, step),
            Action::Leave | Action::Differs | Action::Refuse => continue,
        };
        if let Err(error) = result {
            let done = if done.is_empty() {
                "nothing was changed".to_owned()
            } else {
                format!("done before: {}", done.join(", "))
            };
            return Err(in_use::failed(&error, in_use::Purpose::default()).hint(done));
        }
        done.push(&step.topic);
    }
    Ok(())
}

/// Sets what differs, and nothing else.
fn alter(cluster: &Cluster, step: &Step) -> Result<(), KafkaError> {
    let different = step.differences.iter().filter(|difference| difference.is_setting());
    let settings: Settings = different.map(|Difference { what, wanted, .. }| (what.clone(), wanted.clone())).collect();
    if settings.is_empty() { Ok(()) } else { cluster.alter(&step.topic, &settings) }
}

impl Difference {
    /// Whether it is one of the topic's settings.
    fn is_setting(&self) -> bool {
        !matches!(self.what.as_str(), "partitions" | "replication_factor")
    }

    fn new(what: &str, wanted: &impl ToString, present: Option<impl ToString>) -> Self {
        Self { what: what.to_owned(), wanted: wanted.to_string(), present: present.map(|value| value.to_string()) }
    }
}

impl Applied<'_> {
    fn text(&self) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        self.write(&mut out).unwrap_or_default();
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "topics @ {}\n", self.cluster)?;
        let wide = self.topics.iter().map(|step| step.topic.len()).max().unwrap_or(0);
        for step in &self.topics {
            writeln!(out, " {:<7}  {:<wide$}  {}", step.action.word(), step.topic, step.words())?;
            for Difference { what, wanted, present } in &step.differences {
                let is = present.as_deref().unwrap_or("not told by the cluster");
                let note = match (step.action, what.as_str()) {
                    (Action::Grow, "partitions") => "keys move to other partitions",
                    (Action::Refuse, "partitions") => "partitions are never taken away",
                    (_, "replication_factor") | (Action::Refuse, _) => "not changed",
                    _ if self.carried_out => "set",
                    _ => "to be set",
                };
                writeln!(out, " {:<7}  {:<wide$}  {what} is {is}, wanted {wanted}: {note}", "", "")?;
            }
        }
        writeln!(out, "\n{}", self.outcome())
    }

    fn outcome(&self) -> String {
        let of = |action: Action| self.topics.iter().filter(|step| step.action == action).count();
        let changes = of(Action::Create) + of(Action::Grow) + of(Action::Alter);
        match (of(Action::Refuse), self.carried_out, changes) {
            (1.., ..) => "Nothing was changed: a topic would have to lose partitions.".to_owned(),
            (0, _, 0) => "There is nothing to do.".to_owned(),
            (0, true, _) => {
                format!("{} created, {} grown, {} altered.", of(Action::Create), of(Action::Grow), of(Action::Alter))
            }
            (0, false, _) => "Nothing was changed: --yes carries it out.".to_owned(),
        }
    }
}

impl Step {
    fn words(&self) -> String {
        let partitions = count(usize::try_from(self.partitions).unwrap_or(0), "partition", "partitions");
        let copies = count(usize::try_from(self.replication_factor).unwrap_or(0), "copy", "copies");
        let settings = self.settings.iter().map(|(key, value)| format!(", {key}={value}"));
        format!("{partitions}, {copies}{}", settings.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::PartitionState;

    fn wanted(partitions: i32) -> TopicPlan {
        let settings = [("retention.ms".to_owned(), "5".to_owned())].into();
        TopicPlan { name: "a".to_owned(), partitions, replication_factor: 1, settings }
    }

    fn decided(partitions: i32, retention: &str) -> (Action, Vec<String>) {
        let one = PartitionState { copies: vec![1], ..PartitionState::default() };
        let state = TopicState { partitions: vec![one; 3] };
        let settings: Settings = [("retention.ms".to_owned(), retention.to_owned())].into();
        let step = step(&wanted(partitions), Some(&state), Some(&Ok(settings)));
        (step.action, step.differences.into_iter().map(|difference| difference.what).collect())
    }

    #[test]
    fn a_topic_is_created_grown_altered_or_left_but_never_shrunk() {
        assert_eq!(step(&wanted(3), None, None).action, Action::Create);
        assert_eq!(decided(3, "5"), (Action::Leave, vec![]));
        assert_eq!(decided(6, "5"), (Action::Grow, vec!["partitions".to_owned()]));
        assert_eq!(decided(3, "6"), (Action::Alter, vec!["retention.ms".to_owned()]));
        assert_eq!(decided(2, "5"), (Action::Refuse, vec!["partitions".to_owned()]));
    }

    #[test]
    fn settings_that_the_cluster_does_not_tell_are_not_taken_for_equal() {
        let one = PartitionState { copies: vec![1], ..PartitionState::default() };
        let silent = KafkaError::Create("no answer".to_owned());
        let step = step(&wanted(1), Some(&TopicState { partitions: vec![one] }), Some(&Err(silent)));
        assert_eq!(step.action, Action::Alter);
        assert_eq!(step.differences, [Difference { what: "retention.ms".into(), wanted: "5".into(), present: None }]);
    }
}
