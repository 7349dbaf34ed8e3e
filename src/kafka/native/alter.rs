//! Changing single settings of a topic and leaving all others as they are (KIP-339). The admin client of rust-rdkafka has only
//! the older call, which takes back every setting that is not named.

use std::ffi::{CStr, CString};
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka_sys::bindings as c;

use super::super::{Code, KafkaError, Settings};
use super::admin::Options;
use super::{Client, code, last_code, raw, slice, text};

/// The longest wait for one event of the client.
const TURN: Duration = Duration::from_millis(100);

/// A client that changes settings of topics.
#[derive(Debug)]
pub struct Alterer(Client);

/// A topic and what is to be set. Destroyed with its owner.
struct Resource(NonNull<c::rd_kafka_ConfigResource_t>);

impl Drop for Resource {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nothing uses it afterwards: librdkafka copies what it is given.
        unsafe { c::rd_kafka_ConfigResource_destroy(self.0.as_ptr()) }
    }
}

impl Alterer {
    /// A client with these settings. Nothing is connected to yet.
    ///
    /// # Errors
    /// Settings that the client refuses.
    pub fn new(settings: &Settings) -> Result<Self, KafkaError> {
        Client::new(c::rd_kafka_type_t::RD_KAFKA_PRODUCER, settings, c::RD_KAFKA_EVENT_ERROR).map(Self)
    }

    /// Sets these settings of a topic, and leaves all others as they are.
    ///
    /// # Errors
    /// Where the cluster refuses, or does not answer within `timeout`.
    pub fn alter(&self, topic: &str, settings: &Settings, timeout: Duration) -> Result<(), KafkaError> {
        let what = || {
            let names: Vec<&str> = settings.keys().map(String::as_str).collect();
            format!("setting {} of topic \"{topic}\"", names.join(", "))
        };
        let refused = |code| KafkaError::Refused { what: what(), code };
        let resource = resource(topic, settings)?.ok_or_else(|| refused(last_code()))?;
        let call = c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS;
        let options = Options::new(&self.0, call, timeout).ok_or_else(|| refused(Code::InvalidArgument))?;
        let mut resources = [resource.0.as_ptr()];
        // SAFETY: client, resource, options and queue are live; the array holds as many resources as stated and is only read.
        unsafe {
            c::rd_kafka_IncrementalAlterConfigs(
                self.0.handle.as_ptr(),
                resources.as_mut_ptr(),
                resources.len(),
                options.0.as_ptr(),
                self.0.events.as_ptr(),
            );
        }
        // The client answers by itself when its own time-out has passed; this bound is for the case that it does not.
        for _turn in 0..timeout.as_millis() / TURN.as_millis() + 50 {
            let Some(event) = self.0.event(TURN) else { continue };
            if event.kind() != c::RD_KAFKA_EVENT_INCREMENTALALTERCONFIGS_RESULT {
                continue;
            }
            // SAFETY: the event is live and of that type; its resources live as long as it, and are only read.
            let answers = unsafe {
                let failed = code(raw::rd_kafka_event_error(event.0.as_ptr()));
                if failed != Code::NoError {
                    return Err(refused(failed));
                }
                let result = c::rd_kafka_event_IncrementalAlterConfigs_result(event.0.as_ptr());
                let mut count = 0;
                let first = c::rd_kafka_IncrementalAlterConfigs_result_resources(result, &raw mut count);
                let found = slice(first, i32::try_from(count).unwrap_or(0));
                let of = |resource: &*const c::rd_kafka_ConfigResource_t| {
                    (
                        code(raw::rd_kafka_ConfigResource_error(*resource)),
                        text(c::rd_kafka_ConfigResource_error_string(*resource)),
                    )
                };
                found.iter().map(of).collect::<Vec<_>>()
            };
            return match answers.into_iter().next() {
                Some((Code::NoError, _)) => Ok(()),
                Some((code, words)) if words.is_empty() => Err(refused(code)),
                Some((code, words)) => Err(KafkaError::Refused { what: format!("{} ({words})", what()), code }),
                None => Err(refused(Code::Unknown)),
            };
        }
        Err(refused(Code::OperationTimedOut))
    }
}

/// A topic with what is to be set; `None` where librdkafka does not take it.
fn resource(topic: &str, settings: &Settings) -> Result<Option<Resource>, KafkaError> {
    let c_string = |text: &str| CString::new(text).map_err(|_| KafkaError::Nul(text.to_owned()));
    let name = c_string(topic)?;
    let kind = c::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
    // SAFETY: the name lives during the call and is copied by it; what is returned is ours.
    let Some(resource) = NonNull::new(unsafe { c::rd_kafka_ConfigResource_new(kind, name.as_ptr()) }).map(Resource)
    else {
        return Ok(None);
    };
    for (key, value) in settings {
        let (key, value) = (c_string(key)?, c_string(value)?);
        if !add(&resource, &key, &value) {
            return Ok(None);
        }
    }
    Ok(Some(resource))
}

fn add(resource: &Resource, key: &CStr, value: &CStr) -> bool {
    let set = c::rd_kafka_AlterConfigOpType_t::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET;
    // SAFETY: resource, key and value live during the call, which copies them; an error object returned is ours.
    unsafe {
        let error =
            c::rd_kafka_ConfigResource_add_incremental_config(resource.0.as_ptr(), key.as_ptr(), set, value.as_ptr());
        if !error.is_null() {
            c::rd_kafka_error_destroy(error);
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_cluster_that_does_not_answer_is_told_within_the_time() {
        let alterer = Alterer::new(&settings(&[("bootstrap.servers", "127.0.0.1:1")])).unwrap();
        let error = alterer
            .alter("t", &settings(&[("retention.ms", "5")]), Duration::from_millis(100))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("setting retention.ms of topic \"t\": "), "{error}");
    }

    #[test]
    fn a_name_that_cannot_be_passed_on_is_an_error() {
        assert!(matches!(resource("a\0b", &Settings::new()), Err(KafkaError::Nul(_))));
        assert!(resource("", &Settings::new()).is_ok_and(|resource| resource.is_none()));
    }
}
