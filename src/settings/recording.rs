//! Which part of a recording is replayed, and how it is read.

use std::path::PathBuf;
use std::time::Duration;

use super::choice::{self, choices};
use super::files::FileOptions;
use super::layer::{Layer as _, layer, settings};
use super::values::{self, FieldMap};
use crate::input::BadRowPolicy;
use crate::source::recorded;
use crate::source::retail_rocket::{self, Moment, Rounds, Share};

choices! {
    /// Which time a replayed event's body carries.
    pub enum EventTime {
        Recorded = "recorded": "the recorded time",
        Shifted = "shifted": "the run's start plus the recorded distance from the first event, divided by the speed",
        Now = "now": "the due time",
    }
}

settings! {
    /// Which time the bodies of replayed events carry.
    #[command(next_help_heading = "Recording")]
    pub struct BodyOptions as Body {
        /// The body's timestamp [default: recorded]
        #[arg(long, value_name = "WHICH", value_parser = choice::of::<EventTime>())]
        event_time: EventTime = EventTime::Recorded,
    }
}

choices! {
    /// Where a recorded record goes.
    pub enum Placing {
        Keep = "keep": "into the partition that it was recorded from",
        Key = "key": "into that of its key, as Java's client has it",
    }
}

choices! {
    /// Which CreateTime a recorded record gets.
    pub enum CreateTime {
        Now = "now": "the time at which it is sent",
        Recorded = "recorded": "the recorded one: retention counts from it",
    }
}

impl From<Placing> for recorded::Placing {
    fn from(placing: Placing) -> Self {
        match placing {
            Placing::Keep => Self::Keep,
            Placing::Key => Self::Key,
        }
    }
}

impl From<CreateTime> for recorded::CreateTime {
    fn from(time: CreateTime) -> Self {
        match time {
            CreateTime::Now => Self::Now,
            CreateTime::Recorded => Self::Recorded,
        }
    }
}

layer! {
    /// What becomes of the records of a recorded topic.
    #[command(next_help_heading = "Recording")]
    pub struct RecordOptions {
        /// Of a recording of topics: the partition that a record goes to [default: keep]
        #[arg(long, value_name = "WHICH", value_parser = choice::of::<Placing>())]
        pub partition: Option<Placing>,
        /// Of a recording of topics: the CreateTime that a record gets [default: now]
        #[arg(long, value_name = "WHICH", value_parser = choice::of::<CreateTime>())]
        pub create_time: Option<CreateTime>,
        /// What tells a record of this run from others: header (loadgen-id), none, or for rows field:NAME [default: header]
        ///
        /// With none a record of a recording is what was recorded and no more: it is known by the place at which it was acked and a hash of what
        /// it holds; the report says which promises that weakens. `loadgen verify --recording FILE` compares the topics with a recording
        /// afterwards. With field:NAME a row's JSON object gets the stamp as a field of that name, and no header.
        #[arg(long, value_name = "HOW")]
        pub stamp: Option<recorded::Stamping>,
    }
}

layer! {
    /// Which part of a recording is replayed, and how it is read.
    #[command(next_help_heading = "Recording")]
    pub struct RecordingOptions {
        /// Play idle gaps longer than this, in recorded time, as this long: 1s, 10m
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub max_gap: Option<Duration>,
        /// Leave out what was recorded before: RFC 3339, or ms since 1970
        #[arg(long, value_name = "TIME")]
        pub from: Option<Moment>,
        /// Leave out what was recorded at or after: RFC 3339, or ms since 1970
        #[arg(long, value_name = "TIME")]
        pub until: Option<Moment>,
        /// Take only the first N events of what is left
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        pub limit: Option<u64>,
        /// Play it this often, each round after the last: a number or forever [default: 1]
        #[arg(long = "loop", value_name = "N")]
        pub rounds: Option<Rounds>,
        /// Leave out exact duplicates of a row, and count them
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub dedup: Option<bool>,
        /// Take this share of the users, each with all events: 1%, 0.125 [default: all]
        #[arg(long, value_name = "SHARE")]
        pub users_sample: Option<Share>,
        /// Turn each user into K users with slightly moved times [default: 1]
        #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
        pub amplify: Option<u32>,
        /// What to do with rows that cannot be used: fail, or skip, which counts them [default: fail]
        #[arg(long, value_name = "POLICY")]
        pub bad_rows: Option<BadRowPolicy>,
        /// The time in their bodies.
        #[command(flatten)]
        pub body: BodyOptions,
        /// What becomes of recorded records.
        #[command(flatten)]
        pub record: RecordOptions,
        /// Retail Rocket's category_tree.csv, whose leaves become the categories [default: categories are derived]
        #[arg(long, value_name = "FILE")]
        pub category_tree: Option<PathBuf>,
        /// Retail Rocket's item_properties files: an item's category, price and availability at the time of each event
        ///
        /// Changes of availability become events of type inventory on the topic inventory (--topic-map inventory=TOPIC names
        /// another one). May be repeated.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        pub item_properties: Vec<PathBuf>,
        /// Whether changes of availability become inventory events, with --item-properties [default: true]
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub inventory: Option<bool>,
        /// Memory for sorting; a larger recording is sorted on disk: 64MiB, 2GiB [default: 1GiB]
        #[arg(long, value_name = "SIZE", value_parser = values::size)]
        pub sort_memory: Option<u64>,
        /// Folder for sorting on disk [default: the system's]
        #[arg(long, value_name = "DIR")]
        pub temp_dir: Option<PathBuf>,
        /// Fields of the events that rows become (--events, --schema), and the fields of rows that they come from; repeatable
        ///
        /// A field that is not named is taken from the row's field of that name. @time is the time that drives, @key the key, @type
        /// the type. As a variable: one of them per line.
        #[arg(long, value_name = "FIELD=FROM,...", value_parser = values::field_map, help_heading = "Files of events")]
        pub map: Vec<FieldMap>,
        /// How files of rows are read.
        #[command(flatten)]
        pub rows: FileOptions,
    }
}

