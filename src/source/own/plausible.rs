//! What is drawn for a field of which nothing is said but its name and its shape.

use super::fit::leaf;
use super::generator::{Generator, Per, Scalar, Text, TimeForm, like};
use super::node::Seed;
use super::pattern::Pattern;
use super::spread::Spread;
use crate::wire::json_schema::{Limit, Limited};
use crate::wire::shape::{Integer, Shape, Unit};

/// How a field's name ends, and what it is like. The first that fits the field decides.
const NAMES: &[(&str, &str)] = &[
    ("first name", "first_name"),
    ("given name", "first_name"),
    ("last name", "last_name"),
    ("family name", "last_name"),
    ("surname", "last_name"),
    ("user name", "username"),
    ("username", "username"),
    ("login", "username"),
    ("company name", "company"),
    ("company", "company"),
    ("product name", "product"),
    ("item name", "product"),
    ("product", "product"),
    ("host name", "host"),
    ("hostname", "host"),
    ("host", "host"),
    ("domain", "host"),
    ("name", "name"),
    ("email", "email"),
    ("e mail", "email"),
    ("mail", "email"),
    ("phone number", "phone"),
    ("phone", "phone"),
    ("mobile", "phone"),
    ("country", "country"),
    ("country code", "country"),
    ("currency", "currency"),
    ("currency code", "currency"),
    ("language", "language"),
    ("locale", "language"),
    ("time zone", "timezone"),
    ("timezone", "timezone"),
    ("device", "device"),
    ("device type", "device"),
    ("platform", "device"),
    ("channel", "device"),
    ("status", "status"),
    ("state", "status"),
    ("colour", "colour"),
    ("color", "colour"),
    ("city", "city"),
    ("town", "city"),
    ("street", "street"),
    ("postcode", "postcode"),
    ("postal code", "postcode"),
    ("zip", "postcode"),
    ("zip code", "postcode"),
    ("address", "address"),
    ("ip", "ip"),
    ("ip address", "ip"),
    ("user agent", "user_agent"),
    ("url", "url"),
    ("uri", "url"),
    ("link", "url"),
    ("referrer", "url"),
    ("website", "url"),
    ("sku", "sku"),
    ("iban", "iban"),
    ("hash", "hash"),
    ("token", "hash"),
    ("checksum", "hash"),
    ("version", "version"),
    ("uuid", "uuid"),
    ("guid", "uuid"),
    ("title", "title"),
    ("subject", "title"),
    ("description", "sentence"),
    ("comment", "sentence"),
    ("message", "sentence"),
    ("note", "sentence"),
    ("notes", "sentence"),
    ("text", "sentence"),
    ("body", "sentence"),
    ("quantity", "quantity"),
    ("qty", "quantity"),
    ("count", "quantity"),
    ("price", "price"),
    ("amount", "price"),
    ("total", "price"),
    ("cost", "price"),
    ("fee", "price"),
    ("tax", "price"),
    ("revenue", "price"),
    ("rating", "rating"),
    ("stars", "rating"),
    ("percent", "percent"),
    ("percentage", "percent"),
    ("discount", "percent"),
    ("age", "age"),
    ("year", "year"),
    ("latitude", "latitude"),
    ("lat", "latitude"),
    ("longitude", "longitude"),
    ("lon", "longitude"),
    ("lng", "longitude"),
];

/// How the names of times end, and in what they count where they are numbers.
const TIMES: &[(&str, Option<Unit>)] = &[
    ("ms", Some(Unit::Millis)),
    ("millis", Some(Unit::Millis)),
    ("us", Some(Unit::Micros)),
    ("micros", Some(Unit::Micros)),
    ("ns", Some(Unit::Nanos)),
    ("nanos", Some(Unit::Nanos)),
];
const TIME_WORDS: [&str; 6] = ["at", "time", "timestamp", "ts", "date", "datetime"];

/// How many members a pool of ids has of which nothing is said, and how unevenly they come.
const IDS: (u64, f64) = (10_000, 0.7);

/// What is drawn for a value of that name; `limits` are those that a schema sets it.
pub(super) fn plausible(name: &str, shape: &Shape, limits: &[&Limited]) -> Generator {
    let words = words(name);
    let candidates = [limited(shape, limits), time(&words), id(name, &words), named(&words)];
    let fitting = candidates.into_iter().flatten().find_map(|generator| fitting(generator, shape, limits));
    fitting.unwrap_or_else(|| by_shape(shape, limits))
}

