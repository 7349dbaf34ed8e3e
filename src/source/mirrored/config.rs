//! Which topics are mirrored, and how.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::recorded::{CreateTime, Origins, Placing, Stamping};
use super::super::retail_rocket::optional_duration;
use crate::event::catalogue::TypeIndex;
use crate::schedule::Speed;

/// The `[source]` table of a mirror.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The topics that are read with their partitions.
    pub topics: BTreeMap<String, i32>,
    /// How many times as fast as they were written records are sent, where there is a backlog.
    pub speed: Speed,
    /// How often each record is sent.
    pub copies: u32,
    /// An idle gap longer than this is played as this long.
    #[serde(with = "optional_duration", skip_serializing_if = "Option::is_none")]
    pub max_gap: Option<Duration>,
    /// Where records go.
    pub partition: Placing,
    /// Which `CreateTime` they get.
    pub create_time: CreateTime,
    /// What tells them from others.
    pub stamp: Stamping,
    /// Whether reading ends by itself.
    pub is_bounded: bool,
    /// Where they come from.
    #[serde(skip)]
    pub origins: Origins,
}

impl Config {
    /// Whether it is to come up with what is live where it is behind; who wants it slower than it comes wants it
    /// behind.
    #[must_use]
    pub fn catches_up(&self) -> bool {
        self.speed.as_f64() >= 1.0
    }

    /// The partitions that records are to keep, with the type of their records; none where these go by their keys.
    pub fn kept(&self) -> impl Iterator<Item = (TypeIndex, i32)> {
        let topics = (0..).zip(self.topics.values()).filter(|_| self.partition == Placing::Keep);
        topics.flat_map(|(kind, partitions)| (0..*partitions).map(move |partition| (TypeIndex(kind), partition)))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            topics: BTreeMap::new(),
            speed: Speed::RECORDED,
            copies: 1,
            max_gap: None,
            partition: Placing::default(),
            create_time: CreateTime::default(),
            stamp: Stamping::default(),
            is_bounded: false,
            origins: Origins::default(),
        }
    }
}