impl RecordingOptions {
    /// The first of the options that are not for a recording of topics, which are taken out. Files of rows have options of their own,
    /// and no partitions.
    pub fn of_others(&mut self, has_rows: bool) -> Option<&'static str> {
        let given = std::mem::take(self);
        let Self { max_gap, from, until, rounds, record, .. } = given.clone();
        *self = Self { max_gap, from, until, rounds, record, ..Self::default() };
        let mut other = Self { max_gap: None, from: None, until: None, rounds: None, ..given };
        if has_rows {
            self.bad_rows = other.bad_rows.take();
            self.sort_memory = other.sort_memory.take();
            self.temp_dir = other.temp_dir.take();
            self.rows = std::mem::take(&mut other.rows);
            self.map = std::mem::take(&mut other.map);
            other.record.create_time = None;
            // What a variable says of them is said of recorded topics, but for a field.
            let field = other.record.stamp.take_if(|stamp| matches!(stamp, recorded::Stamping::Field(_)));
            (self.record.partition, self.record.stamp) = (None, field);
        } else {
            other.record = RecordOptions::default();
            other.rows.file_format = None;
        }
        other.first_set()
    }

    /// Puts what they say into the settings of a recording of topics, or of rows.
    pub fn apply_to_recorded(self, config: &mut recorded::Config) {
        config.max_gap = self.max_gap.or(config.max_gap);
        config.from = self.from.or(config.from);
        config.until = self.until.or(config.until);
        config.rounds = self.rounds.unwrap_or(config.rounds);
        config.partition = self.record.partition.map_or(config.partition, Into::into);
        config.create_time = self.record.create_time.map_or(config.create_time, Into::into);
        config.stamp = self.record.stamp.unwrap_or_else(|| std::mem::take(&mut config.stamp));
        if let Some(rows) = &mut config.rows {
            config.partition = recorded::Placing::Key;
            rows.bad_rows = self.bad_rows.unwrap_or(rows.bad_rows);
            rows.sort_memory = self.sort_memory.unwrap_or(rows.sort_memory);
            rows.temp_dir = self.temp_dir.or(rows.temp_dir.take());
            self.rows.apply_to(rows);
            config.map.extend(self.map.into_iter().flat_map(|FieldMap(fields)| fields));
        }
    }

    /// Puts what they say into the source's settings.
    pub fn apply_to(self, config: &mut retail_rocket::Config) {
        let given = self;
        config.max_gap = given.max_gap.or(config.max_gap);
        config.from = given.from.or(config.from);
        config.until = given.until.or(config.until);
        config.limit = given.limit.or(config.limit);
        config.rounds = given.rounds.unwrap_or(config.rounds);
        config.dedup = given.dedup.unwrap_or(config.dedup);
        config.users_sample = given.users_sample.or(config.users_sample);
        config.amplify = given.amplify.unwrap_or(config.amplify);
        config.bad_rows = given.bad_rows.unwrap_or(config.bad_rows);
        config.category_tree = given.category_tree.or(config.category_tree.take());
        config.item_properties.extend(given.item_properties);
        config.inventory = given.inventory.unwrap_or(config.inventory);
        config.sort_memory = given.sort_memory.unwrap_or(config.sort_memory);
        config.temp_dir = given.temp_dir.or(config.temp_dir.take());
    }
}
