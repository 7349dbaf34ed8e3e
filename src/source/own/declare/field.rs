//! What is drawn for a field.

use toml::{Table, Value};

use super::super::error::{Keys, OwnError};
use super::super::form::Form;
use super::super::generator::{Declared, Fields, Generator, Per, Scalar, Text, TimeForm, known_names, like};
use super::super::pattern::Pattern;
use super::super::spread::Spread;
use super::read::{decimals, finite, length, meant, offsets, reals, refuse_unknown, scalar, share, text, wholes};
use crate::source::synthetic::{MOST_MEMBERS, STEEPEST_SKEW};
use crate::wire::shape::Unit;

/// The generators, and which further keys each has.
const GENERATORS: [(&str, &[&str]); 18] = [
    ("constant", &[]),
    ("choice", &[]),
    ("enum", &[]),
    ("integer", &SPREAD),
    ("decimal", &["scale", "skew", "mean", "deviation", "median", "sigma"]),
    ("double", &SPREAD),
    ("pool", &["skew", "format"]),
    ("sequence", &["format"]),
    ("pattern", &[]),
    ("words", &[]),
    ("sentences", &[]),
    ("like", &[]),
    ("boolean", &[]),
    ("timestamp", &["offset"]),
    ("bytes", &[]),
    ("array", &["of"]),
    ("map", &["keys", "of"]),
    ("record", &["name"]),
];
/// The key of the one that stands for another field.
const SAME: &str = "same";
const SPREAD: [&str; 5] = ["skew", "mean", "deviation", "median", "sigma"];
const EVERYWHERE: [&str; 2] = ["null", "per"];

const MOST_FIELDS: usize = 1_000;
const MOST_OPTIONS: usize = 10_000;
const LONGEST_ARRAY: u64 = 10_000;
const LONGEST_BYTES: u64 = 1 << 20;
const MOST_WORDS: u64 = 10_000;
const DEEPEST: usize = 16;

/// The fields of a record.
pub(super) fn fields(table: &Table, keys: &Keys, depth: usize) -> Result<Fields, OwnError> {
    if table.len() > MOST_FIELDS {
        return Err(keys.error(format!("{} fields: there can be {MOST_FIELDS}", table.len())));
    }
    table.iter().map(|(name, value)| Ok((name.as_str().into(), field(value, &keys.at(name), depth + 1)?))).collect()
}

fn field(value: &Value, keys: &Keys, depth: usize) -> Result<Declared, OwnError> {
    if depth > DEEPEST {
        return Err(keys.error(format!("fields lie more than {DEEPEST} deep in one another")));
    }
    match value {
        Value::String(name) => likeness(name, keys).map(Declared::of),
        Value::Table(table) => declared(table, keys, depth),
        value => Err(keys
            .error(format!("{value} says nothing of what is drawn"))
            .hint("a field is a name as in email = \"email\", or a table as in { integer = [1, 5] }")),
    }
}

fn likeness(name: &str, keys: &Keys) -> Result<Generator, OwnError> {
    like(name).ok_or_else(|| {
        let known: Vec<&str> = known_names().collect();
        keys.error(format!("nothing is known that is like \"{name}\"")).hint(meant(name, &known))
    })
}

fn declared(table: &Table, keys: &Keys, depth: usize) -> Result<Declared, OwnError> {
    let names = || GENERATORS.iter().map(|(name, _)| *name).chain([SAME]);
    let mut given = names().filter(|name| table.contains_key(*name));
    let (Some(name), further) = (given.next(), given.next()) else {
        let all: Vec<&str> = names().collect();
        let unknown = table.keys().find(|key| !EVERYWHERE.contains(&key.as_str()));
        return Err(match unknown {
            Some(key) => keys.at(key).error(format!("unknown generator \"{key}\"")).hint(meant(key, &all)),
            None => keys.error("nothing says what is drawn").hint(format!("one of: {}", all.join(", "))),
        });
    };
    if let Some(other) = further {
        return Err(keys.error(format!("{name} and {other} exclude each other")).hint("keep one of them"));
    }
    let own = GENERATORS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, own)| *own);
    refuse_unknown(table, keys, &[&[name], own, &EVERYWHERE].concat())?;
    let null = table.get("null").map(|value| share(value, &keys.at("null"))).transpose()?;
    let per = match table.get("per").map(|value| (value, value.as_str())) {
        None | Some((_, Some("event"))) => Per::Event,
        Some((_, Some("key"))) => Per::Key,
        Some((_, Some("session"))) => Per::Session,
        Some((value, _)) => {
            return Err(keys.at("per").error(format!("{value} is none of \"event\", \"key\", \"session\"")));
        }
    };
    let generator = Reader { table, keys, depth }.generator(name, &keys.at(name))?;
    Ok(Declared { generator, null, per })
}

struct Reader<'a> {
    table: &'a Table,
    keys: &'a Keys,
    depth: usize,
}

