//! The texts of a run, composed once from [`super::words`], and which of them go with a category or a rating.

use std::ops::Range;
use std::sync::Arc;

use rand::seq::SliceRandom as _;

use super::super::stream::{Purpose, Stream, below, key};
use super::words::{COMMON_FILTERS, Category, DEPARTMENTS, Department, OPINIONS, QUERY_PREFIXES, QUERY_SUFFIXES};
use crate::shop::{TextId, Vocabulary};
use crate::wire::sink::Escaped;

/// How many categories the tree has.
pub(super) const CATEGORIES: usize = 24;

/// How many of them each department has, one after the other.
pub(super) const LEAVES_PER_DEPARTMENT: u32 = 4;

/// The vocabulary and its order.
#[derive(Debug)]
pub(super) struct Wording {
    /// The texts that events point into.
    pub(super) vocabulary: Arc<Vocabulary>,
    /// By category: the filters that make sense there.
    filters: Vec<Range<u32>>,
    /// By rating less one: the reviews that say so.
    reviews: Vec<Range<u32>>,
    /// By category: its searches.
    searches: Vec<Vec<TextId>>,
}

impl Wording {
    /// All texts; `seed` decides which searches are the popular ones.
    pub(super) fn new(seed: u64) -> Self {
        let mut vocabulary = Vocabulary { categories: categories(), ..Vocabulary::default() };
        let searches = fill_queries(&mut vocabulary, seed);
        let filters = fill_filters(&mut vocabulary);
        let reviews = fill_reviews(&mut vocabulary);
        Self { vocabulary: Arc::new(vocabulary), filters, reviews, searches }
    }

    /// A filter that makes sense in `category`.
    pub(super) fn filter(&self, category: TextId, word: u64) -> TextId {
        within(&self.filters[category.0 as usize], word)
    }

    /// A text that goes with a rating of 1 to 5.
    pub(super) fn review(&self, rating: u8, word: u64) -> TextId {
        within(&self.reviews[usize::from(rating) - 1], word)
    }

