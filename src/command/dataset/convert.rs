//! `dataset convert`: from one form to another, with values replaced on the way.

use std::fmt::Write as _;
use std::path::Path;

use super::super::anonymise::{anonymiser, text};
use super::super::run::now;
use super::super::{DONE, Done, Failure};
use super::files_failed;
use crate::cli::dataset::DatasetConvert;
use crate::dataset::convert::{Convert, ConvertError, Converted, Form, Target};
use crate::figures::counted;
use crate::files::{self, Kind};
use crate::input::Input;
use crate::run;
use crate::scenario::Environment;
use crate::settings::outcome::Output;
use crate::source::retail_rocket::Config;
use crate::verdict::ExitCode;

pub(super) fn convert(args: DatasetConvert, environment: &Environment) -> Result<Done, Failure> {
    let options = environment.complete(args.options)?;
    let files = files::files(&args.files).map_err(|error| files_failed(&error))?;
    let usage = |message: String, hint: &str| Failure::new(ExitCode::Usage, message).hint(hint);
    let out = options.out.ok_or_else(|| usage("nothing says where to write".to_owned(), "-o OUT names the file"))?;
    let shown = out.display().to_string();
    let force = options.force.unwrap_or(false);
    let target = Target::of(out, force).ok_or_else(|| {
        usage(
            format!("{shown} does not say what to write"),
            "end it in .avro, .ndjson or .csv; the latter two also with .gz or .zst",
        )
    })?;
    if let Some(file) = target.file.as_ref().filter(|file| file.exists() && !force) {
        let why = format!("{} is there already", file.display());
        return Err(Failure::new(ExitCode::BadConfiguration, why).hint("name another file, or --force replaces it"));
    }
    if target.file.is_some() && files.iter().any(|file| target.file.as_deref().is_some_and(|out| is_same(out, file))) {
        return Err(usage(format!("{shown} is both read and written"), "name another file"));
    }
    let kind = options.rows.file_format.or_else(|| kind_of(&files));
    let (mut recordings, files) = if kind == Some(Kind::Recording) { (files, Vec::new()) } else { (Vec::new(), files) };
    recordings.sort();
    let mut rows = files::Config {
        files,
        bad_rows: options.bad_rows.unwrap_or_default(),
        sort_memory: options.sort_memory.unwrap_or(Config::default().sort_memory),
        temp_dir: options.temp_dir,
        ..files::Config::default()
    };
    options.rows.apply_to(&mut rows);
    if kind == Some(Kind::RetailRocket) && rows.time_field.is_none() {
        rows.time_field = Some("timestamp".to_owned());
        rows.key_fields = vec!["visitorid".to_owned()];
        rows.type_field = rows.type_field.or_else(|| Some("event".to_owned()));
    }
    let tool = run::tool();
    let convert = Convert {
        rows,
        recordings,
        values: options.values.unwrap_or(false),
        anonymiser: anonymiser(options.anonymise)?,
        tool: format!("{} {}", tool.name, tool.version),
        started_at: now(),
        target,
    };
    let form = convert.target.form;
    let is_told = convert.target.file.is_some();
    let converted = convert.run().map_err(|error| failed(&error))?;
    let told = match options.output.unwrap_or(Output::Text) {
        Output::Text => told(&shown, form, &converted),
        Output::Json => serde_json::to_string_pretty(&converted)
            .map(|text| text + "\n")
            .map_err(|error| Failure::new(ExitCode::BadInput, error.to_string()))?,
    };
    if is_told {
        return Ok(Done::ended(told, ExitCode::Pass, DONE));
    }
    for line in told.lines() {
        tracing::info!("{line}");
    }
    Ok(Done::ended("", ExitCode::Pass, DONE))
}

fn is_same(out: &Path, file: &Path) -> bool {
    let canonical = |path: &Path| path.canonicalize().ok();
    canonical(out).is_some_and(|out| canonical(file) == Some(out))
}

/// What the first file is by its content; nothing where it is a pipe, or cannot be opened, which is told where it is read.
fn kind_of(files: &[std::path::PathBuf]) -> Option<Kind> {
    let first = files.first().filter(|first| first.as_path() != Path::new("-"))?;
    Input::open(first).ok().map(|input| files::recognise(&input))
}

fn told(out: &str, form: Form, converted: &Converted) -> String {
    let Converted { records, bad_rows, back, anonymised } = converted;
    let what = match form {
        Form::Recording => counted(*records, "record"),
        Form::Ndjson => counted(*records, "line"),
        Form::Csv => counted(*records, "row"),
    };
    let mut text = format!("{out}: {what}");
    if *back > 0 {
        write!(text, ", {} earlier than the one before, sorted by time", counted(*back, "row")).unwrap_or_default();
    }
    if let Some(first) = bad_rows.examples.first() {
        write!(
            text,
            ", {} left out, the first in line {}: {}",
            counted(bad_rows.count, "row"),
            first.line,
            first.problem
        )
        .unwrap_or_default();
    }
    text.push('\n');
    if let Some(report) = anonymised {
        text.push_str(&self::text(report));
    }
    text
}

fn failed(error: &ConvertError) -> Failure {
    let code = match error {
        ConvertError::Rows(error) if error.is_configuration() => ExitCode::BadConfiguration,
        ConvertError::Anonymise(_) | ConvertError::Form(_) => ExitCode::BadConfiguration,
        ConvertError::Unwritable { .. } => ExitCode::NotWritten,
        ConvertError::Rows(_) | ConvertError::Recording { .. } | ConvertError::Record(_) | ConvertError::Row { .. } => {
            ExitCode::BadInput
        }
    };
    Failure { code, message: error.to_string(), hint: error.hint() }
}
