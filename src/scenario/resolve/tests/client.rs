//! The Kafka client and its cluster: properties by level, brokers, credentials, groups, transactions.

use super::*;

#[test]
fn weak_acks_switch_idempotence_off_unless_both_are_asked_for() {
    let idempotence = |words: &str, process: &[(&str, &str)]| {
        let client = resolved(words, process, &[]).unwrap().plan.run.kafka.client;
        (client["acks"].clone(), client["enable.idempotence"].clone())
    };
    let pair = |acks: &str, idempotence: &str| (acks.to_owned(), idempotence.to_owned());
    assert_eq!(idempotence("synth", &[]), pair("all", "true"));
    assert_eq!(idempotence("synth --acks 1", &[]), pair("1", "false"));
    assert_eq!(idempotence("synth -X request.required.acks=0", &[]), pair("0", "false"));
    assert_eq!(idempotence("synth --acks 1 --idempotence=false", &[]), pair("1", "false"));
    assert_eq!(idempotence("synth -X acks=-1", &[]), pair("-1", "true"));
    assert_eq!(idempotence("synth --acks 1", &[("LOADGEN_IDEMPOTENCE", "yes")]), pair("1", "false"));
    assert_eq!(idempotence("synth --idempotence", &[("LOADGEN_ACKS", "1")]), pair("all", "true"));
    let both = error("synth --acks 1 --idempotence", &[], &[]);
    assert_eq!(
        both.to_string(),
        "client property enable.idempotence (--idempotence): idempotence needs acks=all, but acks=1 (--acks) is asked for too"
    );
    assert_eq!(
        both.hint().as_deref(),
        Some("leave one of them out: acks=0 and acks=1 switch idempotence off by themselves")
    );
    assert_eq!(both.exit_code(), ExitCode::BadConfiguration);
}

#[test]
fn properties_merge_by_name_and_level() {
    let process = [
        ("KAFKA_BROKERS", "k:1"),
        ("LOADGEN_COMMAND_PROPERTY", "client.id=env\nlinger.ms=7"),
        ("SASL_USERNAME", "me"),
        ("SECURITY_PROTOCOL", "sasl_ssl"),
    ];
    let resolved =
        resolved("synth -X client.id=option -X client.id=last", &process, &[("SASL_USERNAME", "you")]).unwrap();
    let client = &resolved.plan.run.kafka.client;
    assert_eq!(client["client.id"], "last");
    assert_eq!(client["linger.ms"], "7");
    assert_eq!(client["sasl.username"], "me");
    assert_eq!(resolved.plan.run.kafka.bootstrap.as_deref(), Some("k:1"));
    assert!(!client.contains_key("bootstrap.servers"));
    let dump = resolved.client.dump();
    assert!(
        dump.contains("client.id = last  # -X\n") || dump.contains("client.id = last  # --command-property\n"),
        "{dump}"
    );
    assert!(dump.contains("bootstrap.servers = k:1  # KAFKA_BROKERS\n"), "{dump}");
    assert!(dump.contains("acks = all  # the defaults\n"), "{dump}");
}

#[test]
fn an_option_and_a_property_of_one_level_may_not_contradict_each_other() {
    let contradiction = error("synth --acks all -X acks=1", &[], &[]);
    assert_eq!(
        contradiction.to_string(),
        "--acks acks=all and --command-property acks=1 exclude each other, and the command line has both"
    );
    assert_eq!(plan("synth --acks all -X acks=all").run.kafka.client["acks"], "all");
    let levels = resolved("synth -X acks=1", &[("LOADGEN_ACKS", "all")], &[]).unwrap();
    assert_eq!(levels.plan.run.kafka.client["acks"], "1");
}

#[test]
fn brokers_that_cannot_be_are_refused() {
    for (servers, reason) in [
        ("localhost:abc", "\"localhost:abc\" has no port from 1 to 65535"),
        ("a:1,b:0", "\"b:0\" has no port from 1 to 65535"),
        ("[::1]:99999", "\"[::1]:99999\" has no port from 1 to 65535"),
        (",", "it names no broker"),
        ("http://127.0.0.1:9092", "\"http://127.0.0.1:9092\" is no address of a Kafka broker"),
        ("a:1,https://b", "\"https://b\" is no address of a Kafka broker"),
        ("me:hunter2@a:1", "a broker's address has no user and no password in it"),
    ] {
        let refused = error(&format!("synth -b {servers}"), &[], &[]);
        assert_eq!(refused.to_string(), format!("client property bootstrap.servers (--bootstrap-server): {reason}"));
    }
    for servers in ["localhost", "a:1,b:2", "[::1]:9092", "[::1]", "PLAINTEXT://a:9092"] {
        assert_eq!(plan(&format!("synth -b {servers}")).run.kafka.bootstrap.as_deref(), Some(servers));
    }
}

