//! `dataset`: what is in a recording, making another one of it, and one of the same shape.

mod convert;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{DONE, Done, Failure, planned_load};
use crate::cli::dataset::{DatasetAction, DatasetArgs, DatasetGenerate, DatasetInfo};
use crate::dataset::generate::{GenerateError, Generated, WriteError};
use crate::dataset::{info, recordings, rows};
use crate::figures;
use crate::files::captured::{self, Recordings};
use crate::files::{self, FileError, Kind};
use crate::input::Input;
use crate::scenario::Environment;
use crate::settings::files::FileOptions;
use crate::settings::outcome::Output;
use crate::source::retail_rocket::Config;
use crate::verdict::ExitCode;

pub(super) fn dataset(args: DatasetArgs, environment: &Environment) -> Result<Done, Failure> {
    match args.action {
        DatasetAction::Info(args) => info(args, environment),
        DatasetAction::Convert(args) => convert::convert(args, environment),
        DatasetAction::Generate(args) => generate(args, environment),
    }
}

fn info(args: DatasetInfo, environment: &Environment) -> Result<Done, Failure> {
    let options = environment.complete(args.options)?;
    let output = options.output.unwrap_or(Output::Text);
    let files = files::files(&args.files).map_err(|error| files_failed(&error))?;
    let kind = kind(&files, &options.rows);
    if kind == Some(Kind::Recording) && !options.rows.tell_of_rows() {
        let usual = Config::default();
        let recordings = Recordings {
            files,
            bad_blocks: options.bad_rows.unwrap_or_default(),
            sort_memory: options.sort_memory.unwrap_or(usual.sort_memory),
            temp_dir: options.temp_dir,
        };
        let holdings = captured::holdings(&recordings).map_err(|error| files_failed(&error))?;
        return told_as(output, &holdings, recordings::text);
    }
    if is_of_rows(kind, &options.rows) {
        let mut config = files::Config {
            files,
            bad_rows: options.bad_rows.unwrap_or_default(),
            sort_memory: options.sort_memory.unwrap_or(Config::default().sort_memory),
            temp_dir: options.temp_dir,
            ..files::Config::default()
        };
        options.rows.apply_to(&mut config);
        let survey = files::survey(&config).map_err(|error| files_failed(&error))?;
        return told_as(output, &survey, rows::text);
    }
    let [file] = <[PathBuf; 1]>::try_from(files).map_err(|_| {
        Failure::new(ExitCode::Usage, "Retail Rocket's events are one file").hint("name one file at a time")
    })?;
    let usual = Config::default();
    let config = Config {
        path: file,
        bad_rows: options.bad_rows.unwrap_or_default(),
        sort_memory: options.sort_memory.unwrap_or(usual.sort_memory),
        temp_dir: options.temp_dir,
        ..usual
    };
    let info = info::info(&config).map_err(|error| planned_load::load_failed(&error))?;
    planned_load::warn_of_loss(&info.facts);
    told_as(output, &info, info::Info::text)
}

fn told_as<T: Serialize>(output: Output, facts: &T, text: impl Fn(&T) -> String) -> Result<Done, Failure> {
    match output {
        Output::Text => Ok(Done::told(text(facts))),
        Output::Json => serde_json::to_string_pretty(facts)
            .map(|text| Done::told(text + "\n"))
            .map_err(|error| Failure::new(ExitCode::BadInput, error.to_string())),
    }
}

/// What these are: what options say, or else the first one's bytes; nothing where they cannot be read, which is told where they are.
fn kind(files: &[PathBuf], options: &FileOptions) -> Option<Kind> {
    let by_content = || {
        let first = files.first().filter(|first| first.as_path() != Path::new("-"));
        first.and_then(|first| Input::open(first).ok()).map(|input| files::recognise(&input))
    };
    options.file_format.or_else(by_content)
}

/// Whether these are files of rows with fields of their own, and not Retail Rocket's.
fn is_of_rows(kind: Option<Kind>, options: &FileOptions) -> bool {
    match options.file_format {
        Some(kind) => matches!(kind, Kind::Rows(_)),
        None => options.tell_of_rows() || matches!(kind, Some(Kind::Rows(_))),
    }
}

/// Why files of events cannot be read, as the end of a command.
fn files_failed(error: &FileError) -> Failure {
    let code = if error.is_configuration() { ExitCode::BadConfiguration } else { ExitCode::BadInput };
    Failure { code, message: error.to_string(), hint: error.hint() }
}

fn generate(args: DatasetGenerate, environment: &Environment) -> Result<Done, Failure> {
    let args = environment.complete(args)?;
    let wanted = args.generate();
    let Some(out) = args.out.filter(|out| out != Path::new("-")) else {
        let mut stdout = std::io::stdout().lock();
        return match wanted.write(&mut stdout) {
            Ok(_) => Ok(made("")),
            // A reader that went away (`| head`) has what it wanted.
            Err(WriteError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(made("")),
            Err(WriteError::Io(error)) => {
                Err(Failure::new(ExitCode::NotWritten, format!("stdout cannot be written: {error}")))
            }
            Err(WriteError::Setting(error)) => Err(generate_failed(&error)),
        };
    };
    let generated = wanted.to_file(&out, args.force.unwrap_or(false)).map_err(|error| generate_failed(&error))?;
    Ok(made(told(&out, generated)))
}

fn made(output: impl Into<String>) -> Done {
    Done::ended(output, ExitCode::Pass, DONE)
}

fn told(out: &Path, made: Generated) -> String {
    let Generated { rows, bytes, users, duplicates } = made;
    format!(
        "{}: {} of {}, {} of them repeating another one, {}\n",
        out.display(),
        figures::counted(rows, "row"),
        figures::counted(users, "user"),
        figures::count(duplicates),
        figures::bytes(bytes)
    )
}

fn generate_failed(error: &GenerateError) -> Failure {
    let code = match error {
        GenerateError::Setting { .. } => ExitCode::Usage,
        GenerateError::Exists(_) | GenerateError::Unwritable { .. } => ExitCode::BadConfiguration,
    };
    Failure { code, message: error.to_string(), hint: error.hint().map(ToOwned::to_owned) }
}
