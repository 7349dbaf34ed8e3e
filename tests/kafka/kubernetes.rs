//! Fleets under a real control plane of Kubernetes: what `fleet render --as kubernetes` writes is applied by kubectl, the Job controller starts
//! and fails the shards, and one node runs them as processes (`scripts/kubernetes`). Left out unless asked for, by `scripts/test --kubernetes`:
//! the control plane is built first, which takes minutes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::PATIENCE;
use crate::at_work::wait_until;
use crate::cluster::Cluster;
use crate::fleet::{merge_from_topic, said_in};
use crate::program::{Program, Run};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/kubernetes");

/// API server, controllers and node, for all tests. `scripts/kubernetes` ends and wipes them with this process.
struct ControlPlane {
    folder: PathBuf,
    kubectl: PathBuf,
}

impl ControlPlane {
    fn shared() -> &'static Self {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        SHARED.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap().keep();
            let image = format!("loadgen:{}={}", env!("CARGO_PKG_VERSION"), env!("CARGO_BIN_EXE_loadgen"));
            let dir = ["--dir", folder.to_str().unwrap()];
            let owner = std::process::id().to_string();
            let up = Command::new(SCRIPT).args(["up", "--owner", &owner, "--image", &image]).args(dir).output();
            checked("up", up.unwrap());
            let env = checked("env", Command::new(SCRIPT).arg("env").args(dir).output().unwrap());
            let path = env.lines().find_map(|line| line.strip_prefix("export PATH=")).unwrap();
            let kubectl = Path::new(path.strip_suffix(":$PATH").unwrap()).join("kubectl");
            Self { folder, kubectl }
        })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(self.folder.join("kubeconfig")).args(words);
        // It keeps what it has found out about the server there: what is wiped with the control plane.
        command.env("HOME", self.folder.join("kubelet"));
        command
    }

    fn kubectl(&self, words: &[&str]) -> String {
        checked(&words.join(" "), self.command(words).output().unwrap())
    }
}

fn checked(what: &str, output: Output) -> String {
    let (said, complaint) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {said}{complaint}");
    said
}

/// A Job of four shards in a namespace and on a topic of its own.
struct Job {
    name: String,
    folder: tempfile::TempDir,
}

/// A verdict over what the whole is.
struct Whole {
    run: Run,
    report: Value,
}

impl Job {
    /// What `fleet render` writes for a scenario of 200 events a second.
    fn rendered(name: &str, duration: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scenario = format!(
            "name = \"{name}\"\nseed = 7\nrate = \"200/s\"\nduration = \"{duration}\"\ngates_off = [\"generator_healthy\"]\n[source]\nkind = \"synthetic\"\n"
        );
        let (path, out) = (folder.path().join("scenario.toml"), folder.path().join("k8s"));
        fs::write(&path, scenario).unwrap();
        let job = Self { name: name.to_owned(), folder };
        let words = ["fleet", "render", path.to_str().unwrap(), "--shards", "4", "--as", "kubernetes", "--out"];
        let rendered = Program::new(Cluster::shared(), &job.topic())
            .args(words)
            .args([out.to_str().unwrap(), "--fleet-topic", &format!("{}-fleet", job.topic())])
            .args(["--create-topics", "--partitions", "3"])
            .args_of(more)
            .run();
        assert_eq!(rendered.code, 0, "{}", rendered.stderr);
        ControlPlane::shared().kubectl(&["create", "namespace", name]);
        job
    }

    fn topic(&self) -> String {
        format!("kubernetes-{}", self.name)
    }

    fn object(&self) -> String {
        format!("job/loadgen-{}", self.name)
    }

    fn kubectl(&self, words: &[&str]) -> String {
        ControlPlane::shared().kubectl(&[&["--namespace", &self.name], words].concat())
    }

