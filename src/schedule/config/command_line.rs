//! A shape on the command line: `ramp:100/s..10000/s`, `sine:mean=5000/s,amplitude=2000/s,period=60s`,
//! `steps:1000,2000,5000,each=30s`, `poisson:500/s`.
//!
//! After the schedule's name come its fields, separated by commas, with the names that they have in a scenario. `a..b`
//! stands for `from=a,to=b`; a bare rate for the `rate`, for one of the `rates` of steps, or for the `speed` of a replay.

use std::str::FromStr;

use serde::Deserialize;
use toml::{Table, Value};

use super::{Kind, PhaseConfig};

/// Why a text is no shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeTextError {
    /// A number with a comma in it.
    #[error("\"{0}\" in a shape: a comma separates fields, so write 10000 or 10_000 rather than 10,000")]
    Comma(String),
    /// A bare value where the schedule takes none.
    #[error("schedule \"{kind}\" has no use for a bare \"{value}\": name the field, as in {example}")]
    Bare {
        /// The schedule.
        kind: Kind,
        /// The value.
        value: String,
        /// How it would be right.
        example: &'static str,
    },
    /// The same field twice.
    #[error("`{0}` is given twice")]
    Twice(String),
    /// An unknown schedule or field, or a value that is none.
    #[error("shape \"{shape}\": {message}")]
    Field {
        /// As written.
        shape: String,
        /// What is wrong.
        message: String,
    },
}

impl FromStr for PhaseConfig {
    type Err = ShapeTextError;

    fn from_str(text: &str) -> Result<Self, ShapeTextError> {
        let refused = |error: &toml::de::Error| ShapeTextError::Field {
            shape: text.to_owned(),
            message: error.message().to_owned(),
        };
        let (name, fields) = text.split_once(':').unwrap_or((text, ""));
        let kind = Kind::deserialize(Value::from(name.trim())).map_err(|error| refused(&error))?;
        let mut table = Table::new();
        table.insert("schedule".to_owned(), Value::from(name.trim()));
        for field in fields.split(',').map(str::trim).filter(|field| !field.is_empty()) {
            if let Some((key, value)) = field.split_once('=') {
                put(&mut table, key.trim(), scalar(value.trim()))?;
            } else if let Some((from, to)) = field.split_once("..") {
                put(&mut table, "from", Value::from(from.trim()))?;
                put(&mut table, "to", Value::from(to.trim()))?;
            } else {
                put_bare(&mut table, kind, field)?;
            }
        }
        Self::deserialize(table).map_err(|error| refused(&error))
    }
}

fn put(table: &mut Table, key: &str, value: Value) -> Result<(), ShapeTextError> {
    match table.insert(key.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(ShapeTextError::Twice(key.to_owned())),
    }
}

fn put_bare(table: &mut Table, kind: Kind, value: &str) -> Result<(), ShapeTextError> {
    let mut digits = value.bytes();
    if digits.next() == Some(b'0') && digits.next().is_some_and(|byte| byte.is_ascii_digit()) {
        return Err(ShapeTextError::Comma(value.to_owned()));
    }
    let bare = |example| Err(ShapeTextError::Bare { kind, value: value.to_owned(), example });
    match kind {
        Kind::Constant | Kind::Poisson | Kind::Bursts => put(table, "rate", Value::from(value)),
        Kind::Replay => put(table, "speed", Value::from(value)),
        Kind::Steps => {
            let rates = table.entry("rates").or_insert_with(|| Value::Array(Vec::new()));
            match rates.as_array_mut() {
                Some(list) => list.push(Value::from(value)),
                None => return Err(ShapeTextError::Twice("rates".to_owned())),
            }
            Ok(())
        }
        Kind::Ramp => bare("ramp:100/s..10000/s"),
        Kind::Sine => bare("sine:mean=5000/s,amplitude=2000/s,period=60s"),
        Kind::Spike => bare("spike:base=1000/s,peak=20000/s,at=30s,hold=5s"),
        Kind::Curve => bare("curve:file=rates.csv"),
        Kind::Unlimited => bare("unlimited"),
    }
}