#[test]
fn a_file_of_java_settings_gives_way_to_options_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("java.properties");
    std::fs::write(&path, "enable.idempotence=true\nsecurity.protocol=SSL\nssl.truststore.location=/t.jks\n").unwrap();
    let words = format!("synth -b k:1 --command-config {} --acks 1 -X ssl.ca.location=/ca.pem", path.display());
    let resolved = resolved(&words, &[], &[]).unwrap();
    let client = &resolved.plan.run.kafka.client;
    assert_eq!((client["acks"].as_str(), client["enable.idempotence"].as_str()), ("1", "false"));
    assert_eq!(client["ssl.ca.location"], "/ca.pem");
    assert_eq!(resolved.warnings.len(), 1, "{:?}", resolved.warnings);
}

#[test]
fn a_file_that_a_stronger_level_displaces_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.properties");
    std::fs::write(&path, "client.id=mine\n").unwrap();
    let words = format!("synth --command-config {}", path.display());
    let plan = resolved(&words, &[("LOADGEN_COMMAND_CONFIG", "/nonexistent")], &[]).unwrap().plan;
    assert_eq!(plan.run.kafka.client["client.id"], "mine");
    assert!(error("synth", &[("LOADGEN_COMMAND_CONFIG", "/nonexistent")], &[]).to_string().contains("/nonexistent"));
}

#[test]
fn a_properties_file_yields_to_options_and_variables_of_its_level() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.properties");
    std::fs::write(&path, "bootstrap.servers=file:1\nlinger.ms=9\nacks=1\ngroup.id=live\nkey.serializer=x\n").unwrap();
    let words = format!("synth --command-config {} -X linger.ms=0", path.display());
    let resolved = resolved(&words, &[("LOADGEN_ACKS", "all")], &[]).unwrap();
    assert_eq!(resolved.plan.run.kafka.bootstrap.as_deref(), Some("file:1"));
    assert_eq!(resolved.plan.run.kafka.client["linger.ms"], "0");
    assert_eq!(resolved.plan.run.kafka.client["acks"], "1", "an option's file beats a variable");
    assert_eq!(resolved.plan.run.verify.unwrap().group, None, "a file's group is never joined");
    assert_eq!(resolved.warnings.len(), 2, "{:?}", resolved.warnings);
}

