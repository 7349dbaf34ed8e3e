//! What becomes of the properties of a Java client.

use super::*;
use crate::kafka::properties::{Origin, parse};

fn translated(text: &str) -> Translated {
    translate(parse(text.as_bytes(), "client.properties").unwrap(), false, |_| false).unwrap()
}

fn shown(text: &str) -> Vec<String> {
    translated(text).properties.into_iter().map(|p| format!("{}={}", p.key, p.value)).collect()
}

fn refusal(text: &str) -> (String, String) {
    let refused = translate(parse(text.as_bytes(), "client.properties").unwrap(), false, |_| false).unwrap_err();
    (format!("{} ({})", refused, refused.origin), refused.hint)
}

#[test]
fn both_clients_names_pass() {
    assert_eq!(
        shown("bootstrap.servers=a:1\nsecurity.protocol=SASL_SSL\nretries=3\nfetch.max.wait.ms=9\nclient.id=x"),
        ["bootstrap.servers=a:1", "security.protocol=SASL_SSL", "retries=3", "fetch.wait.max.ms=9", "client.id=x"]
    );
}

#[test]
fn a_jaas_entry_becomes_username_and_password() {
    for module in ["plain.PlainLoginModule", "scram.ScramLoginModule"] {
        let text = format!(
            "sasl.jaas.config=org.apache.kafka.common.security.{module} required \\\n  username=\"me\" \\\n  password=\"a b;\\\\\"c=\";"
        );
        assert_eq!(shown(&text), ["sasl.username=me", "sasl.password=a b;\"c="], "{module}");
    }
}

#[test]
fn a_jaas_entry_that_is_java_code_is_refused() {
    let (message, hint) = refusal("sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required;");
    assert_eq!(message, "sasl.jaas.config: Kerberos is not built into this program (client.properties line 1)");
    assert_eq!(hint, "use a SASL mechanism of PLAIN or SCRAM");
    let (message, hint) = refusal("sasl.jaas.config=x.PlainLoginModule required username=me;");
    assert_eq!(message, "sasl.jaas.config: PlainLoginModule has no password (client.properties line 1)");
    assert_eq!(hint, "write sasl.username and sasl.password instead");
    assert!(refusal("sasl.jaas.config=").0.contains("it names no login module"));
}

#[test]
fn no_refusal_shows_a_secret() {
    let (message, hint) = refusal("sasl.jaas.config=my.Module required username=\"u\" password=\"hunter2\";");
    assert!(!message.contains("hunter2") && !hint.contains("hunter2"), "{message}");
}

#[test]
fn pem_and_pkcs12_stores_are_translated() {
    assert_eq!(shown("ssl.truststore.location=/ca.pem\nssl.truststore.password=x"), ["ssl.ca.location=/ca.pem"]);
    assert_eq!(shown("ssl.truststore.location=/ca\nssl.truststore.type=PEM"), ["ssl.ca.location=/ca"]);
    assert_eq!(
        shown("ssl.keystore.location=/k.p12\nssl.keystore.password=x"),
        ["ssl.keystore.password=x", "ssl.keystore.location=/k.p12"]
    );
    assert_eq!(
        shown("ssl.keystore.type=PEM\nssl.keystore.location=/k.pem"),
        ["ssl.certificate.location=/k.pem", "ssl.key.location=/k.pem"]
    );
    assert_eq!(shown("ssl.truststore.certificates=C\nssl.keystore.key=K"), ["ssl.ca.pem=C", "ssl.key.pem=K"]);
}

#[test]
fn java_key_stores_are_refused_with_the_way_out() {
    let (message, hint) = refusal("a=b\nssl.truststore.location=/etc/trust.jks");
    assert_eq!(
        message,
        "ssl.truststore.location: JKS trust stores cannot be read, only PEM (client.properties line 2)"
    );
    assert!(hint.contains("keytool -exportcert -rfc"), "{hint}");
    let (message, _) = refusal("ssl.truststore.location=/t.p12");
    assert!(message.contains("PKCS12 trust stores cannot be read"), "{message}");
    let (message, hint) = refusal("ssl.keystore.location=/k\nssl.keystore.type=jks");
    assert!(message.contains("JKS key stores cannot be read, only PEM and PKCS12"), "{message}");
    assert!(hint.contains("-deststoretype PKCS12"), "{hint}");
}

#[test]
fn a_counterpart_makes_a_java_store_needless() {
    let jks = "ssl.truststore.location=/t.jks\nssl.keystore.location=/k.jks\n";
    let both = format!("{jks}ssl.ca.location=/ca.pem\nssl.certificate.location=/c.pem");
    assert_eq!(shown(&both), ["ssl.ca.location=/ca.pem", "ssl.certificate.location=/c.pem"]);
    let properties = parse(jks.as_bytes(), "f").unwrap();
    let elsewhere = |name: &str| matches!(name, "ssl.ca.pem" | "ssl.certificate.location");
    assert!(translate(properties, false, elsewhere).unwrap().properties.is_empty());
    assert_eq!(shown("sasl.jaas.config=my.Module;\nsasl.username=u\nsasl.password=p").len(), 2);
}

#[test]
fn java_only_properties_are_left_out_with_a_note() {
    let done = translated("key.serializer=x.StringSerializer\nmax.block.ms=1\nsasl.login.retry.backoff.ms=1");
    assert!(done.properties.is_empty());
    assert_eq!(done.notes[0], "key.serializer (client.properties line 1) has no effect: keys are written as UTF-8");
    assert_eq!(done.notes.len(), 3);
}

#[test]
fn what_loadgen_sets_is_left_out_of_a_file_and_refused_elsewhere() {
    let done = translated("group.id=live-group");
    assert!(done.properties.is_empty());
    assert_eq!(done.notes, ["group.id (client.properties line 1) is left out: --group joins a consumer group"]);
    let given = Property {
        key: "group.id".to_owned(),
        value: "live-group".to_owned(),
        origin: Origin::Setting("-X".to_owned()),
    };
    let refused = translate(vec![given], true, |_| false).unwrap_err();
    assert_eq!(refused.to_string(), "group.id: loadgen sets it by itself");
    assert_eq!(refused.hint, "--group joins a consumer group");
}

#[test]
fn java_classes_with_a_counterpart_are_named_by_it() {
    assert_eq!(
        shown("partitioner.class=org.apache.kafka.clients.producer.internals.DefaultPartitioner"),
        ["partitioner=murmur2_random"]
    );
    assert!(refusal("partitioner.class=my.Partitioner").0.contains("it names Java code"));
    assert_eq!(
        shown("partition.assignment.strategy=a.RangeAssignor, b.CooperativeStickyAssignor"),
        ["partition.assignment.strategy=range,cooperative-sticky"]
    );
    assert_eq!(shown("ssl.endpoint.identification.algorithm="), ["ssl.endpoint.identification.algorithm=none"]);
}

#[test]
fn values_of_config_providers_are_refused() {
    let (message, hint) = refusal("sasl.password=${file:/etc/secrets:password}");
    assert_eq!(message, "sasl.password: the value names a Java config provider (client.properties line 1)");
    assert_eq!(hint, "write the value itself, or give it as a variable");
}
