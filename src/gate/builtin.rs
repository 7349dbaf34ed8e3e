//! The gates that every run has unless they are turned off by name.

use std::fmt;

/// A gate that loadgen adds by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuiltIn {
    /// The classes of the ledger sum to the events scheduled.
    LedgerSums,
    /// No event was lost, damaged, doubled or reordered where that must not happen, and none's fate is unknown.
    NoViolation,
    /// What was expected downstream came out, as the input asks for it.
    ExpectationsMet,
    /// Neither broker nor client refused an event.
    NothingRefused,
    /// No transaction had to be aborted against the plan.
    NoForcedAborts,
    /// The generator sent on time.
    GeneratorOnTime,
    /// The generator offered the planned rate, but for what the cluster kept it waiting.
    GeneratorKeptRate,
    /// The generator had processors to run on.
    GeneratorHadCpu,
    /// The client's queue was not the limit while the broker acked promptly.
    ClientQueueHadRoom,
    /// No sample lay above a histogram's range.
    HistogramsInRange,
}

impl BuiltIn {
    /// Every one, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::LedgerSums,
        Self::NoViolation,
        Self::ExpectationsMet,
        Self::NothingRefused,
        Self::NoForcedAborts,
        Self::GeneratorOnTime,
        Self::GeneratorKeptRate,
        Self::GeneratorHadCpu,
        Self::ClientQueueHadRoom,
        Self::HistogramsInRange,
    ];

    /// Those that together ask whether the generator was the limit.
    pub const HEALTH: [Self; 5] = [
        Self::GeneratorOnTime,
        Self::GeneratorKeptRate,
        Self::GeneratorHadCpu,
        Self::ClientQueueHadRoom,
        Self::HistogramsInRange,
    ];

    /// The one word for all of [`BuiltIn::HEALTH`] when they are turned off.
    pub const HEALTH_NAME: &'static str = "generator_healthy";

    /// The name in reports, and by which it is turned off.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LedgerSums => "ledger_sums",
            Self::NoViolation => "no_violation",
            Self::ExpectationsMet => "expectations_met",
            Self::NothingRefused => "nothing_refused",
            Self::NoForcedAborts => "no_forced_aborts",
            Self::GeneratorOnTime => "generator_on_time",
            Self::GeneratorKeptRate => "generator_kept_rate",
            Self::GeneratorHadCpu => "generator_had_cpu",
            Self::ClientQueueHadRoom => "client_queue_had_room",
            Self::HistogramsInRange => "histograms_in_range",
        }
    }

    /// Whether it asks if the generator was the limit.
    #[must_use]
    pub fn is_about_health(self) -> bool {
        Self::HEALTH.contains(&self)
    }

    /// Those meant by `name`: one, or all of the generator's health.
    ///
    /// # Errors
    /// The nearest name.
    pub fn named(name: &str) -> Result<Vec<Self>, UnknownBuiltIn> {
        if name == Self::HEALTH_NAME {
            return Ok(Self::HEALTH.to_vec());
        }
        if let Some(found) = Self::ALL.into_iter().find(|known| known.as_str() == name) {
            return Ok(vec![found]);
        }
        let nearest = Self::ALL
            .into_iter()
            .map(Self::as_str)
            .chain([Self::HEALTH_NAME])
            .min_by_key(|known| strsim::damerau_levenshtein(known, name))
            .unwrap_or(Self::HEALTH_NAME);
        Err(UnknownBuiltIn { name: name.to_owned(), nearest })
    }
}

impl fmt::Display for BuiltIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no built-in gate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" is no built-in gate; the nearest name is \"{nearest}\"")]
pub struct UnknownBuiltIn {
    /// The name.
    pub name: String,
    /// The nearest that is one.
    pub nearest: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_gate_and_generator_healthy_means_all_of_its_parts() {
        for built_in in BuiltIn::ALL {
            assert_eq!(BuiltIn::named(built_in.as_str()), Ok(vec![built_in]));
        }
        assert_eq!(BuiltIn::named("generator_healthy"), Ok(BuiltIn::HEALTH.to_vec()));
        assert_eq!(
            BuiltIn::named("nothing_refuse").unwrap_err().to_string(),
            "\"nothing_refuse\" is no built-in gate; the nearest name is \"nothing_refused\""
        );
    }
}