    /// The searches for items of `category`, most popular first.
    pub(super) fn searches(&self, category: TextId) -> &[TextId] {
        &self.searches[category.0 as usize]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range's ends are 32-bit")]
fn within(range: &Range<u32>, word: u64) -> TextId {
    TextId(range.start + below(word, u64::from(range.end - range.start)) as u32)
}

#[expect(clippy::cast_possible_truncation, reason = "a few thousand texts")]
const fn text_id(index: usize) -> TextId {
    TextId(index as u32)
}

/// Every leaf of the tree with its department, in order.
pub(super) fn leaves() -> impl Iterator<Item = (&'static Department, &'static Category)> {
    DEPARTMENTS.iter().flat_map(|department| department.categories.iter().map(move |category| (department, category)))
}

fn categories() -> Vec<Escaped> {
    leaves().map(|(department, category)| Escaped::new(&format!("{}/{}", department.name, category.name))).collect()
}

fn fill_queries(vocabulary: &mut Vocabulary, seed: u64) -> Vec<Vec<TextId>> {
    let mut queries: Vec<(usize, String)> = Vec::new();
    for (index, (department, category)) in leaves().enumerate() {
        for (at, product) in category.products.iter().enumerate() {
            queries.push((index, (*product).to_owned()));
            queries.extend(QUERY_PREFIXES.iter().map(|prefix| (index, format!("{prefix} {product}"))));
            queries.extend(QUERY_SUFFIXES.iter().map(|suffix| (index, format!("{product} {suffix}"))));
            // Two brands for each product, so that every brand is searched for somewhere.
            let brands = [department.brands[at], department.brands[(at + 4) % department.brands.len()]];
            queries.extend(brands.iter().map(|brand| (index, format!("{} {product}", brand.to_lowercase()))));
        }
    }
    queries.shuffle(&mut Stream::of_event(key(seed, Purpose::Texts, 0), 0));
    let mut searches = vec![Vec::new(); CATEGORIES];
    for (at, (category, query)) in queries.into_iter().enumerate() {
        searches[category].push(text_id(at));
        vocabulary.queries.push(Escaped::new(&query));
    }
    searches
}

fn fill_filters(vocabulary: &mut Vocabulary) -> Vec<Range<u32>> {
    let mut ranges = Vec::with_capacity(CATEGORIES);
    for department in &DEPARTMENTS {
        let start = vocabulary.filters.len();
        let brands: (&str, &[&str]) = ("brand", &department.brands);
        for (name, values) in COMMON_FILTERS.iter().chain([&brands]).chain(department.filters) {
            vocabulary.filters.extend(values.iter().map(|value| (Escaped::new(name), Escaped::new(value))));
        }
        let range = text_id(start).0..text_id(vocabulary.filters.len()).0;
        ranges.extend(department.categories.iter().map(|_| range.clone()));
    }
    ranges
}

fn fill_reviews(vocabulary: &mut Vocabulary) -> Vec<Range<u32>> {
    let mut ranges = Vec::with_capacity(OPINIONS.len());
    for opinion in &OPINIONS {
        let start = vocabulary.reviews.len();
        for (i, opening) in opinion.openings.iter().enumerate() {
            vocabulary.reviews.push(Escaped::new(opening));
            for (j, detail) in opinion.details.iter().enumerate() {
                let closing = opinion.closings[(i + j) % opinion.closings.len()];
                vocabulary.reviews.push(Escaped::new(&format!("{opening} {detail}")));
                vocabulary.reviews.push(Escaped::new(&format!("{opening} {detail} {closing}")));
            }
        }
        ranges.push(text_id(start).0..text_id(vocabulary.reviews.len()).0);
    }
    ranges
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_texts_enough_and_each_is_new() {
        let words = Wording::new(1);
        let vocabulary = &words.vocabulary;
        assert_eq!(vocabulary.categories.len(), CATEGORIES);
        assert!(vocabulary.queries.len() >= 1_000, "{}", vocabulary.queries.len());
        assert!(vocabulary.reviews.len() >= 500, "{}", vocabulary.reviews.len());
        assert_eq!(vocabulary.queries.iter().collect::<HashSet<_>>().len(), vocabulary.queries.len());
        assert_eq!(vocabulary.reviews.iter().collect::<HashSet<_>>().len(), vocabulary.reviews.len());
        assert!(vocabulary.filters.iter().collect::<HashSet<_>>().len() >= 60);
    }

    #[test]
    fn texts_have_plausible_lengths() {
        let words = Wording::new(1);
        for review in &words.vocabulary.reviews {
            let length = review.as_str().chars().count();
            assert!((10..=200).contains(&length), "{length}: {}", review.as_str());
        }
        for query in &words.vocabulary.queries {
            assert!((4..=60).contains(&query.as_str().len()), "{}", query.as_str());
        }
    }

    #[test]
    fn every_category_and_rating_has_its_texts() {
        let words = Wording::new(1);
        for category in (0..CATEGORIES).map(text_id) {
            assert!(!words.searches[category.0 as usize].is_empty());
            for word in [0, u64::MAX] {
                assert!((words.filter(category, word).0 as usize) < words.vocabulary.filters.len());
            }
        }
        assert!(words.vocabulary.reviews[words.review(1, 0).0 as usize].as_str().starts_with("Broke"));
        assert!(words.vocabulary.reviews[words.review(5, u64::MAX).0 as usize].as_str().starts_with("Très bien"));
    }

    #[test]
    fn the_seed_decides_which_searches_are_popular() {
        assert_eq!(Wording::new(1).vocabulary, Wording::new(1).vocabulary);
        assert_ne!(Wording::new(1).vocabulary.queries[..20], Wording::new(2).vocabulary.queries[..20]);
    }
}