impl Reader<'_> {
    fn generator(&self, name: &str, at: &Keys) -> Result<Generator, OwnError> {
        let Some(value) = self.table.get(name) else { return Err(at.error("it is not there")) };
        Ok(match name {
            "constant" => Generator::constant(scalar(value, at)?),
            "choice" | "enum" => choice(value, name == "enum", at)?,
            "integer" => {
                let (min, max) = wholes(value, at)?;
                Generator::Whole { min, max, scale: None, spread: self.spread()? }
            }
            "decimal" => self.decimal(value, at)?,
            "double" => {
                let (min, max) = reals(value, at)?;
                match self.spread()? {
                    Spread::Zipf(_) => return Err(self.keys.at("skew").error("a skew is one of whole numbers")),
                    spread => Generator::Real { min, max, spread },
                }
            }
            "pool" => {
                let size = value.as_integer().and_then(|size| u64::try_from(size).ok());
                let size = size.filter(|size| (1..=MOST_MEMBERS).contains(size));
                let size = size.ok_or_else(|| {
                    at.error(format!("{value} is no size of a pool: it has 1 to {MOST_MEMBERS} members"))
                })?;
                Generator::Pool { size, skew: self.skew()?.unwrap_or(0.0), form: self.form()? }
            }
            "sequence" => {
                let start = value.as_integer().filter(|start| start.unsigned_abs() <= 1 << 62);
                let start = start.ok_or_else(|| at.error(format!("{value} is no number to start with")))?;
                Generator::Sequence { start, form: self.form()? }
            }
            "pattern" => {
                Generator::Text(Text::Pattern(Pattern::read(&text(value, at)?).map_err(|problem| at.error(problem))?))
            }
            "words" => length(value, MOST_WORDS, at).map(|(least, most)| Generator::Text(Text::Words(least, most)))?,
            "sentences" => {
                length(value, MOST_WORDS, at).map(|(least, most)| Generator::Text(Text::Sentences(least, most)))?
            }
            "like" => likeness(&text(value, at)?, at)?,
            "boolean" => Generator::Boolean(share(value, at)?),
            "timestamp" => Generator::Time { form: time_form(value, at)?, offset: self.offset()? },
            "bytes" => length(value, LONGEST_BYTES, at).map(|(least, most)| Generator::Bytes(least, most))?,
            "array" => Generator::Array { length: length(value, LONGEST_ARRAY, at)?, of: self.of()? },
            "map" => self.map(value, at)?,
            "record" => {
                let Value::Table(table) = value else { return Err(at.error("a record is a table of fields")) };
                let name = self.table.get("name").map(|name| text(name, &self.keys.at("name"))).transpose()?;
                Generator::Record { name: name.map(Into::into), fields: fields(table, at, self.depth)? }
            }
            _ => Generator::Same(text(value, at)?.into()),
        })
    }

    fn decimal(&self, value: &Value, at: &Keys) -> Result<Generator, OwnError> {
        let (least, most) = decimals(value, at)?;
        let scale = match self.table.get("scale") {
            None => least.scale.max(most.scale).max(if least.scale + most.scale == 0 { 2 } else { 0 }),
            Some(scale) => scale
                .as_integer()
                .and_then(|scale| u32::try_from(scale).ok())
                .filter(|scale| (1..=18).contains(scale))
                .ok_or_else(|| self.keys.at("scale").error(format!("{scale} is no number of digits from 1 to 18")))?,
        };
        let (Some(min), Some(max)) = (least.at_scale(scale), most.at_scale(scale)) else {
            return Err(at.error(format!("{value} does not fit {scale} digits behind the point, or 18 in all")));
        };
        if min > max {
            return Err(at.error(format!("the range is upside down: {value}")));
        }
        let one = 10_f64.powf(f64::from(scale));
        let spread = match self.spread()? {
            Spread::Normal { mean, deviation } => Spread::Normal { mean: mean * one, deviation: deviation * one },
            Spread::LogNormal { median, sigma } => Spread::LogNormal { median: median * one, sigma },
            spread => spread,
        };
        Ok(Generator::Whole { min, max, scale: Some(scale), spread })
    }

    fn map(&self, value: &Value, at: &Keys) -> Result<Generator, OwnError> {
        let keys = match self.table.get("keys") {
            None => Vec::new(),
            Some(Value::Array(keys)) if keys.len() <= MOST_OPTIONS => {
                let at = self.keys.at("keys");
                let keys =
                    keys.iter().map(|key| text(key, &at).map(Into::into)).collect::<Result<Vec<Box<str>>, _>>()?;
                if let Some(twice) = keys.iter().enumerate().find(|(place, key)| keys[..*place].contains(key)) {
                    return Err(at.error(format!("\"{}\" is there twice", twice.1)));
                }
                keys
            }
            Some(_) => {
                return Err(self.keys.at("keys").error(format!("keys are a list of at most {MOST_OPTIONS} texts")));
            }
        };
        let length = length(value, if keys.is_empty() { LONGEST_ARRAY } else { keys.len() as u64 }, at)?;
        Ok(Generator::Map { length, keys, of: self.of()? })
    }

    fn of(&self) -> Result<Option<Box<Declared>>, OwnError> {
        let of = self.table.get("of").map(|value| field(value, &self.keys.at("of"), self.depth + 1));
        Ok(of.transpose()?.map(Box::new))
    }

    fn form(&self) -> Result<Option<Form>, OwnError> {
        let Some(value) = self.table.get("format") else { return Ok(None) };
        let at = self.keys.at("format");
        let no = || at.error(format!("{value} has no place for a number: write {{}}, as in \"cust-{{:06}}\""));
        Form::read(&text(value, &at)?).map(Some).ok_or_else(no)
    }

    fn offset(&self) -> Result<(i64, i64), OwnError> {
        self.table.get("offset").map_or(Ok((0, 0)), |value| offsets(value, &self.keys.at("offset")))
    }

    fn skew(&self) -> Result<Option<f64>, OwnError> {
        let Some(value) = self.table.get("skew") else { return Ok(None) };
        let at = self.keys.at("skew");
        let skew = finite(value, &at)?;
        if (0.0..=STEEPEST_SKEW).contains(&skew) {
            return Ok(Some(skew));
        }
        Err(at.error(format!("{value} is no skew: a skew is a number from 0 (even) to {STEEPEST_SKEW}")))
    }

    fn spread(&self) -> Result<Spread, OwnError> {
        let one = |key: &str| {
            let value = self.table.get(key).map(|value| (value, self.keys.at(key)));
            value.map(|(value, at)| finite(value, &at)).transpose()
        };
        let above_zero = |key: &str, value: f64| match value {
            value if value > 0.0 => Ok(value),
            value => Err(self.keys.at(key).error(format!("{value} is not above 0"))),
        };
        match (self.skew()?, one("mean")?, one("deviation")?, one("median")?, one("sigma")?) {
            (None, None, None, None, None) => Ok(Spread::Even),
            (Some(skew), None, None, None, None) => Ok(Spread::Zipf(skew)),
            (None, Some(mean), Some(deviation), None, None) => {
                Ok(Spread::Normal { mean, deviation: above_zero("deviation", deviation)? })
            }
            (None, None, None, Some(median), Some(sigma)) => {
                Ok(Spread::LogNormal { median: above_zero("median", median)?, sigma: above_zero("sigma", sigma)? })
            }
            _ => Err(self
                .keys
                .error("how the numbers are spread is not clear")
                .hint("nothing: evenly; skew: Zipf; mean and deviation: normal; median and sigma: log-normal")),
        }
    }
}

