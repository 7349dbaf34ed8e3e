//! Answers that came at once, counted at once.

use super::Shard;
use crate::clock::Nanos;
use crate::event::catalogue::TypeIndex;
use crate::report::latency::Kind;

/// Answers that came at once. Many of those to one batch have the same latency, which is looked up once for all of them:
/// [`Shard::count`] is to be called at the end.
#[derive(Debug, Default)]
#[must_use = "what it holds is not counted yet"]
pub struct AnswerBatch {
    service: Run,
    response: Run,
    /// Types share these by their place in the catalogue.
    types: [Run; 8],
}

/// The same latency of one phase or one type, some times over.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    index: usize,
    latency: Nanos,
    times: u64,
}

impl Run {
    /// Once more; what it was until now, where that is another one.
    fn goes_on(&mut self, index: usize, latency: Nanos) -> Option<Self> {
        if (self.index, self.latency) == (index, latency) {
            self.times += 1;
            return None;
        }
        Some(std::mem::replace(self, Self { index, latency, times: 1 }))
    }
}

impl Shard {
    /// An event of that phase and type was confirmed.
    pub fn record_answer(
        &mut self,
        batch: &mut AnswerBatch,
        phase: usize,
        kind: TypeIndex,
        service: Nanos,
        response: Nanos,
    ) {
        if let Some(run) = batch.service.goes_on(phase, service) {
            self.count_of_phase(Kind::ServiceTime, run);
        }
        if let Some(run) = batch.response.goes_on(phase, response) {
            self.count_of_phase(Kind::ResponseTime, run);
        }
        let kind = kind.index();
        if phase >= self.warm_ups
            && let Some(run) = batch.types[kind % batch.types.len()].goes_on(kind, response)
        {
            self.count_of_type(run);
        }
    }

    /// Counts what is left of answers that came at once.
    pub fn count(&mut self, batch: &AnswerBatch) {
        let AnswerBatch { service, response, types } = batch;
        self.count_of_phase(Kind::ServiceTime, *service);
        self.count_of_phase(Kind::ResponseTime, *response);
        for run in types {
            self.count_of_type(*run);
        }
    }

    fn count_of_phase(&mut self, kind: Kind, Run { index, latency, times }: Run) {
        if let Some(of_phase) = self.phases.get_mut(index).filter(|_| times > 0) {
            of_phase.latency_mut(kind).record_many(latency, times);
        }
    }

    fn count_of_type(&mut self, Run { index, latency, times }: Run) {
        if let Some(of_type) = self.kinds.get_mut(index).filter(|_| times > 0) {
            of_type.response_time.record_many(latency, times);
        }
    }
}
