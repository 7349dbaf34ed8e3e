//! What makes an object an event: whether it fits its type, and what its key is.

use serde_json::Value;

use super::outline::{self, Member};
use crate::event::catalogue::Catalogue;
use crate::event::invalid::Invalid;
use crate::source::web::{Body, Offer, RESERVED};
use crate::wire::json;

/// What all events of this collector have in common.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) pass_through: bool,
    /// Where keys stand, the first that is there; empty for those of the shapes.
    pub(super) key_fields: &'a [String],
    /// When the request arrived, as RFC 3339 has it.
    pub(super) received_at: String,
}

impl Rules<'_> {
    /// An event of a declared type, or of any, where all are passed through. `named` is what its type is called, where that stands
    /// outside of it.
    pub(super) fn event(&self, event: &str, named: Option<&str>) -> Result<Offer, String> {
        if self.pass_through {
            let members = outline::members(event).ok_or("it is no object")?;
            let key = self.key(&members, &["userId", "anonymousId", "user_id"])?;
            return self.open(crate::source::web::PASSED, &members, key);
        }
        let Ok(Value::Object(object)) = serde_json::from_str(event) else {
            return Err("it is no object".to_owned());
        };
        let by_name = named.and_then(|name| self.catalogue.find(name).ok());
        let kind = match by_name {
            Some(kind) => kind,
            None => self.catalogue.type_of(&object).map_err(|why| match why {
                // Of the open types nobody names one.
                Invalid::Missing(field) if RESERVED.contains(&field.as_str()) => self.reason(&Invalid::UnknownType),
                why => self.reason(&why),
            })?,
        };
        let declared = self.catalogue.declared(kind).filter(|declared| !declared.open);
        let declared = declared.ok_or_else(|| self.reason(&Invalid::UnknownType))?;
        json::give(&declared.record, declared.id.field(), &object, &mut ())
            .map_err(|misfit| self.reason(&Invalid::from(misfit)))?;
        Ok(Offer { kind, body: Body::Fields(object) })
    }

    /// An event of an open type.
    pub(super) fn open(&self, kind: &str, members: &[Member<'_>], key: String) -> Result<Offer, String> {
        let kind = self.catalogue.find(kind).map_err(|error| error.to_string())?;
        if key.bytes().any(|byte| matches!(byte, b'"' | b'\\' | ..=0x1f)) {
            return Err("its key has a quote, a backslash or a control character".to_owned());
        }
        let mut text = String::with_capacity(members.iter().map(|one| one.quoted.len() + one.value.len() + 2).sum());
        for Member { quoted, value } in members {
            if RESERVED.iter().any(|reserved| quoted[1..].strip_suffix('"') == Some(*reserved)) {
                return Err(format!("{quoted} is a name that the collector puts in itself"));
            }
            text.extend([",", quoted, ":", value]);
        }
        Ok(Offer { kind, body: Body::Open { key: key.into(), members: text.into() } })
    }

    /// The key of an event: what stands at the first of the fields that has a text or a number. Where no field is asked for and none
    /// of the `usual` ones is there, it is by chance, which spreads such events evenly.
    pub(super) fn key(&self, members: &[Member<'_>], usual: &[&str]) -> Result<String, String> {
        if self.key_fields.is_empty() {
            let found = usual.iter().find_map(|path| at(members, path));
            return Ok(found.unwrap_or_else(|| rand::random::<u64>().to_string()));
        }
        let found = self.key_fields.iter().find_map(|path| at(members, path));
        found.ok_or_else(|| format!("it has no key: {} is neither a text nor a number", self.key_fields.join(" or ")))
    }

    fn reason(&self, why: &Invalid) -> String {
        match why {
            Invalid::Missing(field) => format!("{field} is missing"),
            Invalid::WrongType(field) => format!("{field} holds another type of value than it may"),
            Invalid::OutOfRange(field) => format!("{field} holds none of the values that it may"),
            Invalid::UnknownType => {
                let known = self.catalogue.types().filter(|(_, declared)| !declared.open);
                let known: Vec<_> = known.map(|(_, declared)| &*declared.name).collect();
                format!("it is of none of the types {}", known.join(", "))
            }
            other => other.name().into_owned(),
        }
    }
}

/// The text or number at a path such as `context.session`.
pub(super) fn at(members: &[Member<'_>], path: &str) -> Option<String> {
    let (name, below) = path.split_once('.').map_or((path, None), |(name, below)| (name, Some(below)));
    let value = find(members, name)?;
    match below {
        Some(below) => at(&outline::members(value)?, below),
        None => match value.as_bytes().first()? {
            b'"' => outline::text(value).filter(|text| !text.is_empty()),
            b'-' | b'0'..=b'9' => Some(value.to_owned()),
            _ => None,
        },
    }
}

/// The value of a member.
pub(super) fn find<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    let is_it = |member: &&Member<'_>| {
        let inside = &member.quoted[1..member.quoted.len() - 1];
        inside == name || (inside.contains('\\') && outline::text(member.quoted).as_deref() == Some(name))
    };
    members.iter().rfind(is_it).map(|member| member.value)
}
