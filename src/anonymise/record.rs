//! Records of topics anonymised: their keys, and the JSON objects in their values.

use super::{AnonymiseError, Anonymiser, BodyError};
use crate::capture::Captured;
use crate::files::fields::Layout;

/// Why a record cannot be anonymised.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Its value is at fault.
    #[error("{topic} {partition} offset {offset}: {problem}: its fields cannot be found")]
    Value {
        /// Its topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// What is wrong with its value.
        problem: String,
    },
    /// The rules are.
    #[error(transparent)]
    Rules(#[from] AnonymiseError),
}

impl Anonymiser {
    /// The key of `record` as it is to be written, and in `value` and `headers` its value and its headers, packed.
    ///
    /// # Errors
    /// Where rules name fields and the value is no JSON object.
    pub fn record(
        &mut self,
        record: &Captured<'_>,
        value: &mut Vec<u8>,
        headers: &mut Vec<u8>,
    ) -> Result<Option<Vec<u8>>, RecordError> {
        value.clear();
        headers.clear();
        match record.value {
            Some(bytes) if self.reads_bodies() => {
                let failed = |problem: String| RecordError::Value {
                    topic: record.topic.to_owned(),
                    partition: record.partition,
                    offset: record.offset,
                    problem,
                };
                let text = std::str::from_utf8(bytes).map_err(|_| failed("no text".to_owned()))?;
                self.body(Layout::Json, text, value).map_err(|error| match error {
                    BodyError::Body(problem) => failed(problem.to_string()),
                    BodyError::Rules(error) => error.into(),
                })?;
            }
            Some(bytes) => value.extend_from_slice(bytes),
            None => {}
        }
        self.headers(record.headers, headers);
        let key = self.key(record.key);
        self.end_record();
        Ok(key)
    }
}