/// A seed must stand as a number; rates may. No text of a shape is `true` or `false`.
fn scalar(text: &str) -> Value {
    match text.parse::<bool>() {
        Ok(truth) => Value::from(truth),
        Err(_) => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Nanos;
    use crate::schedule::{Phase, Schedule};

    fn shape(text: &str) -> PhaseConfig {
        text.parse().unwrap()
    }

    fn refusal(text: &str) -> String {
        text.parse::<PhaseConfig>().unwrap_err().to_string()
    }

    #[test]
    fn shapes_are_read_as_scenarios_have_them() {
        for (text, scenario) in [
            ("constant:500/s", "rate = \"500/s\""),
            ("unlimited", "schedule = \"unlimited\""),
            ("ramp:100/s..10000/s", "schedule = \"ramp\"\nfrom = \"100/s\"\nto = 10000"),
            (
                "ramp: 100/s .. 10000/s, growth = exponential, over = 30s",
                "schedule = \"ramp\"\nfrom = 100\nto = 10000\ngrowth = \"exponential\"\nover = \"30s\"",
            ),
            (
                "sine:mean=5000/s,amplitude=2000/s,period=60s",
                "schedule = \"sine\"\nmean = \"5000/s\"\namplitude = 2000.0\nperiod = \"1m\"",
            ),
            ("steps:1000,2000,5000,each=30s", "schedule = \"steps\"\nrates = [1000, 2000, 5000]\neach = \"30s\""),
            ("steps:0..1000,step=100,each=1s", "schedule = \"steps\"\nfrom = 0\nto = 1000\nstep = 100\neach = \"1s\""),
            ("poisson:500/s,seed=7", "schedule = \"poisson\"\nrate = 500\nseed = 7"),
            ("bursts:1000,on=1s,off=9s", "schedule = \"bursts\"\nrate = 1000\non = \"1s\"\noff = \"9s\""),
            ("replay:100x", "schedule = \"replay\"\nspeed = 100"),
            ("curve:file=day.csv", "schedule = \"curve\"\nfile = \"day.csv\""),
            ("curve:file=day.csv,repeat=true", "schedule = \"curve\"\nfile = \"day.csv\"\nrepeat = true"),
        ] {
            assert_eq!(shape(text), toml::from_str(scenario).unwrap(), "{text}");
        }
    }

    #[test]
    fn a_shape_makes_a_schedule() {
        let config = PhaseConfig { duration: Some("60s".parse().unwrap()), ..shape("ramp:100/s..10000/s") };
        let schedule = Schedule::new(vec![Phase::try_from(config).unwrap()], None).unwrap();
        assert_eq!(schedule.count(), Some(303_000));
        assert_eq!(schedule.ends_at(), Some(Nanos::from_secs(60)));
        assert_eq!(schedule.name(), "ramp");
    }

    #[test]
    fn what_is_no_shape_is_refused_with_a_reason() {
        assert!(refusal("square:5").contains("unknown variant `square`"), "{}", refusal("square:5"));
        assert!(refusal("sine:meen=5").contains("unknown field `meen`"), "{}", refusal("sine:meen=5"));
        assert!(refusal("ramp:fast..100").contains("\"fast\" is no rate"));
        assert!(refusal("ramp:-1..100").contains("\"-1\" is no rate"));
        assert!(refusal("steps:1,000/s,each=1s").contains("10_000"));
        assert!(refusal("sine:5000").contains("mean=5000/s"));
        assert!(refusal("constant:1,rate=2").contains("`rate` is given twice"));
        assert!(refusal("steps:each=30,1").contains("\"30\" is no duration"));
        assert!(refusal("poisson:1,seed=x").contains("invalid type"));
    }
}
