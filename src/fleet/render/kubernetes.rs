//! An Indexed Job with what it needs, as a kustomize base, and as a Helm chart of the same manifests.

use super::{File, Fleet, Results, indented, yaml};

/// A shard's processor and memory: a core for each lane, one for the verifier, and room for what waits.
const MEMORY_MIB: u32 = 1024;

/// The Job, with names in place of what differs.
const JOB: &str = include_str!("job.yaml");

/// The exit codes that are verdicts or mistakes of whoever started it: another try would say the same.
const FINAL_CODES: &str = "[2, 3, 4, 5, 6, 7, 8, 99, 104, 130]";

pub(super) fn files(fleet: &Fleet) -> Vec<File> {
    let plain = Names::plain(fleet);
    let chart = Names::of_a_chart();
    let label = fleet.label();
    let (version, shards) = (env!("CARGO_PKG_VERSION"), fleet.shards);
    let mut kustomize = vec!["configmap.yaml", "service.yaml", "job.yaml"];
    let mut files = vec![
        File::new("job.yaml", job(fleet, &plain)),
        File::new("service.yaml", service(&plain)),
        File::new("configmap.yaml", config_map(&plain, &indented(&fleet.scenario, 4))),
        File::new("chart/templates/job.yaml", job(fleet, &chart)),
        File::new("chart/templates/service.yaml", service(&chart)),
        File::new(
            "chart/templates/configmap.yaml",
            config_map(&chart, "{{ .Files.Get \"scenario.toml\" | indent 4 }}\n"),
        ),
        File::new("chart/scenario.toml", &*fleet.scenario),
        File::new(
            "chart/Chart.yaml",
            format!(
                "apiVersion: v2\nname: {label}\ndescription: A fleet of loadgen\ntype: application\nversion: {version}\nappVersion: {version}\n"
            ),
        ),
        File::new(
            "chart/values.yaml",
            format!(
                "# The scenario was resolved for {shards} shards: for another number render again.\nimage: {}\n# A Secret whose keys become variables: SASL_USERNAME, SASL_PASSWORD. It may be missing.\nsecret: {label}\ncpu: {}\nmemory: {MEMORY_MIB}Mi\n{}",
                yaml(&fleet.image),
                cpu(fleet),
                if fleet.results == Results::Folder { "storage: 1Gi\n" } else { "" },
            ),
        ),
    ];
    if fleet.results == Results::Folder {
        kustomize.push("volume.yaml");
        files.push(File::new("volume.yaml", volume(&plain)));
        files.push(File::new("chart/templates/volume.yaml", volume(&chart)));
    }
    let resources: Vec<String> = kustomize.iter().map(|file| format!("  - {file}\n")).collect();
    files.push(File::new(
        "kustomization.yaml",
        format!("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{}", resources.concat()),
    ));
    files
}

fn cpu(fleet: &Fleet) -> u32 {
    u32::from(fleet.lanes) + 1
}

/// What manifests and templates call things.
struct Names {
    name: String,
    image: String,
    secret: String,
    cpu: String,
    memory: String,
    storage: String,
}

impl Names {
    fn plain(fleet: &Fleet) -> Self {
        let label = fleet.label();
        Self {
            image: yaml(&fleet.image),
            secret: label.clone(),
            name: label,
            cpu: format!("\"{}\"", cpu(fleet)),
            memory: format!("{MEMORY_MIB}Mi"),
            storage: "1Gi".to_owned(),
        }
    }

    fn of_a_chart() -> Self {
        Self {
            name: "{{ .Release.Name }}".to_owned(),
            image: "{{ .Values.image | quote }}".to_owned(),
            secret: "{{ .Values.secret }}".to_owned(),
            cpu: "{{ .Values.cpu | quote }}".to_owned(),
            memory: "{{ .Values.memory }}".to_owned(),
            storage: "{{ .Values.storage }}".to_owned(),
        }
    }
}

fn job(fleet: &Fleet, names: &Names) -> String {
    let Names { name, image, secret, cpu, memory, .. } = names;
    let words = fleet.words("/etc/loadgen/scenario.toml", "/results/$(JOB_COMPLETION_INDEX)");
    let words: Vec<String> = words.iter().map(|word| format!("            - {}", yaml(word))).collect();
    let results = match fleet.results {
        Results::Topic => "emptyDir: {}".to_owned(),
        Results::Folder => format!("persistentVolumeClaim:\n            claimName: {name}"),
    };
    // A shard that a machine lost takes the others with it where they were told to end with it.
    let disrupted = if fleet.options.iter().any(|word| word == "abort") { "FailJob" } else { "FailIndex" };
    let said = [
        ("@name@", name.as_str()),
        ("@image@", image),
        ("@secret@", secret),
        ("@cpu@", cpu),
        ("@memory@", memory),
        ("@shards@", &fleet.shards.to_string()),
        ("@words@", &words.join("\n")),
        ("@results@", &results),
        ("@disrupted@", disrupted),
        ("@final_codes@", FINAL_CODES),
    ];
    said.iter().fold(JOB.to_owned(), |job, (what, text)| job.replace(what, text))
}

fn service(names: &Names) -> String {
    let Names { name, .. } = names;
    format!(
        r"apiVersion: v1
kind: Service
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: loadgen
    app.kubernetes.io/instance: {name}
spec:
  # Gives each pod the host name POD.{name}, which --metrics-addr 0.0.0.0:9464 is reached by.
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    app.kubernetes.io/name: loadgen
    app.kubernetes.io/instance: {name}
  ports:
    - name: metrics
      port: 9464
"
    )
}

fn config_map(names: &Names, scenario: &str) -> String {
    let Names { name, .. } = names;
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  scenario.toml: |\n{scenario}")
}

fn volume(names: &Names) -> String {
    let Names { name, storage, .. } = names;
    format!(
        r"apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {name}
spec:
  # All shards write into it, each into a folder of its own.
  accessModes: [ReadWriteMany]
  resources:
    requests:
      storage: {storage}
"
    )
}
