//! Properties of the Java client in librdkafka's terms: translated, left out with a note, or refused with what to write.

mod jaas;
mod known;
mod stores;
#[cfg(test)]
mod tests;

use super::{Property, canonical};
use jaas::jaas;
use known::{FAMILIES_WITHOUT_EFFECT, OWNED, REFUSED, WITHOUT_EFFECT};
use stores::Stores;

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

/// Whether the Java client has a property of that name whose value is no secret.
pub(super) fn knows(key: &str) -> bool {
    const STORES: [&str; 4] =
        ["ssl.keystore.location", "ssl.keystore.type", "ssl.truststore.location", "ssl.truststore.type"];
    STORES.contains(&key)
        || WITHOUT_EFFECT.iter().any(|(known, _)| *known == key)
        || REFUSED.iter().any(|(known, ..)| *known == key)
}

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
    stores.leave_out(trusted, certified);
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
