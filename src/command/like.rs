//! `--like FILE.csv`: what is fitted to the recording stands below the options that were given.

use std::path::Path;

use super::{Failure, planned_load};
use crate::dataset::like::{LikeError, like};
use crate::input::BadRowPolicy;
use crate::report::Likeness;
use crate::scenario::Environment;
use crate::settings::events::EventOptions;
use crate::settings::layer::Layer;
use crate::source::retail_rocket;
use crate::source::synthetic::{Config, FunnelRow, Model, ThinkTimes};
use crate::verdict::ExitCode;

/// The options with what they leave open fitted to the recording at `path`; and how well that fits.
pub(super) fn fitted(
    given: EventOptions,
    path: &Path,
    bad_rows: BadRowPolicy,
    seed: u64,
) -> Result<(EventOptions, Likeness), Failure> {
    let recorded = retail_rocket::Config { path: path.to_owned(), bad_rows, ..retail_rocket::Config::default() };
    let found = like(&recorded, seed).map_err(|error| match error {
        LikeError::Load(error) => planned_load::load_failed(&error),
        LikeError::Source(_) => Failure::new(ExitCode::BadInput, error.to_string()),
    })?;
    planned_load::warn_of_loss(&found.recorded);
    if given.model == Some(Model::Independent) {
        return Err(Failure::new(
            ExitCode::BadConfiguration,
            "--like fits the sessions model, and --model independent asks for the other one",
        )
        .hint("leave --model out"));
    }
    let Config { model, users, items, user_skew, item_skew, sessions, .. } = found.config;
    let lower = EventOptions {
        model: Some(model),
        users: Some(users),
        items: Some(items),
        user_skew: Some(user_skew),
        item_skew: Some(item_skew),
        concurrent_sessions: Some(sessions.concurrent),
        funnel: FunnelRow::all(&sessions.funnel),
        think_time: vec![ThinkTimes::all(&sessions.think)],
        ..EventOptions::default()
    };
    Ok((given.over(lower), found.likeness))
}

/// What to do with rows of the recording that cannot be used: as given, else as the variables say.
pub(super) fn bad_rows(given: Option<BadRowPolicy>, environment: &Environment) -> Result<BadRowPolicy, Failure> {
    const VARIABLE: &str = "LOADGEN_BAD_ROWS";
    match (given, environment.get(VARIABLE)) {
        (Some(given), _) => Ok(given),
        (None, Some(text)) => {
            text.parse().map_err(|error| Failure::new(ExitCode::BadConfiguration, format!("{VARIABLE}: {error}")))
        }
        (None, None) => Ok(BadRowPolicy::default()),
    }
}