    fn asked(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.kubectl(&[words, &["--output", "json"]].concat())).unwrap()
    }

    /// `kubectl apply -k`, of the folder that was rendered or of one beside it.
    fn apply(&self, folder: &str) {
        self.kubectl(&["apply", "--kustomize", self.folder.path().join(folder).to_str().unwrap()]);
    }

    /// A file for kubectl.
    fn written(&self, file: &str, text: &str) -> String {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn state(&self) -> Value {
        self.asked(&["get", &self.object()])
    }

    fn uid(&self) -> String {
        self.state()["metadata"]["uid"].as_str().unwrap().to_owned()
    }

    /// Its state once it has come to an end, of that kind.
    fn ended(&self, wanted: &str) -> Value {
        let has = |state: &Value, kind: &str| {
            state["status"]["conditions"].as_array().is_some_and(|all| all.iter().any(|of| of["type"] == kind))
        };
        let mut state = Value::Null;
        wait_until(&format!("end of {}", self.object()), PATIENCE, || {
            self.lingers(&format!("condition={wanted}"));
            state = self.state();
            has(&state, "Complete") || has(&state, "Failed")
        });
        assert!(has(&state, wanted), "{state}");
        assert_eq!(self.pods_made(), 4, "no shard is run again: {state}");
        state
    }

    /// Waits for what is so at the end, a few seconds at a time.
    fn lingers(&self, until: &str) {
        let control_plane = ControlPlane::shared();
        let words = ["--namespace", &self.name, "wait", &format!("--for={until}"), &self.object(), "--timeout=5s"];
        control_plane.command(&words).output().unwrap();
    }

    /// Pods that the controller has ever made for it.
    fn pods_made(&self) -> usize {
        let made = self.asked(&["get", "events", "--field-selector", "reason=SuccessfulCreate"]);
        made["items"].as_array().unwrap().len()
    }

    fn pod(&self, shard: u16) -> String {
        let label = format!("batch.kubernetes.io/job-completion-index={}", shard - 1);
        let pods = self.asked(&["get", "pods", "--selector", &label]);
        pods["items"][0]["metadata"]["name"].as_str().unwrap().to_owned()
    }

    /// What the node keeps of a pod.
    fn kept(&self, pod: &str, file: &str) -> PathBuf {
        ControlPlane::shared().folder.join("kubelet/pods").join(&self.name).join(pod).join(file)
    }

    /// The exit code of a pod, once it has ended.
    fn exit_code(&self, pod: &str) -> i64 {
        let patience = format!("--timeout={}s", PATIENCE.as_secs());
        let terminated = ".status.containerStatuses[0].state.terminated";
        self.kubectl(&["wait", &format!("--for=jsonpath={{{terminated}}}"), &format!("pod/{pod}"), &patience]);
        let state = self.asked(&["get", "pod", pod]);
        state["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"].as_i64().unwrap()
    }

    /// Waits until a shard has said something of that kind.
    fn wait_for_word(&self, shard: u16, what: &str) {
        wait_until(&format!("\"{what}\" of shard {shard} of {}", self.name), PATIENCE, || {
            !said_in(Cluster::shared(), &self.topic(), shard, what).is_empty()
        });
    }

    fn wait_until_all_are_under_way(&self) {
        (1..=4).for_each(|shard| self.wait_for_word(shard, "beat"));
    }

    /// What the API server does where a node is drained: the pod is told to end, and marked.
    fn evict(&self, pod: &str) {
        let eviction = json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": pod, "namespace": self.name },
        });
        let file = self.written("eviction.json", &eviction.to_string());
        let path = format!("/api/v1/namespaces/{}/pods/{pod}/eviction", self.name);
        self.kubectl(&["create", "--raw", &path, "--filename", &file]);
    }

    /// The whole, from the fleet's topic.
    fn merged(&self) -> Whole {
        Whole::of(merge_from_topic(Cluster::shared(), &self.topic(), &self.uid()))
    }
}

impl Whole {
    fn of(run: Run) -> Self {
        let report = run.report();
        Self { run, report }
    }

    fn class(&self, name: &str) -> u64 {
        self.report["ledger"][name].as_u64().unwrap_or_default()
    }

    fn said(&self, what: &str) -> String {
        self.report["verdict"][what].to_string()
    }

    /// Each event that was to be sent is in one class, and none is in a wrong one.
    fn adds_up(&self) {
        let ledger = self.report["ledger"].as_object().unwrap();
        let classes = ledger.iter().filter(|(name, _)| *name != "scheduled");
        assert_eq!(
            classes.map(|(_, count)| count.as_u64().unwrap()).sum::<u64>(),
            self.class("scheduled"),
            "{ledger:?}"
        );
        assert_eq!(self.class("lost"), 0, "{ledger:?}");
        for name in ["duplicates", "contradicted", "reordered", "foreign", "invalid"] {
            assert_eq!(self.report["findings"][name].as_u64().unwrap_or_default(), 0, "{name}: {}", self.report);
        }
    }
}

