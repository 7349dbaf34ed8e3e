//! What can be wrong with JSON.

use serde_json::{Map, Value};

use crate::selftest::fault::Fault;

/// The text of an event with that fault; `None` where it is none of JSON's own.
pub(super) fn forged(fault: Fault, text: &[u8]) -> Option<Vec<u8>> {
    match fault {
        Fault::NotUtf8 => {
            let lead = b"\"event_type\":\"";
            let at = text.windows(lead.len()).position(|window| window == lead)? + lead.len();
            let mut text = text.to_vec();
            *text.get_mut(at)? = 0xFF;
            Some(text)
        }
        Fault::NotJson => Some([text.get(..text.len().checked_sub(1)?)?, b"]"].concat()),
        Fault::MissingField => {
            let mut fields = fields(text)?;
            fields.remove("timestamp")?;
            serde_json::to_vec(&fields).ok()
        }
        Fault::WrongType => {
            let mut fields = fields(text)?;
            *fields.get_mut("timestamp")? = Value::from("yesterday");
            serde_json::to_vec(&fields).ok()
        }
        // In lines, and the last field first.
        Fault::ReEncoded => {
            let turned: Map<String, Value> = fields(text)?.into_iter().rev().collect();
            serde_json::to_vec_pretty(&turned).ok()
        }
        _ => None,
    }
}

fn fields(text: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(text).ok()
}
