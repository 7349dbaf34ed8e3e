//! What synthetic events look like.

use std::path::PathBuf;

use super::layer::{Layer as _, layer};
use super::values;
use crate::source::own;
use crate::source::synthetic::{
    self, FunnelRow, MOST_CONCURRENT, MOST_MEMBERS, Model, NamedHotKey, ThinkTimes, Weights,
};
use crate::source::weights::{Mix, WeightsError};

layer! {
    /// Event types that the user declares.
    #[command(next_help_heading = "Events")]
    pub struct DeclaredOptions {
        /// Events are of the types that this file declares, in the place of the shop's
        ///
        /// Each type has its fields, what is drawn for each, its weight, its key and its id: docs/own-events.md.
        #[arg(long, value_name = "FILE.toml")]
        pub events: Option<PathBuf>,
        /// Events are of the type that this schema describes: .avsc, .proto or .json (JSON Schema)
        ///
        /// Values follow from the names and types of the fields. A type of an --events file names its schema itself.
        #[arg(long, value_name = "FILE")]
        pub schema: Option<PathBuf>,
        /// Which message of the .proto that is, where it has several
        #[arg(long, value_name = "NAME")]
        pub message: Option<String>,
    }
}

impl DeclaredOptions {
    /// What is declared; `None` where nothing is.
    #[must_use]
    pub fn config(self) -> Option<own::Config> {
        let Self { events, schema, message } = self;
        let is_declared = events.is_some() || schema.is_some() || message.is_some();
        is_declared.then(|| own::Config { events, schema, message, ..own::Config::default() })
    }
}

layer! {
    /// What synthetic events look like.
    #[command(next_help_heading = "Events")]
    pub struct EventOptions {
        /// Of which types.
        #[command(flatten)]
        pub declared: DeclaredOptions,
        /// Fit model, funnel, think times, users, items and skews to a recording; other options beat what is fitted
        ///
        /// The result says how like the recording the events are, as a Kolmogorov-Smirnov distance for each marginal.
        #[arg(long, value_name = "FILE.csv")]
        pub like: Option<PathBuf>,
        /// Whether events hang together [default: independent]
        ///
        /// independent: each event is drawn by itself, types by their weights. sessions: users come, browse, search, buy, rate
        /// and leave; how often each type comes follows from the funnel, and the report shows both.
        #[arg(long, value_name = "MODEL")]
        pub model: Option<Model>,
        /// Share of each event type [default: view=50,addtocart=20,transaction=10,search=10,filter=7,review=3]
        ///
        /// A mix is named as a whole: types that are not named, or have weight 0, do not occur.
        #[arg(long, value_name = "TYPE=WEIGHT,...")]
        pub weights: Option<Mix>,
        /// Distinct users [default: 100000]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_MEMBERS))]
        pub users: Option<u64>,
        /// Distinct items [default: 50000]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_MEMBERS))]
        pub items: Option<u64>,
        /// How unevenly events fall on users: exponent of a Zipf distribution, 0 (evenly) to 5 [default: 0.7]
        #[arg(long, value_name = "S", value_parser = values::skew)]
        pub user_skew: Option<f64>,
        /// How unevenly events fall on items: exponent of a Zipf distribution, 0 (evenly) to 5 [default: 0.8]
        #[arg(long, value_name = "S", value_parser = values::skew)]
        pub item_skew: Option<f64>,
        /// One user or item gets this share, as in a flash sale: user=20%, item=0.05, item:17=5%; repeatable
        ///
        /// A user's share is that of all events, an item's that of the events that have an item. Without an id it is the one
        /// that is hottest anyway. As a variable: one key per line.
        #[arg(long, value_name = "user|item[:ID]=SHARE")]
        pub hot_key: Vec<NamedHotKey>,
        /// Sessions at once, on average, with --model sessions [default: 1000]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_CONCURRENT)))]
        pub concurrent_sessions: Option<u32>,
        /// With --model sessions, what comes after an event of that type, and how likely; repeatable
        ///
        /// For example start:view=0.6,search=0.4 or after_view:view=0.5,addtocart=0.02; a type that is not named does not come
        /// next, and what is missing to 1 leaves. docs/synthetic.md has the defaults. As a variable: one row per line.
        #[arg(long, value_name = "ROW:TYPE=PROBABILITY,...")]
        pub funnel: Vec<FunnelRow>,
        /// With --model sessions, the mean time before events of a type: view=20s,search=5s; repeatable
        #[arg(long, value_name = "TYPE=DURATION,...")]
        pub think_time: Vec<ThinkTimes>,
    }
}

impl EventOptions {
    /// Puts what they say into the settings of the shop.
    ///
    /// # Errors
    /// Weights of types that the shop does not have.
    pub fn apply_to(&self, config: &mut synthetic::Config) -> Result<(), WeightsError> {
        let Self {
            // Of another source.
            declared: _,
            // Fitted before: what it gave stands in the other options.
            like: _,
            model,
            weights,
            users,
            items,
            user_skew,
            item_skew,
            hot_key,
            concurrent_sessions,
            funnel,
            think_time,
        } = self;
        config.model = model.unwrap_or(config.model);
        if let Some(weights) = weights {
            config.weights = Weights::try_from(weights)?;
        }
        config.users = users.unwrap_or(config.users);
        config.items = items.unwrap_or(config.items);
        config.user_skew = user_skew.unwrap_or(config.user_skew);
        config.item_skew = item_skew.unwrap_or(config.item_skew);
        for hot in hot_key {
            match *hot {
                NamedHotKey::User(key) => config.hot_user = Some(key),
                NamedHotKey::Item(key) => config.hot_item = Some(key),
            }
        }
        let sessions = &mut config.sessions;
        sessions.concurrent = concurrent_sessions.unwrap_or(sessions.concurrent);
        for row in funnel {
            row.set(&mut sessions.funnel);
        }
        for times in think_time {
            times.set(&mut sessions.think);
        }
        Ok(())
    }

    /// The first setting that says something of the shop alone.
    pub(crate) fn of_the_shop(&self) -> Option<&'static str> {
        let shop = Self {
            declared: DeclaredOptions::default(),
            weights: None,
            model: None,
            concurrent_sessions: None,
            ..self.clone()
        };
        shop.first_set()
    }
}
