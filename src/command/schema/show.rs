//! `schema show`: the schemas of types of event, on stdout or as files.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::super::{DONE, Done, Failure};
use super::file::in_file;
use super::shown;
use crate::bundle;
use crate::scenario::schema::{ShowPlan, TypeSchema};
use crate::settings::outcome::Output;
use crate::verdict::ExitCode;

/// A schema as it is told.
#[derive(Serialize)]
struct Shown {
    event_type: String,
    record: String,
    subject: String,
    language: String,
    /// Its file, within the folder where one is written.
    file: String,
    schema: String,
}

#[derive(Serialize)]
struct All {
    schemas: Vec<Shown>,
    #[serde(skip)]
    written: bool,
}

pub(super) fn show(plan: &ShowPlan) -> Result<Done, Failure> {
    let schemas: Vec<Shown> = plan.schemas.iter().map(|one| Shown::new(one, plan.out.as_deref())).collect();
    if let Some(folder) = &plan.out {
        let files: Vec<_> = plan.schemas.iter().map(|one| (one, folder.join(file_name(one)))).collect();
        for (one, path) in &files {
            let is_other = fs::read(path).is_ok_and(|there| there != in_file(&one.schema).as_bytes());
            if is_other && !plan.force {
                let problem = format!("{} is there, with other content", path.display());
                return Err(Failure::new(ExitCode::BadConfiguration, problem).hint("--force replaces it"));
            }
        }
        let failed = |path: &Path, error: &dyn fmt::Display| {
            Failure::new(ExitCode::NotWritten, format!("{} cannot be written: {error}", path.display()))
        };
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        for (one, path) in &files {
            bundle::write_whole(path, in_file(&one.schema).as_bytes()).map_err(|error| failed(path, &error.source))?;
        }
    }
    let written = plan.out.is_some();
    let all = All { schemas, written };
    // Schemas go to other programs: their lines are not broken.
    let text = if plan.output == Output::Text { all.to_string() } else { shown(&all, plan.output)? };
    Ok(if written { Done::ended(text, ExitCode::Pass, DONE) } else { Done::told(text) })
}

fn file_name(one: &TypeSchema) -> String {
    format!("{}{}", one.event_type, one.schema.language().ending())
}

impl Shown {
    fn new(one: &TypeSchema, folder: Option<&Path>) -> Self {
        let name = file_name(one);
        Self {
            event_type: one.event_type.clone(),
            record: one.schema.name.clone(),
            subject: one.subject.clone(),
            language: one.schema.language().to_string(),
            file: folder.map_or(name.clone(), |folder| folder.join(&name).display().to_string()),
            schema: in_file(&one.schema),
        }
    }
}

/// One schema as it is; several each under the name of its file.
impl fmt::Display for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Shown { file, schema, .. }) in self.schemas.iter().enumerate() {
            match (self.written, self.schemas.len()) {
                (true, _) => writeln!(f, "{file}")?,
                (false, 1) => f.write_str(schema)?,
                (false, _) => write!(f, "{}==> {file} <==\n{schema}", if place == 0 { "" } else { "\n" })?,
            }
        }
        Ok(())
    }
}
