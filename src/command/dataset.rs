//! `dataset`: what is in a recording, and making one of the same shape.

use std::path::Path;

use super::{DONE, Done, Failure, planned_load};
use crate::cli::dataset::{DatasetAction, DatasetArgs, DatasetGenerate, DatasetInfo};
use crate::dataset::generate::{GenerateError, Generated, WriteError};
use crate::dataset::info;
use crate::figures;
use crate::scenario::Environment;
use crate::settings::outcome::Output;
use crate::source::retail_rocket::Config;
use crate::verdict::ExitCode;

pub(super) fn dataset(args: DatasetArgs, environment: &Environment) -> Result<Done, Failure> {
    match args.action {
        DatasetAction::Info(args) => info(args, environment),
        DatasetAction::Generate(args) => generate(args, environment),
    }
}

fn info(args: DatasetInfo, environment: &Environment) -> Result<Done, Failure> {
    let options = environment.complete(args.options)?;
    let usual = Config::default();
    let config = Config {
        path: args.file,
        bad_rows: options.bad_rows.unwrap_or_default(),
        sort_memory: options.sort_memory.unwrap_or(usual.sort_memory),
        temp_dir: options.temp_dir,
        ..usual
    };
    let info = info::info(&config).map_err(|error| planned_load::load_failed(&error))?;
    planned_load::warn_of_loss(&info.facts);
    match options.output.unwrap_or(Output::Text) {
        Output::Text => Ok(Done::told(info.text())),
        Output::Json => serde_json::to_string_pretty(&info)
            .map(|text| Done::told(text + "\n"))
            .map_err(|error| Failure::new(ExitCode::BadInput, error.to_string())),
    }
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