#[test]
fn headers_add_up_and_leave_the_ids_alone() {
    let text = "[kafka.headers]\norigin = \"file\"\nzone = 7\n[source]\nkind = \"synthetic\"\n[[phase]]\nschedule = \"constant\"\nrate = 5\n";
    let plan = run_of(text, "--header origin=option --header trace=a=b", &[]).unwrap().plan;
    let headers = [("origin", "option"), ("trace", "a=b"), ("zone", "7")];
    assert_eq!(plan.run.kafka.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.toml");
    let events = "[t]\nid = { header = \"origin\" }\nkey = \"k\"\n[t.fields]\nk = \"email\"\n";
    std::fs::write(&path, events).unwrap();
    let refused = error(&format!("synth --events {} --header origin=x", path.display()), &[], &[]);
    assert!(refused.to_string().starts_with("the header \"origin\" holds the ids of events"), "{refused}");
}

#[test]
fn a_group_of_the_environment_is_watched_and_never_joined() {
    let plan = resolved("synth", &[("CONSUMER_GROUP_ID", "live")], &[]).unwrap().plan;
    assert_eq!(plan.run.kafka.lag_group.as_deref(), Some("live"));
    assert_eq!(plan.run.verify.unwrap().group, None);
}

#[test]
fn the_embedded_broker_can_be_asked_for_over_a_variable() {
    let variables = [("KAFKA_BROKERS", "k:1"), ("SASL_USERNAME", "me")];
    let resolved = resolved("synth -b embedded", &variables, &[]).unwrap();
    assert_eq!(resolved.plan.run.kafka.bootstrap, None);
    assert!(!resolved.plan.run.kafka.client.contains_key("sasl.username"));
    assert_eq!(resolved.warnings, ["the embedded broker has no logins, so these have no effect: sasl.username"]);
}

#[test]
fn credentials_that_would_not_be_used_are_refused() {
    let error = error("synth -b k:1", &[("SASL_USERNAME", "me"), ("SASL_PASSWORD", "hunter2")], &[]);
    assert_eq!(
        error.to_string(),
        "client property sasl.username (SASL_USERNAME): without security.protocol there is no login, the connection is plain"
    );
    assert!(error.hint().unwrap().contains("SECURITY_PROTOCOL"));
}

#[test]
fn tls_that_would_not_be_used_is_refused() {
    let certificate = [("SSL_CA_LOCATION", "ca.pem"), ("SSL_CERT_LOCATION", "c.pem"), ("SSL_KEY_LOCATION", "c.key")];
    let refused = error("synth -b k:1", &certificate, &[]);
    assert_eq!(
        refused.to_string(),
        "client property ssl.ca.location (SSL_CA_LOCATION): without security.protocol there is no TLS, the connection is plain"
    );
    assert!(error("synth -b k:1 -X ssl.key.location=c.key", &[], &[]).hint().unwrap().contains("SECURITY_PROTOCOL"));
    assert!(resolved("synth -b k:1 -X security.protocol=plaintext -X ssl.ca.location=ca.pem", &[], &[]).is_ok());
    assert!(resolved("synth -b k:1 -X security.protocol=ssl", &certificate, &[]).is_ok());
    assert!(resolved("synth", &certificate, &[]).is_ok(), "the embedded broker leaves them out, and says so");
}

#[test]
fn what_is_no_property_is_refused_without_being_shown() {
    let refused = error("synth -X sasl.password.hunter2", &[], &[]);
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
    let misspelt = "synth -b k:1 -X sasl.pasword=hunter2 -X security.protocol=plaintext";
    let dump = resolved(misspelt, &[], &[]).unwrap().client.dump();
    assert!(dump.contains("sasl.pasword") && !dump.contains("hunter2"), "{dump}");
}

#[test]
fn transactions_need_what_they_promise() {
    let clustered = |words: &str| resolved(&format!("synth -b k:1 {words}"), &[], &[]);
    let plan = clustered("--transactional --txn-size 50 --txn-abort-rate 0.3").unwrap().plan;
    let transactions = plan.run.transactions.unwrap();
    assert_eq!((transactions.size, transactions.abort_rate.to_bits()), (50, 0.3_f64.to_bits()));
    assert_eq!(
        plan.run.verify.unwrap().back.isolation,
        Isolation::ReadCommitted,
        "on a cluster, unless told otherwise"
    );
    let default = clustered("--transactional").unwrap();
    assert_eq!(default.plan.run.transactions.unwrap().size, 100);
    assert_eq!(clustered("").unwrap().plan.run.transactions, None);
    let uncommitted = clustered("--transactional --isolation read_uncommitted").unwrap().plan;
    assert_eq!(uncommitted.run.verify.unwrap().back.isolation, Isolation::ReadUncommitted);
    assert_eq!(plan_of_embedded().run.verify.unwrap().back.isolation, Isolation::ReadUncommitted);
    for (words, message) in [
        ("-b k:1 --transactional --acks 1", "transactions need acks=all, and acks=1 is asked for"),
        ("-b k:1 --transactional --idempotence=false", "transactions need idempotence, and it is switched off"),
        ("-b k:1 --transactional -X max.in.flight=6", "transactions allow 5 requests in flight, and 6 are asked for"),
        ("-b k:1 --txn-size 5", "--txn-size is for transactions, and there are none"),
        (
            "--transactional --txn-abort-rate 0.1 --isolation read_committed",
            "the embedded broker cannot hide aborted events from a reader: it writes no markers",
        ),
    ] {
        let refused = error(&format!("synth {words}"), &[], &[]);
        assert_eq!(refused.to_string(), message);
        assert_eq!(refused.exit_code(), ExitCode::BadConfiguration);
    }
    let again = Scenario::parse(&default.scenario.to_toml().unwrap(), Path::new("scenario.toml")).unwrap();
    assert_eq!(again.settings.target.transactions, default.scenario.settings.target.transactions);
}

#[test]
fn rebalances_are_not_forced_where_a_group_never_comes_out_of_one() {
    let forced = "--group g --chaos-rebalance 1s";
    let refused = error(&format!("synth {forced}"), &[], &[]);
    assert_eq!(
        refused.to_string(),
        "--chaos-rebalance does not apply: the embedded broker's groups never come out of a rebalance"
    );
    assert_eq!(refused.exit_code(), ExitCode::BadConfiguration);
    plan(&format!("synth -b k:1 {forced}"));
}

fn plan_of_embedded() -> Plan {
    plan("synth --transactional --txn-abort-rate 0.1")
}
