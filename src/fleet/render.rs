//! What starts a fleet: files for Kubernetes, for machines that are reached by ssh, or for this one. Pure text, the same for the same input.

mod kubernetes;
mod local;
mod ssh;

use crate::settings::fleet::{Purpose, Results, Starter};

/// A fleet to be started.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The run's name.
    pub name: String,
    /// Its scenario, resolved, without secrets.
    pub scenario: String,
    /// How many shards.
    pub shards: u16,
    /// Lanes of each.
    pub lanes: u16,
    /// The cluster, as the shards reach it.
    pub bootstrap: String,
    /// The topic in which they meet.
    pub topic: String,
    /// What they are started for.
    pub purpose: Purpose,
    /// Where their bundles go.
    pub results: Results,
    /// The options that each shard has beside those: `--on-shard-loss abort`.
    pub options: Vec<String>,
    /// The container image.
    pub image: String,
}

/// A file that is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path below the folder.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// Whether it is run.
    pub executable: bool,
}

impl File {
    fn new(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into(), executable: false }
    }
}

/// The files that start it.
#[must_use]
pub fn render(fleet: &Fleet, kind: Starter) -> Vec<File> {
    let mut files = match kind {
        Starter::Local => local::files(fleet),
        Starter::Kubernetes => kubernetes::files(fleet),
        Starter::Ssh => ssh::files(fleet),
    };
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

impl Fleet {
    /// The words behind `loadgen`, the scenario at `scenario`, the results in `results`.
    fn words(&self, scenario: &str, results: &str) -> Vec<String> {
        let command = match self.purpose {
            Purpose::Run => "run",
            Purpose::Capacity => "capacity",
        };
        let mut words: Vec<String> = [command, scenario, "--shard"].map(str::to_owned).into();
        words.push(format!("env/{}", self.shards));
        words.extend(["--fleet-topic".to_owned(), self.topic.clone()]);
        words.extend(["--results-dir".to_owned(), results.to_owned()]);
        if self.purpose == Purpose::Run && self.results == Results::Topic {
            words.extend(["--results".to_owned(), "topic".to_owned()]);
        }
        words.push("--no-progress".to_owned());
        words.extend(self.options.iter().cloned());
        words
    }

    /// The run's name as Kubernetes takes one: RFC 1123, at most 40 letters, so that what is added to it still fits.
    fn label(&self) -> String {
        let plain: String =
            self.name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let short: String = plain.trim_matches('-').chars().take(40).collect();
        format!("loadgen-{}", if short.is_empty() { "run" } else { short.trim_end_matches('-') })
    }
}

/// A text in single quotes for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A text in double quotes, as YAML and JSON have it.
fn yaml(word: &str) -> String {
    serde_json::Value::from(word).to_string()
}

fn indented(text: &str, by: usize) -> String {
    let line = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("{}{line}\n", " ".repeat(by)) };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn fleet() -> Fleet {
        Fleet {
            name: "Peak.2".to_owned(),
            scenario: "name = \"Peak.2\"\n\n[source]\nkind = \"synthetic\"\n".to_owned(),
            shards: 4,
            lanes: 1,
            bootstrap: "kafka:9092".to_owned(),
            topic: "loadgen-fleet".to_owned(),
            purpose: Purpose::Run,
            results: Results::Topic,
            options: ["--on-shard-loss", "abort"].map(str::to_owned).into(),
            image: "loadgen:0.1.0".to_owned(),
        }
    }

    fn on_call() -> Fleet {
        Fleet { purpose: Purpose::Capacity, options: Vec::new(), ..fleet() }
    }

    fn all(fleet: &Fleet, kind: Starter) -> String {
        let told = |file: &File| {
            format!("=== {}{}\n{}", file.path, if file.executable { " (executable)" } else { "" }, file.text)
        };
        render(fleet, kind).iter().map(told).collect::<Vec<_>>().concat()
    }

    #[test]
    fn the_files_for_kubernetes_are_these() {
        insta::assert_snapshot!(all(&fleet(), Starter::Kubernetes));
    }

    #[test]
    fn the_files_for_this_machine_are_these() {
        insta::assert_snapshot!(all(&fleet(), Starter::Local));
    }

    #[test]
    fn the_files_for_machines_behind_ssh_are_these() {
        insta::assert_snapshot!(all(&fleet(), Starter::Ssh));
    }

    #[test]
    fn the_files_for_shards_on_call_are_these() {
        insta::assert_snapshot!(all(&on_call(), Starter::Local));
        let starts = |kind: Starter, words: &str| {
            let all = all(&on_call(), kind);
            assert!(all.contains(words) && !all.contains("merge"), "{all}");
        };
        starts(
            Starter::Kubernetes,
            "- \"capacity\"\n            - \"/etc/loadgen/scenario.toml\"\n            - \"--shard\"",
        );
        starts(Starter::Ssh, "cmd: ./loadgen capacity scenario.toml --shard env/4 --fleet-topic loadgen-fleet");
    }

    #[test]
    fn a_name_becomes_one_that_kubernetes_takes() {
        let label = |name: &str| Fleet { name: name.to_owned(), ..fleet() }.label();
        assert_eq!(label("Peak.2"), "loadgen-peak-2");
        assert_eq!(label("_Übung_"), "loadgen-bung");
        assert_eq!(label("..."), "loadgen-run");
        assert!(label(&"a-".repeat(50)).len() <= 48 && !label(&"a-".repeat(50)).ends_with('-'));
    }

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        assert_eq!(
            (quoted("a/b:1,2"), quoted("it's a"), quoted("")),
            ("a/b:1,2".to_owned(), r"'it'\''s a'".to_owned(), "''".to_owned())
        );
    }
}
