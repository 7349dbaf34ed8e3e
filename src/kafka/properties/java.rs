//! Properties of the Java client in librdkafka's terms: translated, left out with a note, or refused with what to write.

use super::{Property, canonical};

/// A property that has no counterpart and cannot be left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct Refused {
    /// The property.
    pub key: String,
    /// Where it was written.
    pub origin: String,
    /// Why it cannot be used.
    pub reason: String,
    /// What to write instead.
    pub hint: String,
}

/// Properties in librdkafka's terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translated {
    /// The properties.
    pub properties: Vec<Property>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// Java-only properties that change nothing here, with why.
const WITHOUT_EFFECT: [(&str, &str); 27] = [
    ("key.serializer", "keys are written as UTF-8"),
    ("value.serializer", "bodies are written as JSON"),
    ("key.deserializer", "keys are read as UTF-8"),
    ("value.deserializer", "bodies are read as JSON"),
    ("buffer.memory", "the counterpart is queue.buffering.max.kbytes"),
    ("max.block.ms", "a full queue never blocks; events become late, and that is measured"),
    ("max.poll.records", "the verifier reads in batches of its own"),
    ("default.api.timeout.ms", "the counterpart is --connect-timeout"),
    ("exclude.internal.topics", "nothing is subscribed by pattern"),
    ("interceptor.classes", "it names Java code"),
    ("metric.reporters", "it names Java code"),
    ("metrics.num.samples", "it is about the Java client's metrics"),
    ("metrics.recording.level", "it is about the Java client's metrics"),
    ("metrics.sample.window.ms", "it is about the Java client's metrics"),
    ("auto.include.jmx.reporter", "it is about the Java client's metrics"),
    ("enable.metrics.push", "it is about the Java client's metrics"),
    ("partitioner.adaptive.partitioning.enable", "every event has a key, which decides its partition"),
    ("partitioner.availability.timeout.ms", "every event has a key, which decides its partition"),
    ("ssl.protocol", "OpenSSL chooses the version"),
    ("ssl.enabled.protocols", "OpenSSL chooses the version"),
    ("ssl.provider", "it names Java code"),
    ("ssl.secure.random.implementation", "it names Java code"),
    ("ssl.keymanager.algorithm", "it names Java code"),
    ("ssl.trustmanager.algorithm", "it names Java code"),
    ("security.providers", "it names Java code"),
    ("schema.registry.url", "bodies are plain JSON"),
    ("basic.auth.credentials.source", "bodies are plain JSON"),
];

/// Beginnings of names that change nothing here.
const FAMILIES_WITHOUT_EFFECT: [(&str, &str); 4] = [
    ("sasl.login.", "it is about the Java client's logins"),
    ("schema.registry.", "bodies are plain JSON"),
    ("confluent.monitoring.", "it names Java code"),
    ("basic.auth.user.info", "bodies are plain JSON"),
];

/// Java-only properties that would change what is done, with what to write instead.
const REFUSED: [(&str, &str, &str); 6] = [
    ("sasl.client.callback.handler.class", "it names Java code", "use a SASL mechanism of PLAIN or SCRAM"),
    ("sasl.login.callback.handler.class", "it names Java code", "use a SASL mechanism of PLAIN or SCRAM"),
    ("sasl.login.class", "it names Java code", "use a SASL mechanism of PLAIN or SCRAM"),
    (
        "ssl.engine.factory.class",
        "it names Java code",
        "give PEM files as ssl.ca.location, ssl.certificate.location and ssl.key.location",
    ),
    ("config.providers", "it names Java code", "write the values themselves, or give them as variables"),
    ("proxy.protocol.client.address", "the client has no proxy protocol", "leave it out"),
];

/// Properties that loadgen sets by itself, with the option that does.
const OWNED: [(&str, &str); 8] = [
    ("group.id", "--group joins a consumer group"),
    ("isolation.level", "--isolation sets it"),
    ("auto.offset.reset", "the verifier reads from where the run started, and never jumps"),
    ("enable.auto.commit", "the verifier commits nothing"),
    ("enable.auto.offset.store", "the verifier commits nothing"),
    ("enable.partition.eof", "the verifier needs it"),
    ("transactional.id", "events are sent outside of transactions"),
    ("enable.gapless.guarantee", "the ledger finds gaps"),
];

