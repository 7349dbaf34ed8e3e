//! Anonymising: values of named fields are replaced before anything is written.
//!
//! A pseudonym is an HMAC-SHA-256 (RFC 2104) of the value under a key that stays with the user: the same key gives the same pseudonym in
//! every topic and file, so that joins survive, and nobody without the key can try values out. Hashes without a key do not
//! exist here: ids are few enough to try them all.

mod keep;
mod key;
mod record;
mod report;
mod rule;
mod value;

use std::collections::HashSet;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::files::RowProblem;
use crate::files::fields::{Field, Fields, Layout, Token, UnknownField};
use crate::kafka::headers::{Header, Headers};

pub use keep::Anonymised;
pub use key::{Key, KeyError};
pub use record::RecordError;
pub use report::{FieldReport, Group, Report};
pub use rule::{Method, Rule, RuleError};

/// Distinct values of a field that are counted, at most.
const MOST: usize = 1 << 20;

/// What is to be replaced, and by what.
#[derive(Debug)]
pub struct Anonymiser {
    rules: Vec<Rule>,
    key: Option<Key>,
    /// Fields that stay as they are and may still tell who somebody is.
    identifying: Vec<String>,
    /// Where the fields of a layout lie: those of the rules, then the identifying ones.
    fields: Option<(Layout, Fields)>,
    found: Vec<Field>,
    counted: Vec<Counted>,
    records: u64,
    groups: report::Groups,
    /// What the record at hand leaves to tell its group and its person by.
    left: u64,
    person: Option<u64>,
    /// The rule whose pseudonyms tell people apart.
    people: Option<usize>,
}

/// What became of a field's values.
#[derive(Debug, Default)]
struct Counted {
    values: u64,
    unfit: u64,
    before: HashSet<u64>,
    after: HashSet<u64>,
}

/// Why records cannot be anonymised.
#[derive(Debug, thiserror::Error)]
pub enum AnonymiseError {
    /// A key is needed, and there is none.
    #[error("{0} needs a key: nothing else keeps pseudonyms from being tried out")]
    NoKey(String),
    /// A field that such records cannot have.
    #[error("--anonymise: {0}")]
    Field(#[from] UnknownField),
    /// The same field twice.
    #[error("--anonymise names {0} twice")]
    Twice(String),
}

impl Anonymiser {
    /// Replaces as the rules say.
    ///
    /// # Errors
    /// Where rules need a key and there is none, or contradict each other.
    pub fn new(rules: Vec<Rule>, key: Option<Key>, identifying: Vec<String>) -> Result<Self, AnonymiseError> {
        if let Some(rule) = rules.iter().find(|rule| key.is_none() && rule.method.needs_key()) {
            return Err(AnonymiseError::NoKey(rule.to_string()));
        }
        let is_twice = |(at, rule): &(usize, &Rule)| rules[..*at].iter().any(|other| other.field == rule.field);
        if let Some((_, rule)) = rules.iter().enumerate().find(is_twice) {
            return Err(AnonymiseError::Twice(rule.field.clone()));
        }
        let counted = rules.iter().map(|_| Counted::default()).collect();
        let groups = report::Groups::default();
        let people = rules.iter().position(|rule| rule.method == Method::Hmac);
        let (found, fields, left, person) = (Vec::new(), None, 0, None);
        Ok(Self { rules, key, identifying, fields, found, counted, records: 0, groups, left, person, people })
    }

    /// Whether a rule names a field of bodies.
    #[must_use]
    pub fn reads_bodies(&self) -> bool {
        !self.identifying.is_empty() || self.rules.iter().any(|rule| rule.field_of_body().is_some())
    }

    /// The key of a record in the place of `key`.
    pub fn key(&mut self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let Some(place) = self.rules.iter().position(Rule::is_of_key) else { return key.map(<[u8]>::to_vec) };
        let key = key?;
        // What is no text is replaced by what stands for its bytes.
        let text = String::from_utf8_lossy(key);
        self.replace(place, &text, Token::Plain).map(String::into_bytes)
    }