#[test]
#[ignore = "needs a control plane: scripts/test --kubernetes"]
fn an_indexed_job_of_four_shards_comes_to_one_exact_result() {
    let job = Job::rendered("exact", "8s", &["--results", "topic"]);
    // What the Secret of that name holds becomes variables of each shard.
    job.kubectl(&["create", "secret", "generic", "loadgen-exact", "--from-literal", "LOADGEN_LOG_LEVEL=info"]);
    job.apply("k8s");
    let state = job.ended("Complete");
    assert_eq!((&state["status"]["succeeded"], &state["status"]["completedIndexes"]), (&4.into(), &"0-3".into()));
    let log = job.kubectl(&["logs", &job.pod(1)]);
    assert!(log.contains(" INFO "), "{log}");
    let whole = job.merged();
    assert_eq!(whole.run.code, 0, "{}", whole.run.stderr);
    whole.adds_up();
    assert_eq!((whole.class("verified"), whole.class("scheduled")), (1_600, 1_600));
}

#[test]
#[ignore = "needs a control plane: scripts/test --kubernetes"]
fn a_pod_that_is_killed_and_one_that_is_evicted_are_not_replaced_and_the_whole_adds_up() {
    let job = Job::rendered("disrupted", "60s", &["--results", "topic"]);
    job.apply("k8s");
    job.wait_until_all_are_under_way();
    let (killed, evicted) = (job.pod(3), job.pod(2));
    // Kept for a look when it has ended.
    let keep = json!([{ "op": "add", "path": "/metadata/finalizers/-", "value": "loadgen/a-look" }]);
    job.kubectl(&["patch", "pod", &evicted, "--type", "json", "--patch", &keep.to_string()]);
    let process = fs::read_to_string(job.kept(&killed, "pid")).unwrap();
    checked("kill", Command::new("kill").args(["-KILL", process.trim()]).output().unwrap());
    job.evict(&evicted);
    assert_eq!((job.exit_code(&killed), job.exit_code(&evicted)), (137, 130));
    let marks = job.asked(&["get", "pod", &evicted])["status"]["conditions"].clone();
    let marked = |mark: &&Value| mark["type"] == "DisruptionTarget" && mark["status"] == "True";
    assert!(marks.as_array().unwrap().iter().any(|mark| marked(&mark)), "{marks}");
    let state = job.ended("Failed");
    assert_eq!(state["status"]["failedIndexes"], "1,2", "{state}");
    assert_eq!(state["status"]["completedIndexes"], "0,3", "{state}");
    job.kubectl(&["patch", "pod", &evicted, "--type", "merge", "--patch", r#"{"metadata":{"finalizers":null}}"#]);
    let whole = job.merged();
    assert_eq!(whole.run.code, 5, "{}", whole.run.stderr);
    whole.adds_up();
    assert_eq!(whole.class("unwitnessed"), 3_000, "{}", whole.report["ledger"]);
    let told = format!("{} {}", whole.said("reasons"), whole.said("notes"));
    assert!(told.contains("shard 3 of 4") && told.contains("was lost"), "{told}");
    assert!(told.contains("interrupted"), "{told}");
}

#[test]
#[ignore = "needs a control plane: scripts/test --kubernetes"]
fn where_shards_are_to_end_together_an_eviction_fails_the_job() {
    let job = Job::rendered("together", "10m", &["--results", "topic", "--on-shard-loss", "abort"]);
    job.apply("k8s");
    job.wait_until_all_are_under_way();
    job.evict(&job.pod(4));
    let state = job.ended("Failed");
    let why = state["status"]["conditions"].as_array().unwrap().iter().find(|of| of["type"] == "Failed").unwrap();
    assert_eq!(why["reason"], "PodFailurePolicy", "{state}");
    let whole = job.merged();
    assert_eq!(whole.run.code, 130, "{}", whole.run.stderr);
    whole.adds_up();
}

#[test]
#[ignore = "needs a control plane: scripts/test --kubernetes"]
fn of_two_pods_of_one_index_one_sends_and_the_other_says_why_it_does_not() {
    let job = Job::rendered("twice", "8s", &["--results", "topic"]);
    // The Job exists, and has a run's id, before its pods do.
    let patch = "patches:\n  - target: {kind: Job}\n    patch: '[{\"op\": \"add\", \"path\": \"/spec/suspend\", \"value\": true}]'\n";
    job.written("held/kustomization.yaml", &format!("resources: [../k8s]\n{patch}"));
    job.apply("held");
    let (first, late) = (job.second_pod("first"), job.second_pod("late"));
    job.kubectl(&["apply", "--filename", &first]);
    job.wait_for_word(2, "ready");
    job.kubectl(&["patch", &job.object(), "--patch", r#"{"spec":{"suspend":false}}"#]);
    job.wait_until_all_are_under_way();
    job.kubectl(&["apply", "--filename", &late]);
    let state = job.ended("Complete");
    assert_eq!(state["status"]["completedIndexes"], "0-3", "{state}");
    for (pod, told) in [("first", "another process took the place of shard 2/4"), ("late", " began at ")] {
        assert_eq!(job.exit_code(pod), 5);
        let log = job.kubectl(&["logs", pod]);
        assert!(log.contains(told), "{log}");
    }
    let whole = job.merged();
    assert_eq!(whole.run.code, 0, "{}", whole.run.stderr);
    whole.adds_up();
    assert_eq!(whole.class("verified"), 1_600);
    let attempts = whole.report["fleet"]["shards"].as_array().unwrap().iter().map(|shard| shard["attempt"].clone());
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 2, 1, 1]);
}

#[test]
#[ignore = "needs a control plane: scripts/test --kubernetes"]
fn a_shard_that_finds_a_violation_fails_its_index_and_no_other() {
    let job = Job::rendered("violated", "20s", &["--results", "topic"]);
    job.apply("k8s");
    job.wait_until_all_are_under_way();
    Cluster::shared().double_first(&job.topic());
    let state = job.ended("Failed");
    let mut codes: Vec<i64> = (1..=4).map(|shard| job.exit_code(&job.pod(shard))).collect();
    let violated = codes.iter().position(|code| *code == 3).unwrap();
    assert_eq!(state["status"]["failedIndexes"], violated.to_string(), "{state}");
    codes.sort_unstable();
    assert_eq!(codes, [0, 0, 0, 3]);
    let whole = job.merged();
    assert_eq!(whole.run.code, 3, "{}", whole.run.stderr);
}

impl Job {
    /// The manifest of a pod as the Job's of shard 2, which the controller knows nothing of.
    fn second_pod(&self, name: &str) -> String {
        let job = self.state();
        let mut spec = job["spec"]["template"]["spec"].clone();
        for variable in spec["containers"][0]["env"].as_array_mut().unwrap() {
            let value = if variable["name"] == "LOADGEN_RUN_ID" { job["metadata"]["uid"].clone() } else { "1".into() };
            *variable = json!({ "name": variable["name"], "value": value });
        }
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name }, "spec": spec });
        self.written(&format!("{name}.json"), &pod.to_string())
    }
}

