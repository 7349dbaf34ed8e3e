//! What can be set about fraud, and what is refused.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::super::ConfigError;

/// The largest share of the events: as many honest ones are left, so that there is something to tell them from.
pub const MOST_FRAUD: f64 = 0.5;

/// The widest spacing: the longest episode still fits into its block.
pub const MOST_SPACING: u32 = 1_000;

/// A kind of fraud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// 6 to 12 purchases of next to nothing, to see whether a card is good.
    CardTesting,
    /// 10 to 16 purchases at a pace that no person has.
    Velocity,
    /// Another device than the user's, and dear things bought at once.
    AccountTakeover,
    /// 1 to 3 purchases at a hundredth of the price, or of very many pieces.
    PriceAnomaly,
    /// 24 to 40 views, one item after another, at an even pace.
    BotBrowsing,
}

impl Pattern {
    /// Every pattern, in the order of reports.
    pub const ALL: [Self; 5] =
        [Self::CardTesting, Self::Velocity, Self::AccountTakeover, Self::PriceAnomaly, Self::BotBrowsing];

    /// The name in scenarios and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CardTesting => "card_testing",
            Self::Velocity => "velocity",
            Self::AccountTakeover => "account_takeover",
            Self::PriceAnomaly => "price_anomaly",
            Self::BotBrowsing => "bot_browsing",
        }
    }

    /// Position in [`Pattern::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The `[fraud]` of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FraudConfig {
    /// The share of all events that belong to an episode.
    #[serde(deserialize_with = "share")]
    pub rate: f64,
    /// How the fraudulent events are shared among patterns; all alike unless told.
    #[serde(default = "all_alike")]
    pub patterns: BTreeMap<Pattern, f64>,
    /// How many events of the whole run lie between two steps of an episode, on average; 50 unless told.
    #[serde(default = "usual_spacing")]
    pub spacing: u32,
    /// A topic that the truth is written to when the run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

fn all_alike() -> BTreeMap<Pattern, f64> {
    Pattern::ALL.into_iter().map(|pattern| (pattern, 1.0)).collect()
}

const fn usual_spacing() -> u32 {
    50
}

/// A share as a number or in percent.
fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
    }
    let text = match Written::deserialize(deserializer) {
        Ok(Written::Number(share)) => return Ok(share),
        Ok(Written::Text(text)) => text,
        Err(_) => return Err(D::Error::custom("rate is no share: write rate = \"0.5%\" or rate = 0.005")),
    };
    let percent = text.trim().strip_suffix('%').and_then(|percent| percent.trim().parse::<f64>().ok());
    percent
        .map(|percent| percent / 100.0)
        .ok_or_else(|| D::Error::custom(format!("\"{text}\" is no share: write rate = \"0.5%\" or rate = 0.005")))
}

impl FraudConfig {
    /// Of that share, all patterns alike.
    #[must_use]
    pub fn of(rate: f64) -> Self {
        Self { rate, patterns: all_alike(), spacing: usual_spacing(), topic: None }
    }

    /// Whether episodes can be made of it.
    ///
    /// # Errors
    /// A share that leaves no fraud or too few honest events, patterns that nothing would follow, a spacing out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let Self { rate, patterns, spacing, .. } = self;
        if !(*rate > 0.0 && *rate <= MOST_FRAUD) {
            return Err(ConfigError::FraudRate { rate: *rate });
        }
        if let Some((pattern, share)) = patterns.iter().find(|(_, share)| !(share.is_finite() && **share >= 0.0)) {
            return Err(ConfigError::FraudShare { pattern: *pattern, share: *share });
        }
        if patterns.values().sum::<f64>() <= 0.0 {
            return Err(ConfigError::NoFraudPattern);
        }
        if !(1..=MOST_SPACING).contains(spacing) {
            return Err(ConfigError::FraudSpacing { spacing: *spacing });
        }
        Ok(())
    }

    /// The share of the fraudulent events that each pattern has; sums to 1.
    pub(super) fn shares(&self) -> [f64; Pattern::ALL.len()] {
        let sum: f64 = self.patterns.values().sum();
        Pattern::ALL.map(|pattern| self.patterns.get(&pattern).copied().unwrap_or(0.0) / sum)
    }
}
