//! An Ansible inventory and a playbook that start one shard on each machine.

use super::{File, Fleet, Purpose, Results, quoted};

/// What draws a run id.
const RUN_ID: &str = "od -An -N8 -tx1 /dev/urandom | tr -d ' '";

pub(super) fn files(fleet: &Fleet) -> Vec<File> {
    let mut inventory = String::from(
        "# One machine a shard: put their names in. JOB_COMPLETION_INDEX is the shard's number less one.\n[shards]\n",
    );
    for index in 0..fleet.shards {
        let line =
            format!("shard-{} ansible_host=machine-{}.example job_completion_index={index}\n", index + 1, index + 1);
        inventory.push_str(&line);
    }
    let words: Vec<String> = fleet.words("scenario.toml", "results").iter().map(|word| quoted(word)).collect();
    let Fleet { name, shards, bootstrap, topic, .. } = fleet;
    let (topic, bootstrap) = (quoted(topic), quoted(bootstrap));
    let (gather, merge) = match (fleet.purpose, fleet.results) {
        (Purpose::Capacity, _) => ("", String::new()),
        (Purpose::Run, Results::Topic) => {
            ("", merge(&format!("--from-topic {{{{ run_id }}}} --fleet-topic {topic} -b {bootstrap}")))
        }
        (Purpose::Run, Results::Folder) => (GATHER, merge("results/{{ run_id }}/shard-*/*/")),
    };
    let what = match fleet.purpose {
        Purpose::Run => format!(
            "Starts the {shards} shards of {name}, one on each machine of inventory.ini, and merges what they leave behind:\n\
             #\n#   ansible-playbook playbook.yml -e run_id=$({RUN_ID})"
        ),
        Purpose::Capacity => format!(
            "Starts {shards} shards for {name}, one on each machine of inventory.ini, which make the probes of a search of the same run id:\n\
             #\n#   run_id=$({RUN_ID})\n#   ansible-playbook playbook.yml -e run_id=$run_id &\n\
             #   loadgen capacity scenario.toml --shards {shards} --fleet-topic {topic} --run-id $run_id"
        ),
    };
    let playbook = format!(
        r#"# {what}
#
# LOADGEN names the program here, which is copied to each machine (default: /usr/local/bin/loadgen). Secrets stand in the variables
# of loadgen_environment, from a vault: -e @secrets.yml with loadgen_environment: {{SASL_PASSWORD: ...}}.
- name: Run the fleet
  hosts: shards
  gather_facts: false
  # They wait for one another: ansible.cfg lets all of them go on at once.
  strategy: free
  vars:
    folder: "/tmp/loadgen-{{{{ run_id }}}}-{{{{ inventory_hostname }}}}"
    loadgen: "{{{{ lookup('env', 'LOADGEN') | default('/usr/local/bin/loadgen', true) }}}}"
    loadgen_environment: {{}}
  tasks:
    - name: Make a folder
      ansible.builtin.file:
        path: "{{{{ folder }}}}"
        state: directory
        mode: "0700"

    - name: Bring the program
      ansible.builtin.copy:
        src: "{{{{ loadgen }}}}"
        dest: "{{{{ folder }}}}/loadgen"
        mode: "0700"

    - name: Bring the scenario
      ansible.builtin.copy:
        src: scenario.toml
        dest: "{{{{ folder }}}}/scenario.toml"
        mode: "0600"

    - name: Run the shard
      ansible.builtin.command:
        cmd: ./loadgen {words} --run-id {{{{ run_id }}}}
        chdir: "{{{{ folder }}}}"
      environment: "{{{{ loadgen_environment | combine({{'JOB_COMPLETION_INDEX': job_completion_index | string}}) }}}}"
      register: shard
      changed_when: true
      # A verdict is no failure of the machine: it is the whole that is judged.
      failed_when: shard.rc not in [0, 3, 4, 5, 99]
{gather}{merge}"#,
        words = words.join(" "),
    );
    let config = format!(
        "[defaults]\ninventory = inventory.ini\n# Shards wait for one another: none may wait for its turn.\nforks = {shards}\n"
    );
    vec![
        File::new("scenario.toml", &*fleet.scenario),
        File::new("inventory.ini", inventory),
        File::new("playbook.yml", playbook),
        File::new("ansible.cfg", config),
    ]
}

/// A play that merges what those words name.
fn merge(what: &str) -> String {
    format!(
        r#"
- name: Merge
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Merge
      ansible.builtin.shell:
        cmd: >-
          "${{LOADGEN:-/usr/local/bin/loadgen}}" merge {what}
          --out results/{{{{ run_id }}}}/whole
        chdir: "{{{{ playbook_dir }}}}"
      register: whole
      changed_when: true
      failed_when: false

    - name: Tell what became of it
      ansible.builtin.debug:
        msg: "{{{{ whole.stdout_lines + whole.stderr_lines }}}}"
      failed_when: whole.rc != 0
"#
    )
}

const GATHER: &str = r"
    - name: Pack the bundle
      ansible.builtin.command:
        cmd: tar -C results -cf bundle.tar .
        chdir: '{{ folder }}'
      changed_when: true

    - name: Bring it here
      ansible.builtin.fetch:
        src: '{{ folder }}/bundle.tar'
        dest: '{{ playbook_dir }}/results/{{ run_id }}/{{ inventory_hostname }}.tar'
        flat: true

    - name: Make a folder for it
      ansible.builtin.file:
        path: '{{ playbook_dir }}/results/{{ run_id }}/{{ inventory_hostname }}'
        state: directory
        mode: '0755'
      delegate_to: localhost

    - name: Unpack it
      ansible.builtin.unarchive:
        src: '{{ playbook_dir }}/results/{{ run_id }}/{{ inventory_hostname }}.tar'
        dest: '{{ playbook_dir }}/results/{{ run_id }}/{{ inventory_hostname }}'
      delegate_to: localhost
";