#[test]
#[ignore = "needs a control plane: scripts/test --kubernetes"]
fn a_verdict_is_no_reason_to_try_again_and_a_claim_keeps_what_the_shards_wrote() {
    let job = Job::rendered("verdict", "8s", &["--gate", "response_time.p50 < 1us"]);
    job.apply("k8s");
    let state = job.ended("Failed");
    assert_eq!(state["status"]["failedIndexes"], "0-3", "{state}");
    assert_eq!((1..=4).map(|shard| job.exit_code(&job.pod(shard))).collect::<Vec<_>>(), [99; 4]);
    // All of them write into one claim, each into a folder of its own.
    let claim = ControlPlane::shared().folder.join("kubelet/claims/verdict/loadgen-verdict");
    let bundle = |index: u16| fs::read_dir(claim.join(index.to_string())).unwrap().next().unwrap().unwrap().path();
    let bundles: Vec<String> = (0..4).map(|index| bundle(index).to_str().unwrap().to_owned()).collect();
    let bundles: Vec<&str> = bundles.iter().map(String::as_str).collect();
    let merge = Program::new(Cluster::shared(), "").args(["merge", "--out", "results/whole"]).args_of(&bundles);
    let whole = Whole::of(merge.run());
    assert_eq!(whole.run.code, 99, "{}", whole.run.stderr);
    whole.adds_up();
    assert_eq!(whole.class("verified"), 1_600);
}
