//! What an item is at a time: as its properties tell, else derived.

use std::collections::HashMap;

use super::category_tree;
use super::config::Config;
use super::derive::Derivation;
use super::error::LoadError;
use super::properties::{Properties, Valid};
use crate::shop::{Cents, TextId, Vocabulary};
use crate::wire::sink::Escaped;

/// The items' categories and prices.
#[derive(Clone, Debug)]
pub(super) struct Goods {
    derivation: Derivation,
    pub(super) properties: Option<Properties>,
    /// The place of each recorded category in the vocabulary.
    recorded: HashMap<u32, TextId>,
}

impl Goods {
    /// As `config` names the files; with the texts of all categories.
    pub(super) fn load(config: &Config) -> Result<(Self, Vocabulary), LoadError> {
        let properties = match config.item_properties.as_slice() {
            [] => None,
            files => Some(Properties::read(files, config.bad_rows)?),
        };
        let told = properties.as_ref().map_or_else(Vec::new, |properties| properties.categories.distinct());
        let ids: Vec<u64> = told.iter().map(|id| u64::from(*id)).collect();
        let (derivation, mut vocabulary) = match &config.category_tree {
            Some(path) => Derivation::of_ids(&category_tree::leaves(path)?),
            // An item without a category gets one of those that others have.
            None if !ids.is_empty() => Derivation::of_ids(&ids),
            None => Derivation::built_in(),
        };
        let mut recorded = HashMap::with_capacity(told.len());
        for id in told {
            let text = Escaped::new(&id.to_string());
            // Ids are few (1,669 in the whole tree), and this is done once.
            let place = vocabulary.categories.iter().position(|known| *known == text).unwrap_or_else(|| {
                vocabulary.categories.push(text);
                vocabulary.categories.len() - 1
            });
            recorded.insert(id, TextId(u32::try_from(place).unwrap_or(u32::MAX)));
        }
        Ok((Self { derivation, properties, recorded }, vocabulary))
    }

    fn valid(&self, item: u32, time_ms: u64) -> Option<Valid> {
        self.properties.as_ref()?.categories.at(item, time_ms)
    }

    /// The category of an item at a time.
    pub(super) fn category(&self, item: u32, time_ms: u64) -> TextId {
        let recorded = self.valid(item, time_ms).and_then(|valid| self.recorded.get(&valid.value).copied());
        recorded.unwrap_or_else(|| self.derivation.category(item))
    }

    /// The price of an item at a time.
    pub(super) fn price(&self, item: u32, time_ms: u64) -> Cents {
        let recorded = self.properties.as_ref().and_then(|properties| properties.prices.at(item, time_ms));
        recorded.map_or_else(|| self.derivation.price(item, self.derivation.category(item)), |valid| Cents(valid.value))
    }

    /// Notes one event of the round in the facts.
    pub(super) fn count(&mut self, item: u32, time_ms: u64) {
        let valid = self.valid(item, time_ms);
        if let Some(properties) = &mut self.properties {
            let facts = &mut properties.facts;
            facts.events_without_category += u64::from(valid.is_none());
            facts.events_before_first_snapshot += u64::from(valid.is_some_and(|valid| valid.early));
        }
    }

    /// The fields that are not in the files.
    pub(super) fn derived_fields(&self) -> Vec<String> {
        let fields: &[&str] = match &self.properties {
            None => &super::derive::DERIVED_FIELDS,
            Some(_) => &["session_id", "device_type", "quantity", "category and price of items without"],
        };
        fields.iter().map(ToString::to_string).collect()
    }
}
