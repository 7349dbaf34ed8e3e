//! `schema check`: each file's schema held against those before it.

use std::fmt;

use serde::Serialize;

use super::super::formats::imports::with_references;
use super::super::{Done, Failure, formats};
use super::before::{self, Earlier, refused_of};
use super::file::{SchemaFile, bad};
use super::judge::{self, Opinion, Verdict};
use super::shown;
use crate::figures::counted;
use crate::registry::{Judgement, Level, Registry, RegistryError, Trouble};
use crate::scenario::schema::{Before, CheckPlan, Naming};
use crate::verdict::ExitCode;

/// The level of registries that were told no other.
const USUAL: Level = Level::Backward;
const PASSES: &str = "exit 0 (pass): every schema is compatible with those before it";

#[derive(Serialize)]
struct Checked {
    verdict: Verdict,
    file: String,
    record: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    opinions: Vec<Opinion>,
}

#[derive(Serialize)]
struct All {
    schemas: Vec<Checked>,
}

pub(super) fn check(plan: &CheckPlan) -> Result<Done, Failure> {
    // None is judged before all of them are known to be schemas.
    let files: Vec<SchemaFile> = plan.files.iter().map(|path| SchemaFile::read(path)).collect::<Result<_, _>>()?;
    let registry = match &plan.before {
        Before::Registry(access, _) => Some(formats::registry(access)?),
        Before::Git(_) | Before::Path(_) => None,
    };
    let judged = |file: &SchemaFile| match (&plan.before, &registry) {
        (Before::Registry(_, naming), Some(registry)) => by_registry(file, registry, naming, plan.level),
        (Before::Git(revision), _) => {
            let level = plan.level.unwrap_or(USUAL);
            Ok(alone(file, &before::of_git(file, revision, level.is_transitive())?, level))
        }
        (Before::Path(path), _) => Ok(alone(file, &before::of_path(file, path)?, plan.level.unwrap_or(USUAL))),
        (Before::Registry(..), None) => Err(bad("no schema registry is named")),
    };
    let all = All { schemas: files.iter().map(judged).collect::<Result<_, _>>()? };
    Ok(Done::ended(shown(&all, plan.output)?, all.code(), PASSES))
}

fn alone(file: &SchemaFile, earlier: &[Earlier], level: Level) -> Checked {
    Checked::new(file, None, vec![judge::own(&file.schema, earlier, level)], level)
}

/// By the registry and by ourselves: by its level, and by the one that is asked for where that is another.
fn by_registry(
    file: &SchemaFile,
    registry: &Registry,
    naming: &Naming,
    level: Option<Level>,
) -> Result<Checked, Failure> {
    let subject = subject(file, naming)?;
    let refused = |error| refused_of(&error, Some(&file.path));
    let its = registry.level(&subject).map_err(refused)?;
    let asked = level.unwrap_or(if its == Level::None { USUAL } else { its });
    let earlier =
        before::of_registry(registry, &subject, its.is_transitive() || asked.is_transitive()).map_err(refused)?;
    // What it imports may not be there yet: then the registry says so.
    let text = with_references(registry, &file.schema, false).unwrap_or_else(|_| file.schema.for_registry());
    let judgement = match registry.check(&subject, &text, its.is_transitive()) {
        Ok(judgement) => judgement,
        // So a registry answers where the subject has schemas of another language.
        Err(RegistryError { trouble: Trouble::Invalid(words), .. }) => {
            Judgement { is_compatible: false, messages: vec![words] }
        }
        Err(error) => return Err(refused(error)),
    };
    // Apicurio judges by BACKWARD where its level is NONE.
    let by = if its == Level::None && !judgement.is_compatible { USUAL } else { its };
    let mut opinions = vec![judge::of_registry(judgement, &earlier, by)];
    let own = [by, asked].into_iter().filter(|level| *level != Level::None);
    opinions.extend(own.map(|level| judge::own(&file.schema, &earlier, level)));
    opinions.dedup();
    Ok(Checked::new(file, Some(subject), opinions, asked))
}

/// The subject of a file.
pub(super) fn subject(file: &SchemaFile, naming: &Naming) -> Result<String, Failure> {
    naming.subject(&file.schema.name).ok_or_else(|| {
        bad(format!("{}: it has no title, by which the record, and so the subject, would be named", file.name()))
            .hint("--subject names it")
    })
}

impl Checked {
    fn new(file: &SchemaFile, subject: Option<String>, opinions: Vec<Opinion>, level: Level) -> Self {
        let verdict = Verdict::of(&opinions, level);
        Self { verdict, file: file.name(), record: file.schema.name.clone(), subject, opinions }
    }
}

impl All {
    fn of(&self, verdict: Verdict) -> usize {
        self.schemas.iter().filter(|one| one.verdict == verdict).count()
    }

    fn code(&self) -> ExitCode {
        if self.of(Verdict::Incompatible) > 0 {
            ExitCode::CorrectnessViolated
        } else if self.of(Verdict::Compatible) < self.schemas.len() {
            ExitCode::Unevaluated
        } else {
            ExitCode::Pass
        }
    }
}

impl fmt::Display for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Checked { verdict, file, subject, opinions, .. } in &self.schemas {
            writeln!(f, "{}  {file}", verdict.word().to_uppercase())?;
            if let Some(subject) = subject {
                writeln!(f, "  subject   {subject}")?;
            }
            for opinion in opinions {
                writeln!(f, "  {:<8}  {}", opinion.judge, opinion.sentence())?;
                for finding in &opinion.findings {
                    writeln!(f, "            {finding}")?;
                }
            }
            if *verdict == Verdict::Disputed {
                writeln!(f, "  One of the two is wrong: the registry is at fault, or loadgen is.")?;
            }
        }
        let each = [Verdict::Compatible, Verdict::Incompatible, Verdict::Disputed, Verdict::Undecided];
        let each = each.into_iter().filter(|verdict| self.of(*verdict) > 0);
        let parts: Vec<String> = each.map(|verdict| format!("{} {}", self.of(verdict), verdict.word())).collect();
        writeln!(f, "\n{}: {}", counted(self.schemas.len() as u64, "schema"), parts.join(", "))
    }
}

impl Opinion {
    /// `BACKWARD: compatible with version 3`.
    fn sentence(&self) -> String {
        let Self { level, against, .. } = self;
        let said = match self.verdict {
            _ if against.is_empty() => "nothing went before it".to_owned(),
            Verdict::Compatible => format!("compatible with {against}"),
            Verdict::Incompatible => format!("incompatible with {against}"),
            Verdict::Undecided | Verdict::Disputed => "not judged".to_owned(),
        };
        format!("{level}: {said}")
    }
}
