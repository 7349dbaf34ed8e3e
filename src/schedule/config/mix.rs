//! In which versions of their schemas the events of a phase are written: `schema = "v2"` or `schema = { v1 = 70, v2 = 30 }`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names of versions, each with its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaMix(Vec<(String, f64)>);

impl SchemaMix {
    /// The versions that come, each with its weight, in the order in which they are written.
    pub fn versions(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().filter(|(_, weight)| *weight > 0.0).map(|(name, weight)| (name.as_str(), *weight))
    }
}

impl<'de> Deserialize<'de> for SchemaMix {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "the name of a version, or a table of versions and weights")]
        enum Written {
            Only(String),
            Mix(toml::Table),
        }
        let weights = match Written::deserialize(value)? {
            Written::Only(name) => return Ok(Self(vec![(name, 1.0)])),
            Written::Mix(weights) => weights,
        };
        let weight = |(name, value): (String, toml::Value)| {
            #[expect(clippy::cast_precision_loss, reason = "a weight")]
            let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
            match number.filter(|number| (0.0..=1e12).contains(number)) {
                Some(number) => Ok((name, number)),
                None => Err(D::Error::custom(format!(
                    "the weight of {name} is {value}: a weight is a number from 0 up to 1e12"
                ))),
            }
        };
        let mix = Self(weights.into_iter().map(weight).collect::<Result<_, _>>()?);
        if mix.versions().next().is_none() {
            return Err(D::Error::custom("every weight is 0: no version would come"));
        }
        Ok(mix)
    }
}

impl Serialize for SchemaMix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [(only, _)] => only.serialize(serializer),
            mix => serializer.collect_map(mix.iter().map(|(name, weight)| (name, weight))),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::schedule::PhaseConfig;

    fn mix(schema: &str) -> Result<Vec<(String, f64)>, String> {
        let config: PhaseConfig =
            toml::from_str(&format!("schema = {schema}")).map_err(|error| error.message().to_owned())?;
        let again: PhaseConfig = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config, "it can be written down");
        Ok(config.schema.unwrap().versions().map(|(name, weight)| (name.to_owned(), weight)).collect())
    }

    #[test]
    fn a_phase_names_a_version_or_several_with_their_weights() {
        assert_eq!(mix("\"v2\"").unwrap(), [("v2".to_owned(), 1.0)]);
        assert_eq!(mix("{ v2 = 30, v1 = 70.5 }").unwrap(), [("v2".to_owned(), 30.0), ("v1".to_owned(), 70.5)]);
        assert_eq!(mix("{ v1 = 1, v2 = 0 }").unwrap(), [("v1".to_owned(), 1.0)]);
        for (wrong, told) in [
            ("{ v1 = 0 }", "every weight is 0"),
            ("{ v1 = -1 }", "the weight of v1 is -1"),
            ("{ v1 = \"a\" }", "the weight of v1"),
            ("7", "the name of a version, or a table of versions and weights"),
        ] {
            assert!(mix(wrong).unwrap_err().contains(told), "{wrong}: {:?}", mix(wrong));
        }
    }
}