fn choice(value: &Value, is_enum: bool, at: &Keys) -> Result<Generator, OwnError> {
    let options = match value {
        Value::Array(options) => {
            options.iter().map(|option| Ok((scalar(option, at)?, 1.0))).collect::<Result<Vec<_>, _>>()?
        }
        Value::Table(options) => {
            let option = |(name, weight): (&String, &Value)| {
                let at = at.at(name);
                let weight = finite(weight, &at).ok().filter(|weight| (0.0..=1e12).contains(weight));
                let weight = weight.ok_or_else(|| at.error("its weight is no number from 0 up to 1e12"))?;
                Ok((Scalar::Text(name.as_str().into()), weight))
            };
            options.iter().map(option).collect::<Result<Vec<_>, _>>()?
        }
        value => return Err(at.error(format!("{value} is neither a list of options nor a table of their weights"))),
    };
    if options.is_empty() {
        return Err(at.error("there is no option to choose"));
    }
    if options.len() > MOST_OPTIONS {
        return Err(at.error(format!("{} options: there can be {MOST_OPTIONS}", options.len())));
    }
    if options.iter().all(|(_, weight)| *weight == 0.0) {
        return Err(at.error("every option has the weight 0"));
    }
    if options.iter().any(|(option, _)| std::mem::discriminant(option) != std::mem::discriminant(&options[0].0)) {
        return Err(at.error("the options are of several types"));
    }
    if is_enum && !matches!(options[0].0, Scalar::Text(_)) {
        return Err(at.error("the symbols of an enum are texts"));
    }
    Ok(Generator::Choice { options, is_enum })
}

fn time_form(value: &Value, at: &Keys) -> Result<TimeForm, OwnError> {
    Ok(match value.as_str() {
        Some("s") => TimeForm::Seconds,
        Some("ms") => TimeForm::Count(Unit::Millis),
        Some("us") => TimeForm::Count(Unit::Micros),
        Some("ns") => TimeForm::Count(Unit::Nanos),
        Some("rfc3339") => TimeForm::Rfc3339,
        Some("date") => TimeForm::Date,
        _ => return Err(at.error(format!("{value} is none of \"s\", \"ms\", \"us\", \"ns\", \"rfc3339\", \"date\""))),
    })
}
