//! What is known beforehand of files that well-known programs write.

use serde::{Deserialize, Serialize};

use super::fields::Layout;
use super::time::TimeFormat;

/// A shape that well-known programs write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Calls of Segment and `RudderStack` as NDJSON ("Spec: Common fields").
    Segment,
    /// `CloudEvents` 1.0 in its JSON format, one on each line.
    Cloudevents,
    /// Snowplow's enriched events.
    Snowplow,
    /// Common or Combined Log Format.
    AccessLog,
}

/// Whose time one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// The device's, when the event happened.
    Created,
    /// The device's, when it sent the event.
    Sent,
    /// The server's, when it received the event.
    Received,
    /// The time of the event on the server's clock: received - (sent - created).
    Corrected,
}

impl Clock {
    /// The name in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Corrected => "corrected",
        }
    }
}

impl Preset {
    /// The name of its option.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Cloudevents => "cloudevents",
            Self::Snowplow => "snowplow",
            Self::AccessLog => "access-log",
        }
    }

    /// How its fields lie.
    pub(super) const fn layout(self) -> Layout {
        match self {
            Self::Segment | Self::Cloudevents => Layout::Json,
            Self::Snowplow => Layout::Snowplow,
            Self::AccessLog => Layout::AccessLog,
        }
    }

    /// Its clocks and their fields. The first one drives a replay where nobody says another: what reached the server when is the
    /// load that the server had.
    pub(super) const fn clocks(self) -> &'static [(Clock, &'static str)] {
        match self {
            Self::Segment => &[
                (Clock::Received, "receivedAt"),
                (Clock::Sent, "sentAt"),
                (Clock::Created, "originalTimestamp"),
                (Clock::Corrected, "timestamp"),
            ],
            Self::Cloudevents => &[(Clock::Created, "time")],
            Self::Snowplow => &[
                (Clock::Received, "collector_tstamp"),
                (Clock::Sent, "dvce_sent_tstamp"),
                (Clock::Created, "dvce_created_tstamp"),
                (Clock::Corrected, "derived_tstamp"),
            ],
            Self::AccessLog => &[(Clock::Received, "time")],
        }
    }

    /// How its times are written.
    pub(super) fn time_format(self) -> TimeFormat {
        match self {
            Self::Segment | Self::Cloudevents | Self::Snowplow => TimeFormat::Rfc3339,
            Self::AccessLog => TimeFormat::Pattern("%d/%b/%Y:%H:%M:%S %z".to_owned()),
        }
    }

    /// Whether its times are UTC though they have no offset, because its makers say so.
    pub(super) const fn is_utc(self) -> bool {
        matches!(self, Self::Snowplow)
    }

    /// The fields of which the first one that a row has is its key.
    pub(super) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Segment => &["userId", "anonymousId"],
            // The Kafka binding takes the extension partitionkey for the key.
            Self::Cloudevents => &["partitionkey", "subject", "source"],
            Self::Snowplow => &["domain_userid", "user_id", "network_userid"],
            Self::AccessLog => &["host"],
        }
    }

    /// The field with the type.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Segment | Self::Cloudevents => "type",
            Self::Snowplow => "event_name",
            Self::AccessLog => "method",
        }
    }
}