/// The generator, or one like it, where it gives values of that shape within its limits.
fn fitting(generator: Generator, shape: &Shape, limits: &[&Limited]) -> Option<Generator> {
    let generator = match (generator, shape) {
        (Generator::Whole { min, max, scale: None, spread }, Shape::Integer(bounds)) => {
            let (min, max) = (i128::from(min).max(bounds.min), i128::from(max).min(bounds.max));
            Generator::whole(
                i64::try_from(min).ok()?,
                i64::try_from(max).ok().filter(|max| i128::from(*max) >= min)?,
                spread,
            )
        }
        (Generator::Pool { size, skew, .. }, Shape::Integer(_)) => Generator::Pool { size, skew, form: None },
        // A price in whole units, or in hundredths.
        (Generator::Whole { min, max, scale: Some(_), spread }, Shape::Integer(_)) => {
            Generator::whole(min, max, spread)
        }
        (Generator::Whole { min, max, scale: Some(2), spread }, Shape::Decimal { scale: 0 | 1, .. }) => {
            Generator::whole(min / 100 + 1, max / 100, scaled(spread, 100.0))
        }
        (generator, _) => generator,
    };
    let bounded = limits.iter().any(|limit| matches!(limit, Limited::Range { .. } | Limited::Length { .. }));
    let fits = leaf(&generator, shape, Seed { per: Per::Event, place: 0 }).is_ok();
    (fits && !bounded).then_some(generator)
}

fn scaled(spread: Spread, by: f64) -> Spread {
    match spread {
        Spread::LogNormal { median, sigma } => Spread::LogNormal { median: median / by, sigma },
        spread => spread,
    }
}

/// What a schema's format asks for.
fn limited(shape: &Shape, limits: &[&Limited]) -> Option<Generator> {
    let format = limits.iter().find_map(|limit| match limit {
        Limited::Format(format) => Some(&**format),
        _ => None,
    })?;
    let time = |form| Some(Generator::Time { form, offset: (0, 0) });
    match (format, shape) {
        ("date-time", Shape::Text) => time(TimeForm::Rfc3339),
        ("date", Shape::Text) => time(TimeForm::Date),
        ("email" | "idn-email", _) => like("email"),
        ("uri" | "url" | "iri" | "uri-reference" | "iri-reference", _) => like("url"),
        ("hostname" | "idn-hostname", _) => like("host"),
        ("ipv4", _) => like("ip"),
        ("ipv6", _) => like("ipv6"),
        ("uuid", _) => like("uuid"),
        ("time", _) => like("time"),
        _ => None,
    }
}

fn named(words: &str) -> Option<Generator> {
    let ends_with =
        |ending: &str| words.strip_suffix(ending).is_some_and(|head| head.is_empty() || head.ends_with(' '));
    // The longest ending says most.
    let (_, name) = NAMES.iter().filter(|(ending, _)| ends_with(ending)).max_by_key(|(ending, _)| ending.len())?;
    like(name)
}

fn time(words: &str) -> Option<Generator> {
    let mut from_last = words.rsplit(' ');
    let last = from_last.next()?;
    let form = match TIMES.iter().find(|(ending, _)| *ending == last) {
        Some((_, Some(unit))) => TimeForm::Count(*unit),
        _ if matches!(last, "s" | "sec" | "secs" | "seconds") => TimeForm::Seconds,
        _ => {
            return TIME_WORDS
                .contains(&last)
                .then_some(Generator::Time { form: TimeForm::Count(Unit::Millis), offset: (0, 0) });
        }
    };
    from_last.next().filter(|word| TIME_WORDS.contains(word))?;
    Some(Generator::Time { form, offset: (0, 0) })
}

/// An id of something: `customer_id` is `customer-000042`.
fn id(name: &str, words: &str) -> Option<Generator> {
    let of = words.strip_suffix("id")?;
    let (size, skew) = IDS;
    let form = match of.trim().rsplit(' ').next() {
        _ if !(of.is_empty() || of.ends_with(' ')) => return None,
        Some(of) if !of.is_empty() => format!("{of}-{{:06}}"),
        _ => format!("{}-{{:06}}", name.to_lowercase()),
    };
    Some(Generator::Pool { size, skew, form: super::form::Form::read(&form) })
}

