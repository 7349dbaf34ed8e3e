//! Whether a scorer looked at what there was to be seen: the features that stand in its records against those that the log gives.

use std::collections::HashMap;

use crate::fraud::{Features, NAMES, Reader, Window};
use crate::report::{FeatureSkew, SkewReport};
use crate::wire::fields;

/// Events of which only one side is known that are kept; of more, nothing is compared.
const WAITING: usize = 200_000;
/// Features that differ by less are the same: they are sums and means of few decimals.
const SAME: f64 = 1e-9;

/// Features as a record tells them.
type ReportedFeatures = [Option<f64>; NAMES.len()];

/// What is known of one event.
#[derive(Debug)]
enum OneSide {
    Computed(Box<Features>),
    ReportedFeatures(Box<ReportedFeatures>),
}

/// Both sides, as far as they are there.
#[derive(Debug)]
pub(super) struct Skew {
    at: Vec<Box<str>>,
    names: fields::Finder,
    reader: Reader,
    windows: HashMap<usize, Window>,
    known: HashMap<u128, OneSide>,
    report: SkewReport,
    features: [FeatureSkew; NAMES.len()],
}

impl Skew {
    pub(super) fn new(at: &[Box<str>]) -> Self {
        Self {
            at: at.to_vec(),
            names: fields::Finder::of(&NAMES),
            reader: Reader::default(),
            windows: HashMap::new(),
            known: HashMap::new(),
            report: SkewReport::default(),
            features: NAMES.map(|name| FeatureSkew { name: name.to_owned(), ..FeatureSkew::default() }),
        }
    }

    /// Takes the next record of a partition of the input.
    pub(super) fn compute(&mut self, partition: usize, offset: i64, body: &[u8]) {
        let Some(event) = self.reader.read(body) else { return };
        let features = self.windows.entry(partition).or_default().take(offset, &event);
        let Some(id) = uuid::Uuid::try_parse_ascii(&event.id).ok().map(|id| id.as_u128()) else { return };
        match self.known.remove(&id) {
            Some(OneSide::ReportedFeatures(told)) => self.compare(&features, &told),
            _ => self.keep(id, OneSide::Computed(Box::new(features))),
        }
    }

    /// Takes a record of a scorer.
    pub(super) fn tell(&mut self, id: u128, body: &[u8]) {
        let object = fields::at(body, &self.at);
        let Some(found) = object.and_then(|object| self.names.find(object)) else {
            self.report.without += 1;
            return;
        };
        let number = |value: Option<&[u8]>| std::str::from_utf8(value?).ok()?.parse().ok();
        let mut told: ReportedFeatures = [None; NAMES.len()];
        for (feature, told) in told.iter_mut().enumerate() {
            *told = number(found.get(feature));
        }
        match self.known.remove(&id) {
            Some(OneSide::Computed(features)) => self.compare(&features, &told),
            _ => self.keep(id, OneSide::ReportedFeatures(Box::new(told))),
        }
    }

    fn keep(&mut self, id: u128, known: OneSide) {
        if self.known.len() < WAITING {
            self.known.insert(id, known);
        }
    }

    fn compare(&mut self, computed: &Features, told: &ReportedFeatures) {
        self.report.compared += 1;
        let mut differs = false;
        for ((feature, computed), told) in self.features.iter_mut().zip(computed).zip(told) {
            let off = told.map_or(f64::INFINITY, |told| (told - computed).abs());
            if off > SAME * computed.abs().max(1.0) {
                differs = true;
                feature.differing += 1;
                // A feature that is not there is as far off as the value that it should have.
                feature.largest = feature.largest.max(if off.is_finite() { off } else { computed.abs() });
            }
        }
        self.report.differing += u64::from(differs);
    }

    pub(super) fn end(self) -> SkewReport {
        let features = self.features.into_iter().filter(|feature| feature.differing > 0).collect();
        SkewReport { features, ..self.report }
    }
}
