//! Whether a schema may follow others: what each judge says, and what follows from that.

use serde::Serialize;

use super::before::Earlier;
use crate::registry::{Judgement, Level};
use crate::scenario::formats::SchemaText;
use crate::wire::avro;
use crate::wire::language::Language;

/// What is said of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// It may follow those before it.
    Compatible,
    /// It may not.
    Incompatible,
    /// The registry and loadgen judge by the same rules, and not alike.
    Disputed,
    /// Nobody judges it.
    Undecided,
}

/// What one judge says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Opinion {
    pub(super) judge: &'static str,
    pub(super) level: &'static str,
    pub(super) verdict: Verdict,
    /// What it is held against: `version 3`.
    pub(super) against: String,
    /// What speaks against it, or why it is not judged.
    pub(super) findings: Vec<String>,
}

impl Verdict {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Incompatible => "incompatible",
            Self::Disputed => "disputed",
            Self::Undecided => "undecided",
        }
    }

    /// What follows for a schema that was to be judged by `level`: somebody must call it compatible by just that level, and nobody
    /// may call it incompatible.
    pub(super) fn of(opinions: &[Opinion], level: Level) -> Self {
        let says = |verdict: Self| move |opinion: &&Opinion| opinion.verdict == verdict;
        let incompatible = opinions.iter().find(says(Self::Incompatible));
        let mut compatible = opinions.iter().filter(says(Self::Compatible));
        match incompatible {
            Some(no) if compatible.clone().any(|yes| yes.level == no.level) => Self::Disputed,
            Some(_) => Self::Incompatible,
            None if compatible.any(|yes| yes.level == level.as_str()) => Self::Compatible,
            None => Self::Undecided,
        }
    }
}

/// What a level counts of those before, the oldest of which stand first.
fn counted(earlier: &[Earlier], level: Level) -> &[Earlier] {
    if level.is_transitive() { earlier } else { earlier.last().map_or(&[], std::slice::from_ref) }
}

/// `version 3`, `version 1 to version 3`.
fn called(earlier: &[Earlier], schema: Option<&SchemaText>) -> String {
    match earlier {
        [] => String::new(),
        [only] if schema.is_some_and(|schema| schema.text == only.text) => format!("{}, the same text", only.called),
        [only] => only.called.clone(),
        [first, .., last] => format!("{} to {}", first.called, last.called),
    }
}

/// What a registry says.
pub(super) fn of_registry(mut judgement: Judgement, earlier: &[Earlier], level: Level) -> Opinion {
    let verdict = if judgement.is_compatible { Verdict::Compatible } else { Verdict::Incompatible };
    if !judgement.is_compatible && judgement.messages.is_empty() {
        judgement.messages.push("it does not say why".to_owned());
    }
    Opinion {
        judge: "registry",
        level: level.as_str(),
        verdict,
        against: called(counted(earlier, level), None),
        findings: judgement.messages,
    }
}

/// What loadgen says by itself: of Avro all, of other languages only that a text is the same.
pub(super) fn own(schema: &SchemaText, earlier: &[Earlier], level: Level) -> Opinion {
    let earlier = counted(earlier, level);
    let (mut findings, mut open) = (Vec::new(), Vec::new());
    for before in earlier.iter().filter(|before| before.text != schema.text) {
        let both = (level.looks_backward(), level.looks_forward());
        match pair(schema, before, both) {
            Ok(found) => findings.extend(found),
            Err(why) => open.push(why),
        }
    }
    let verdict = match (findings.is_empty(), open.is_empty()) {
        (false, _) => Verdict::Incompatible,
        (true, false) => Verdict::Undecided,
        (true, true) => Verdict::Compatible,
    };
    open.dedup();
    findings.append(&mut open);
    Opinion { judge: "loadgen", level: level.as_str(), verdict, against: called(earlier, Some(schema)), findings }
}

/// What speaks against a schema that follows another one, or why that is not judged.
fn pair(schema: &SchemaText, before: &Earlier, (backward, forward): (bool, bool)) -> Result<Vec<String>, String> {
    let (language, called) = (schema.language(), &before.called);
    if !backward && !forward {
        return Ok(Vec::new());
    }
    if before.language != language {
        return Ok(vec![format!("it is {language}, and {called} is {}", before.language)]);
    }
    if language != Language::Avro {
        return Err(format!("of {language} a registry alone judges"));
    }
    let parsed = |text: &str, whose: &str| {
        avro::Schema::parse(text).map_err(|error| format!("{whose} cannot be read here: {error}"))
    };
    let (new, old) = (parsed(&schema.text, "it")?, parsed(&before.text, called)?);
    let mut found = Vec::new();
    for (is_asked, reader, writer, says) in [
        (backward, &new, &old, format!("cannot read what {called} wrote")),
        (forward, &old, &new, format!("{called} cannot read what it writes")),
    ] {
        if let (true, Err(errors)) = (is_asked, avro::compatible(reader, writer)) {
            found.extend(errors.iter().map(|error| format!("{says}: {error}")));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
