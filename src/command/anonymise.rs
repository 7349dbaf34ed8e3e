//! What is to be replaced, as options say it, and what is told of it.

use std::fmt::Write as _;

use super::Failure;
use crate::anonymise::{AnonymiseError, Anonymiser, FieldReport, Group, Key, KeyError, Report};
use crate::figures::{self, counted};
use crate::settings::anonymise::AnonymiseOptions;
use crate::verdict::ExitCode;

/// What the options say of `what`, which is to be anonymised or wanted as it is.
pub(super) fn chosen(raw: bool, options: AnonymiseOptions, what: &str) -> Result<Option<Anonymiser>, Failure> {
    let anonymiser = anonymiser(options)?;
    match (raw, &anonymiser) {
        (true, Some(_)) => {
            Err(Failure::new(ExitCode::Usage, "--raw and --anonymise contradict each other")
                .hint("leave one of them out"))
        }
        (false, None) => {
            let why = format!(
                "{what} holds what the topic holds, byte for byte, and with it whatever personal data is in there"
            );
            Err(Failure::new(ExitCode::Usage, why).hint(
                "--anonymise user_id=hmac,ip=prefix/24 replaces values on the way; --raw says that everything is wanted as it is",
            ))
        }
        _ => Ok(anonymiser),
    }
}

/// What the options say; nothing where they name no field.
pub(super) fn anonymiser(options: AnonymiseOptions) -> Result<Option<Anonymiser>, Failure> {
    let AnonymiseOptions { anonymise: rules, key_file, create_key, identifying } = options;
    if rules.is_empty() {
        return Ok(None);
    }
    let refused =
        |error: &KeyError| Failure { code: ExitCode::BadConfiguration, message: error.to_string(), hint: error.hint() };
    let key = match &key_file {
        None => None,
        Some(file) => {
            if create_key == Some(true) && !file.exists() {
                Key::create(file).map_err(|error| refused(&error))?;
                tracing::info!("{}: a new key; keep it apart from what it anonymises", file.display());
            }
            Some(Key::read(file).map_err(|error| refused(&error))?)
        }
    };
    Anonymiser::new(rules, key, identifying).map(Some).map_err(|error| {
        let failure = Failure::new(ExitCode::BadConfiguration, error.to_string());
        match error {
            AnonymiseError::NoKey(_) => {
                failure.hint("--key-file names a file with a key; --create-key makes one there")
            }
            _ => failure,
        }
    })
}

/// For a person, each field on a line.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    for FieldReport { field, method, values, unfit, distinct_before, distinct_after, or_more } in &report.fields {
        let more = if *or_more { " or more" } else { "" };
        let unfit = match unfit {
            0 => String::new(),
            unfit => format!(", {} that the method does not fit dropped", counted(*unfit, "value")),
        };
        let (before, after) = (figures::count(*distinct_before), figures::count(*distinct_after));
        writeln!(
            text,
            "  {field}={method}: {}, {before}{more} distinct before, {after}{more} after{unfit}",
            counted(*values, "value")
        )
        .unwrap_or_default();
    }
    if let Some(Group { by, groups, smallest, people, uncounted }) = &report.smallest_group {
        let who = if *people { counted(*smallest, "pseudonym") } else { counted(*smallest, "record") };
        let uncounted = match uncounted {
            0 => String::new(),
            records => format!("; {} not counted", counted(*records, "record")),
        };
        writeln!(text, "  smallest group by {}: {who}, of {}{uncounted}", by.join(", "), counted(*groups, "group"))
            .unwrap_or_default();
    }
    text
}
