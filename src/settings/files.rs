//! How files of events are read: what they are, and which of their fields are the time, the key and the type.

use super::choice::{self, Choice};
use super::layer::layer;
use crate::files::{Clock, Config, FileFormat, Kind, Preset, TimeFormat};

impl Choice for Kind {
    const ALL: &'static [Self] =
        &[Self::Rows(FileFormat::Ndjson), Self::Rows(FileFormat::Csv), Self::RetailRocket, Self::Recording];

    fn as_str(self) -> &'static str {
        match self {
            Self::Rows(FileFormat::Ndjson) => "ndjson",
            Self::Rows(FileFormat::Csv) => "csv",
            Self::RetailRocket => "retail-rocket",
            Self::Recording => "recording",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Rows(FileFormat::Ndjson) => "a JSON object on each line",
            Self::Rows(FileFormat::Csv) => "rows below a header, separated by commas, semicolons, tabs or bars",
            Self::RetailRocket => "Retail Rocket's events.csv",
            Self::Recording => "what loadgen record writes",
        }
    }
}

impl Choice for Preset {
    const ALL: &'static [Self] = &[Self::Segment, Self::Cloudevents, Self::Snowplow, Self::AccessLog];

    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Segment => "calls of Segment or RudderStack, a JSON object on each line",
            Self::Cloudevents => "CloudEvents 1.0 in JSON, one on each line",
            Self::Snowplow => "Snowplow's enriched events, 131 columns separated by tabs",
            Self::AccessLog => "Common or Combined Log Format",
        }
    }
}

impl Choice for Clock {
    const ALL: &'static [Self] = &[Self::Created, Self::Sent, Self::Received, Self::Corrected];

    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Created => "the device's, when it happened",
            Self::Sent => "the device's, when it was sent",
            Self::Received => "the server's, when it was received",
            Self::Corrected => "when it happened, on the server's clock",
        }
    }
}

layer! {
    /// How files of events are read.
    #[command(next_help_heading = "Files of events")]
    pub struct FileOptions {
        /// What the files are [default: told by their content]
        #[arg(long, value_name = "KIND", value_parser = choice::of::<Kind>())]
        pub file_format: Option<Kind>,
        /// The program that wrote them, whose fields are known
        #[arg(long, value_name = "PROGRAM", value_parser = choice::of::<Preset>())]
        pub preset: Option<Preset>,
        /// Which of the preset's clocks drives the replay [default: received; created for cloudevents]
        #[arg(long, value_name = "CLOCK", value_parser = choice::of::<Clock>())]
        pub clock: Option<Clock>,
        /// The field whose times drive the replay: a column, or a path such as meta.sent_at
        #[arg(long, value_name = "FIELD")]
        pub time_field: Option<String>,
        /// How times are written: s, ms, us, ns, rfc3339, or a form such as '%d/%m/%Y %H:%M:%S' [default: as the first one shows]
        #[arg(long, value_name = "FORMAT")]
        pub time_format: Option<TimeFormat>,
        /// The field with the key; of several, the first one that a row has [default: the preset's, else none]
        #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
        pub key_field: Vec<String>,
        /// The field with the type [default: the preset's, else none]
        #[arg(long, value_name = "FIELD")]
        pub type_field: Option<String>,
    }
}

impl FileOptions {
    /// Whether they tell of rows of events with fields of their own.
    #[must_use]
    pub fn tell_of_rows(&self) -> bool {
        matches!(self.file_format, Some(Kind::Rows(_)))
            || self.preset.is_some()
            || self.time_field.is_some()
            || self.clock.is_some()
            || self.time_format.is_some()
            || !self.key_field.is_empty()
            || self.type_field.is_some()
    }

    /// Puts what they say into `config`.
    pub fn apply_to(self, config: &mut Config) {
        if let Some(Kind::Rows(format)) = self.file_format {
            config.format = Some(format);
        }
        config.preset = self.preset.or(config.preset);
        config.clock = self.clock.or(config.clock);
        config.time_field = self.time_field.or(config.time_field.take());
        config.time_format = self.time_format.unwrap_or_else(|| config.time_format.clone());
        if !self.key_field.is_empty() {
            config.key_fields = self.key_field;
        }
        config.type_field = self.type_field.or(config.type_field.take());
    }
}