fn by_shape(shape: &Shape, limits: &[&Limited]) -> Generator {
    let range = limits.iter().find_map(|limit| match limit {
        Limited::Range { min, max } => Some((*min, *max)),
        _ => None,
    });
    let length = length(limits);
    match shape {
        Shape::Boolean => Generator::Boolean(0.5),
        Shape::Integer(bounds) => {
            let (min, max) = usual(bounds);
            Generator::whole(min, max, Spread::Even)
        }
        Shape::Float | Shape::Double => {
            let (min, max) = real_bounds(range);
            Generator::Real { min, max, spread: Spread::Even }
        }
        Shape::Decimal { precision, scale, min } => decimal(*precision, *scale, *min, range),
        Shape::Bytes | Shape::Fixed { .. } => Generator::Bytes(8, 32),
        Shape::Uuid(_) => Generator::Uuid,
        Shape::Date | Shape::TimeOfDay(_) | Shape::Timestamp { .. } => {
            Generator::Time { form: TimeForm::Count(Unit::Millis), offset: (0, 0) }
        }
        Shape::Enum { symbols, .. } => {
            let options = symbols.iter().map(|symbol| (Scalar::Text(symbol.clone()), 1.0)).collect();
            Generator::Choice { options, is_enum: true }
        }
        _ => match length.and_then(|(least, most)| Pattern::read(&format!("[a-z]{{{least},{most}}}")).ok()) {
            Some(letters) => Generator::Text(Text::Pattern(letters)),
            None => Generator::Text(Text::Words(1, 3)),
        },
    }
}

/// How many of something a schema asks for.
pub(super) fn length(limits: &[&Limited]) -> Option<(u64, u64)> {
    let (min, max) = limits.iter().find_map(|limit| match limit {
        Limited::Length { min, max } => Some((*min, *max)),
        _ => None,
    })?;
    let few = min.saturating_add(8);
    Some((min, max.map_or(few, |max| max.min(few).max(min))))
}

/// 0 to 999, as far as the bounds allow it.
fn usual(bounds: &Integer) -> (i64, i64) {
    let least = bounds.min.max(0).min(bounds.max);
    let most = (least + 999).min(bounds.max);
    (saturating(least), saturating(most))
}

#[expect(clippy::cast_possible_truncation, reason = "it lies between the bounds of the type")]
fn saturating(number: i128) -> i64 {
    number.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

fn real_bounds(range: Option<(Option<f64>, Option<f64>)>) -> (f64, f64) {
    match range.unwrap_or_default() {
        (None, None) => (0.0, 1_000.0),
        (Some(min), None) => (min, min + 1_000.0),
        (None, Some(max)) => (max - 1_000.0, max),
        (Some(min), Some(max)) => (min, max.max(min)),
    }
}

/// Up to four digits before the point, as far as the field holds them.
#[expect(clippy::cast_possible_truncation, reason = "what fits 18 digits, saturating")]
fn decimal(precision: u32, scale: u32, least: Option<i128>, range: Option<(Option<f64>, Option<f64>)>) -> Generator {
    // The further digits that the field has are zeros.
    let (whole_scale, scale) = (scale, scale.min(4).min(precision));
    let least = least.map(|least| -(-least).div_euclid(10_i128.saturating_pow(whole_scale - scale)));
    let most = 10_i64.pow(precision.min(4 + scale)) - 1;
    let one = 10_f64.powf(f64::from(scale));
    let (mut min, mut max) = (least.map_or(0, saturating).min(most), most);
    if let Some((from, to)) = range {
        min = from.map_or(min, |from| (from * one).ceil() as i64);
        max = to.map_or(max.max(min), |to| (to * one).floor() as i64).max(min);
    }
    Generator::Whole { min, max, scale: Some(scale), spread: Spread::Even }
}

/// A name in lower case, its words apart: `customerId` and `customer_id` are `customer id`.
fn words(name: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    for letter in name.chars() {
        match letter {
            '_' | '-' | '.' | ' ' => out.push(' '),
            letter if letter.is_uppercase() && before.is_lowercase() => {
                out.push(' ');
                out.extend(letter.to_lowercase());
            }
            letter => out.extend(letter.to_lowercase()),
        }
        before = letter;
    }
    out
}

/// The limits of a place.
pub(super) fn at<'a>(limits: &'a [Limit], place: &str) -> Vec<&'a Limited> {
    limits.iter().filter(|limit| limit.path == place).map(|limit| &limit.limit).collect()
}
