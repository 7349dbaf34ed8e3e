//! Transactions of a producer. What an error allows is as librdkafka says it (rdkafka.h, "Transactional producer API").

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka_sys::bindings as c;

use super::super::member::Member;
use super::super::partitions::PartitionList;
use super::super::{code, millis, raw, text};
use super::{Client, Producer};
use crate::kafka::{Code, Remedy, TransactionError};

impl Producer {
    /// Makes the producer ready for transactions: what an earlier one of the same `transactional.id` left open is aborted,
    /// and that one is fenced.
    ///
    /// # Errors
    /// Where the coordinator does not answer in time or refuses.
    pub fn init_transactions(&self, timeout: Duration) -> Result<(), TransactionError> {
        // SAFETY: the handle is live.
        ended(unsafe { c::rd_kafka_init_transactions(self.handle(), millis(timeout)) })
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// Where the one before has not ended, or the producer failed for good.
    pub fn begin_transaction(&self) -> Result<(), TransactionError> {
        // SAFETY: the handle is live.
        ended(unsafe { c::rd_kafka_begin_transaction(self.handle()) })
    }

    /// Makes a group's progress part of the transaction: how far its member has read each slot, and a number that is committed with it.
    ///
    /// # Errors
    /// Where the member is none of the group any more, or the coordinator does not take it within `wait`.
    pub fn send_offsets(
        &self,
        member: &Member,
        read: &[(i32, i64, i64)],
        wait: Duration,
    ) -> Result<(), TransactionError> {
        let known = || read.iter().filter(|(slot, ..)| member.place(*slot).is_some());
        let places = known()
            .filter_map(|(slot, offset, _)| member.place(*slot).map(|(topic, partition)| (topic, partition, *offset)));
        let refused = |text: String| TransactionError { code: Code::InvalidArgument, text, remedy: Remedy::Nothing };
        let list = PartitionList::new(places).map_err(|error| refused(error.to_string()))?;
        list.set_notes(known().map(|(.., note)| *note));
        let group = member.group_metadata();
        if group.is_null() {
            return Err(refused("the reader is in no group".to_owned()));
        }
        // SAFETY: handle, list and the group's metadata are live; the call copies both, and the metadata are ours to destroy.
        let error = unsafe {
            let error = c::rd_kafka_send_offsets_to_transaction(self.handle(), list.0.as_ptr(), group, millis(wait));
            c::rd_kafka_consumer_group_metadata_destroy(group);
            error
        };
        ended(error)
    }

    /// Commits, trying for at most `wait`. Delivery reports must have been served: it waits for each.
    ///
    /// # Errors
    /// Where it is not known to be committed.
    pub fn commit_transaction(&self, wait: Duration) -> Result<(), TransactionError> {
        // SAFETY: the handle is live.
        self.unfinished.resumed(ended(unsafe { c::rd_kafka_commit_transaction(self.handle(), millis(wait)) }))
    }

    /// Aborts, trying for at most `wait`. What was still queued is purged, and gets its delivery reports.
    ///
    /// # Errors
    /// Where it is not known to be aborted.
    pub fn abort_transaction(&self, wait: Duration) -> Result<(), TransactionError> {
        // SAFETY: the handle is live.
        self.unfinished.resumed(ended(unsafe { c::rd_kafka_abort_transaction(self.handle(), millis(wait)) }))
    }

    /// Sends what is queued whatever `linger.ms` says, for at most `wait` or until there is a report for each.
    pub fn flush(&self, wait: Duration) {
        // SAFETY: the handle is live. Says that time is up or nothing: the reports tell the rest.
        unsafe { raw::rd_kafka_flush(self.handle(), millis(wait)) };
    }

    const fn handle(&self) -> *mut c::rd_kafka_t {
        let Client { handle, .. } = &self.client;
        handle.as_ptr()
    }
}

/// Whether the last try to end a transaction was over before that had ended: the next one goes on from there.
#[derive(Debug, Default)]
pub(super) struct Unfinished(AtomicBool);

impl Unfinished {
    /// What a try came to that may go on from an earlier one. librdkafka has one place for the results of all steps of a call
    /// (`txn_curr_api` in `rdkafka_txnmgr.c`): the late result of a step of the earlier call passes for that of a later step of
    /// this one, whose next step then finds the transaction half ended. That is no failure: it goes on, and is to be tried again.
    fn resumed(&self, ended: Result<(), TransactionError>) -> Result<(), TransactionError> {
        let ended = ended.map_err(|error| match error.code {
            Code::State if self.0.load(Ordering::Relaxed) => TransactionError { remedy: Remedy::Again, ..error },
            _ => error,
        });
        self.0.store(ended.as_ref().is_err_and(|error| error.remedy == Remedy::Again), Ordering::Relaxed);
        ended
    }
}

/// Takes an error object of librdkafka's.
fn ended(error: *mut c::rd_kafka_error_t) -> Result<(), TransactionError> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: not null, so it is an error object, which is ours and live until it is destroyed here; its text is copied.
    unsafe {
        let remedy = if c::rd_kafka_error_is_fatal(error) != 0 {
            Remedy::Nothing
        } else if c::rd_kafka_error_txn_requires_abort(error) != 0 {
            Remedy::Abort
        } else if c::rd_kafka_error_is_retriable(error) != 0 {
            Remedy::Again
        } else {
            Remedy::Nothing
        };
        let told = TransactionError {
            code: code(raw::rd_kafka_error_code(error)),
            text: text(c::rd_kafka_error_string(error)),
            remedy,
        };
        c::rd_kafka_error_destroy(error);
        Err(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_found_half_ended_goes_on_only_after_a_try_that_was_too_short() {
        let error = |code, remedy| Err(TransactionError { code, text: String::new(), remedy });
        let found = || error(Code::State, Remedy::Nothing);
        let remedy = |told: Result<(), TransactionError>| told.map_err(|error| error.remedy);
        let unfinished = Unfinished::default();
        assert_eq!(remedy(unfinished.resumed(found())), Err(Remedy::Nothing), "nothing came before");
        assert_eq!(remedy(unfinished.resumed(error(Code::OperationTimedOut, Remedy::Again))), Err(Remedy::Again));
        for _ in 0..2 {
            assert_eq!(remedy(unfinished.resumed(found())), Err(Remedy::Again));
        }
        assert_eq!(remedy(unfinished.resumed(Ok(()))), Ok(()));
        assert_eq!(remedy(unfinished.resumed(found())), Err(Remedy::Nothing), "what came before has ended");
    }
}
