//! `schema register`: schemas get their ids.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::super::formats::imports::with_references;
use super::super::formats::{is_missing, registry};
use super::super::{DONE, Done, Failure};
use super::before::{self, refused_of};
use super::check::subject;
use super::file::SchemaFile;
use super::{judge, shown};
use crate::figures::counted;
use crate::registry::{Registry, RegistryError, Trouble};
use crate::scenario::formats::SchemaText;
use crate::scenario::schema::{RegisterPlan, Registering};
use crate::verdict::ExitCode;

/// A schema under its subject.
#[derive(Serialize)]
struct Row {
    /// The type of event or the file.
    of: String,
    subject: String,
    version: u32,
    id: u32,
    new: bool,
}

#[derive(Serialize)]
struct All {
    schemas: Vec<Row>,
}

pub(super) fn register(plan: &RegisterPlan) -> Result<Done, Failure> {
    let registry = registry(&plan.registry)?;
    let mut rows = All { schemas: Vec::new() };
    match &plan.registering {
        Registering::Types(types) => {
            for one in types {
                rows.add(&registry, &one.event_type, &one.subject, &one.schema, None)?;
            }
        }
        Registering::Files(paths, naming) => {
            let read = |path| SchemaFile::read(path).and_then(|file| Ok((subject(&file, naming)?, file)));
            // None is registered before all of them are known to be schemas.
            for (subject, file) in paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()? {
                rows.add(&registry, &file.name(), &subject, &file.schema, Some(&file.path))?;
            }
        }
    }
    Ok(Done::ended(shown(&rows, plan.output)?, ExitCode::Pass, DONE))
}

impl All {
    fn add(
        &mut self,
        registry: &Registry,
        of: &str,
        subject: &str,
        schema: &SchemaText,
        file: Option<&Path>,
    ) -> Result<(), Failure> {
        match row(registry, of, subject, schema, file) {
            Ok(row) => self.schemas.push(row),
            Err(failure) => {
                let new = self.schemas.iter().filter(|row| row.new).map(|row| row.subject.as_str());
                let new: Vec<&str> = new.collect();
                let done = if new.is_empty() {
                    String::new()
                } else {
                    format!("; registered before that: {}", new.join(", "))
                };
                return Err(Failure { message: format!("{of}: {}{done}", failure.message), ..failure });
            }
        }
        Ok(())
    }
}

fn row(registry: &Registry, of: &str, subject: &str, schema: &SchemaText, file: Option<&Path>) -> Result<Row, Failure> {
    let refused = |error| refused_of(&error, file);
    let text = with_references(registry, schema, true).map_err(refused)?;
    let (found, new) = match registry.lookup(subject, &text, true) {
        Ok(found) => (found, false),
        Err(error) if is_missing(&error) => {
            registry.register(subject, &text, true).map_err(|error| incompatible(&error, registry, schema, file))?;
            (registry.lookup(subject, &text, true).map_err(refused)?, true)
        }
        Err(error) => return Err(refused(error)),
    };
    // The id is what readers go by.
    let subjects = registry.subjects_of(found.id).map_err(refused)?;
    if !subjects.iter().any(|(one, _)| one == subject) {
        let others = subjects.iter().map(|(subject, _)| subject.as_str()).collect::<Vec<_>>().join(", ");
        let message = format!(
            "the registry gives id {} for the schema under subject {subject}, and says that this id belongs to {}",
            found.id,
            if others.is_empty() { "no subject" } else { &others }
        );
        return Err(Failure::new(ExitCode::Cluster, message).hint("readers that look it up get another schema"));
    }
    Ok(Row { of: of.to_owned(), subject: subject.to_owned(), version: found.version, id: found.id, new })
}

/// A schema that was not registered, and if that is for those before it, what we find ourselves.
fn incompatible(error: &RegistryError, registry: &Registry, schema: &SchemaText, file: Option<&Path>) -> Failure {
    let failure = refused_of(error, file);
    let (Trouble::Incompatible(_), Some(subject)) = (&error.trouble, &error.subject) else { return failure };
    let found = registry.level(subject).and_then(|level| {
        let earlier = before::of_registry(registry, subject, level.is_transitive())?;
        Ok(judge::own(schema, &earlier, level).findings)
    });
    let found = found.unwrap_or_default().join("; ");
    let own = if found.is_empty() { String::new() } else { format!("; loadgen finds: {found}") };
    Failure { code: ExitCode::CorrectnessViolated, message: format!("{}{own}", failure.message), ..failure }
}

impl fmt::Display for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = self.schemas.iter().map(|row| row.subject.len()).max().unwrap_or(0);
        for Row { subject, version, id, new, .. } in &self.schemas {
            let word = if *new { "new" } else { "there" };
            writeln!(f, " {word:<5}  {subject:<wide$}  version {version}, id {id}")?;
        }
        let new = self.schemas.iter().filter(|row| row.new).count();
        let all = counted(self.schemas.len() as u64, "schema");
        writeln!(f, "\n{all}: {new} new, {} there already", self.schemas.len() - new)
    }
}