/// Translates `properties` of one place. In a file, what loadgen sets by itself is left out with a note, since the file
/// may serve other programs too; given for loadgen alone (`for_loadgen`) it is refused. What only Java has is passed over
/// where its counterpart is in `properties` too, or `settled` elsewhere.
///
/// # Errors
/// A property that can be neither translated nor left out.
pub fn translate(
    properties: Vec<Property>,
    for_loadgen: bool,
    settled: impl Fn(&str) -> bool,
) -> Result<Translated, Refused> {
    let mut stores = Stores::default();
    let mut done = Translated::default();
    let here: Vec<String> = properties.iter().map(|property| canonical(&property.key).to_owned()).collect();
    let settled = |name: &str| settled(name) || here.iter().any(|key| key == name);
    for property in properties {
        let Property { key, value, origin } = &property;
        let refused = |reason: &str, hint: &str| Refused {
            key: key.clone(),
            origin: origin.to_string(),
            reason: reason.to_owned(),
            hint: hint.to_owned(),
        };
        let name = canonical(key);
        if value.starts_with("${") && value.contains(':') && value.ends_with('}') {
            return Err(refused(
                "the value names a Java config provider",
                "write the value itself, or give it as a variable",
            ));
        }
        if let Some((_, reason, hint)) = REFUSED.iter().find(|(known, ..)| *known == name) {
            return Err(refused(reason, hint));
        }
        if let Some((_, why)) = OWNED.iter().find(|(known, _)| *known == name) {
            if for_loadgen {
                return Err(refused("loadgen sets it by itself", why));
            }
            done.notes.push(format!("{key} ({origin}) is left out: {why}"));
            continue;
        }
        let family = FAMILIES_WITHOUT_EFFECT.iter().find(|(start, _)| name.starts_with(start));
        if let Some((_, why)) = WITHOUT_EFFECT.iter().find(|(known, _)| *known == name).or(family) {
            done.notes.push(format!("{key} ({origin}) has no effect: {why}"));
            continue;
        }
        let as_name = |name: &str, value: &str| Property {
            key: name.to_owned(),
            value: value.to_owned(),
            origin: origin.clone(),
        };
        match name {
            "sasl.jaas.config" if settled("sasl.username") && settled("sasl.password") => {}
            "sasl.jaas.config" => {
                let settings = jaas(value).map_err(|(reason, hint)| refused(&reason, hint))?;
                done.properties.extend(settings.into_iter().map(|(name, value)| as_name(name, &value)));
            }
            "partitioner.class" if settled("partitioner") => {}
            "partitioner.class" => done.properties.push(as_name(
                "partitioner",
                partitioner(value).ok_or_else(|| {
                    refused(
                        "it names Java code",
                        "leave it out for Java's default, or set partitioner to one of librdkafka's",
                    )
                })?,
            )),
            "ssl.endpoint.identification.algorithm" if value.is_empty() => done.properties.push(as_name(name, "none")),
            "partition.assignment.strategy" => done.properties.push(as_name(name, &assignors(value))),
            _ if Stores::owns(name) => stores.take(property),
            _ => done.properties.push(as_name(name, value)),
        }
    }
    let trusted = settled("ssl.ca.location") || settled("ssl.ca.pem");
    let certified = settled("ssl.certificate.location") || settled("ssl.certificate.pem");
    stores.parts.retain(|part| {
        !(trusted && part.key.starts_with("ssl.truststore.") || certified && part.key.starts_with("ssl.keystore."))
    });
    done.properties.extend(stores.translate(&mut done.notes)?);
    Ok(done)
}

/// Java's partitioners that librdkafka has too.
fn partitioner(class: &str) -> Option<&'static str> {
    match class.rsplit('.').next()? {
        "DefaultPartitioner" => Some("murmur2_random"),
        _ => None,
    }
}

/// `org.apache.kafka.clients.consumer.RangeAssignor` as `range`.
fn assignors(classes: &str) -> String {
    let names = classes.split(',').map(|class| match class.trim().rsplit('.').next().unwrap_or_default() {
        "RangeAssignor" => "range",
        "RoundRobinAssignor" => "roundrobin",
        "CooperativeStickyAssignor" => "cooperative-sticky",
        _ => class.trim(),
    });
    names.collect::<Vec<_>>().join(",")
}