    /// Packs the headers of a record into `out` with their values replaced.
    pub fn headers(&mut self, headers: Headers<'_>, out: &mut Vec<u8>) {
        for header in headers {
            let is_it = |rule: &Rule| rule.header().is_some_and(|name| name.as_bytes() == header.name);
            let place = self.rules.iter().position(is_it);
            let replaced = place.zip(header.value).map(|(place, value)| {
                // What is no text is replaced by what stands for its bytes.
                self.replace(place, &String::from_utf8_lossy(value), Token::Plain)
            });
            let value = replaced.as_ref().map_or(header.value, |new| new.as_deref().map(str::as_bytes));
            Header { value, ..header }.pack(out);
        }
    }

    /// Writes `body` into `out` with its values replaced.
    ///
    /// # Errors
    /// Where its fields cannot be found, or the layout has no such field.
    pub fn body(&mut self, layout: Layout, body: &str, out: &mut Vec<u8>) -> Result<(), BodyError> {
        if self.fields.as_ref().is_none_or(|(known, _)| *known != layout) {
            let names = self.rules.iter().filter_map(Rule::field_of_body);
            let names = names.chain(self.identifying.iter().map(String::as_str));
            self.fields = Some((layout, Fields::new(layout, names).map_err(AnonymiseError::from)?));
        }
        let mut found = std::mem::take(&mut self.found);
        if let Some((_, fields)) = &self.fields {
            fields.find(body, &mut found)?;
        }
        // Of a field within another one that is replaced nothing is left.
        found.sort_by_key(|field| (field.at.start, std::cmp::Reverse(field.at.end)));
        let places: Vec<usize> =
            (0..self.rules.len()).filter(|place| self.rules[*place].field_of_body().is_some()).collect();
        let mut written = 0;
        for field in &found {
            let text = field.text(body);
            match places.get(field.name) {
                None => self.leave(self.rules.len() + field.name, text.as_deref().unwrap_or_default()),
                Some(place) if field.at.start >= written => {
                    out.extend_from_slice(&body.as_bytes()[written..field.at.start]);
                    let value = text.and_then(|text| self.replace(*place, &text, value::shape(body, field)));
                    value::push(out, value.as_deref(), layout, value::shape(body, field));
                    written = field.at.end;
                }
                Some(_) => {}
            }
        }
        out.extend_from_slice(&body.as_bytes()[written..]);
        self.found = found;
        Ok(())
    }

    /// Ends the record of which key and body were given.
    pub fn end_record(&mut self) {
        self.records += 1;
        self.groups.add(std::mem::take(&mut self.left), self.person.take());
    }

    /// What became of the records.
    #[must_use]
    pub fn report(&self) -> Report {
        report::of(self)
    }

    /// The new text of a value; `None` where it is to have none.
    fn replace(&mut self, place: usize, text: &str, token: Token) -> Option<String> {
        let (rule, counted) = (&self.rules[place], &mut self.counted[place]);
        counted.values += 1;
        insert(&mut counted.before, text);
        let ordinal = counted.values;
        let new = match &rule.method {
            Method::Drop => None,
            Method::Prefix(bits) => value::prefix(text, *bits),
            Method::Hmac => self.key.as_ref().map(|key| value::pseudonym(key, text, token)),
            Method::Noise(share) => self.key.as_ref().and_then(|key| value::noisy(key, text, *share, ordinal)),
        };
        counted.unfit += u64::from(new.is_none() && rule.method != Method::Drop);
        if let Some(new) = &new {
            insert(&mut counted.after, new);
            match rule.method {
                Method::Hmac if self.people == Some(place) => self.person = Some(xxh3_64(new.as_bytes())),
                Method::Prefix(_) | Method::Noise(_) => self.leave(place, new),
                Method::Hmac | Method::Drop => {}
            }
        }
        new
    }

    /// Notes a value that is left to tell a group by, with the place of its name.
    fn leave(&mut self, place: usize, text: &str) {
        self.left ^= xxh3_64_with_seed(text.as_bytes(), place as u64);
    }
}

/// Why a body cannot be anonymised.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is at fault.
    #[error(transparent)]
    Body(#[from] RowProblem),
    /// The rules are.
    #[error(transparent)]
    Rules(#[from] AnonymiseError),
}

fn insert(seen: &mut HashSet<u64>, text: &str) {
    if seen.len() < MOST {
        seen.insert(xxh3_64(text.as_bytes()));
    }
}

#[cfg(test)]
mod tests;