/// What a JAAS login module says, as properties.
fn jaas(config: &str) -> Result<Vec<(&'static str, String)>, (String, &'static str)> {
    const HINT: &str = "write sasl.username and sasl.password instead";
    let mut words = jaas_words(config).into_iter();
    let module = words.next().unwrap_or_default();
    let class = module.rsplit('.').next().unwrap_or_default();
    let options: Vec<(String, String)> = words
        .skip(1)
        .filter_map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    let option = |name: &str| options.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    match class {
        "PlainLoginModule" | "ScramLoginModule" => {
            let needed = |name: &str| option(name).ok_or_else(|| (format!("{class} has no {name}"), HINT));
            Ok(vec![("sasl.username", needed("username")?), ("sasl.password", needed("password")?)])
        }
        "Krb5LoginModule" => {
            Err(("Kerberos is not built into this program".to_owned(), "use a SASL mechanism of PLAIN or SCRAM"))
        }
        "OAuthBearerLoginModule" => {
            Err(("OAuth logins are not built into this program".to_owned(), "use a SASL mechanism of PLAIN or SCRAM"))
        }
        "" => Err(("it names no login module".to_owned(), HINT)),
        _ => Err((format!("{class} is Java code"), HINT)),
    }
}

/// The words of a JAAS entry up to the first `;`, quotes and escapes resolved.
fn jaas_words(config: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut rest = config.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(_), '\\') => word.extend(rest.next()),
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ';') => break,
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Key and trust stores: several properties that mean something together.
#[derive(Debug, Default)]
struct Stores {
    parts: Vec<Property>,
}

impl Stores {
    const NAMES: [&str; 8] = [
        "ssl.truststore.location",
        "ssl.truststore.type",
        "ssl.truststore.password",
        "ssl.truststore.certificates",
        "ssl.keystore.location",
        "ssl.keystore.type",
        "ssl.keystore.key",
        "ssl.keystore.certificate.chain",
    ];

    fn owns(name: &str) -> bool {
        Self::NAMES.contains(&name)
    }

    fn take(&mut self, property: Property) {
        self.parts.push(property);
    }

    fn part(&self, name: &str) -> Option<&Property> {
        self.parts.iter().find(|property| property.key == name)
    }

    /// The kind of a store: as said, or as the file's name says, or Java's default.
    fn kind(&self, location: &Property, type_key: &str) -> String {
        let said = self.part(type_key).map(|property| property.value.to_ascii_uppercase());
        said.unwrap_or_else(|| {
            let name = location.value.to_ascii_lowercase();
            let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
            if ends(&[".pem", ".crt", ".cer"]) {
                "PEM"
            } else if ends(&[".p12", ".pfx", ".pkcs12"]) {
                "PKCS12"
            } else {
                "JKS"
            }
            .to_owned()
        })
    }

    fn translate(&self, notes: &mut Vec<String>) -> Result<Vec<Property>, Refused> {
        let mut done = Vec::new();
        let rename = |property: &Property, name: &str| Property { key: name.to_owned(), ..property.clone() };
        let refused = |property: &Property, reason: String, hint: &str| Refused {
            key: property.key.clone(),
            origin: property.origin.to_string(),
            reason,
            hint: hint.to_owned(),
        };
        if let Some(location) = self.part("ssl.truststore.location") {
            match self.kind(location, "ssl.truststore.type").as_str() {
                "PEM" => done.push(rename(location, "ssl.ca.location")),
                kind => {
                    return Err(refused(
                        location,
                        format!("{kind} trust stores cannot be read, only PEM"),
                        "keytool -exportcert -rfc -keystore STORE -alias ALIAS -file ca.pem, then ssl.ca.location=ca.pem",
                    ));
                }
            }
            if let Some(password) = self.part("ssl.truststore.password") {
                notes.push(format!("{} ({}) has no effect: a PEM file has no password", password.key, password.origin));
            }
        }
        if let Some(location) = self.part("ssl.keystore.location") {
            match self.kind(location, "ssl.keystore.type").as_str() {
                "PEM" => {
                    done.push(rename(location, "ssl.certificate.location"));
                    done.push(rename(location, "ssl.key.location"));
                }
                "PKCS12" => done.push(location.clone()),
                kind => {
                    return Err(refused(
                        location,
                        format!("{kind} key stores cannot be read, only PEM and PKCS12"),
                        "keytool -importkeystore -srckeystore STORE -destkeystore store.p12 -deststoretype PKCS12, then ssl.keystore.location=store.p12",
                    ));
                }
            }
        }
        let inline = [
            ("ssl.truststore.certificates", "ssl.ca.pem"),
            ("ssl.keystore.key", "ssl.key.pem"),
            ("ssl.keystore.certificate.chain", "ssl.certificate.pem"),
        ];
        done.extend(inline.iter().filter_map(|(java, name)| self.part(java).map(|property| rename(property, name))));
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
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
}
