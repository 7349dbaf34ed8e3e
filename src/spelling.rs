//! What was meant by a name that is not known.

/// The known name that is most like `name`, where one is alike enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let alike = known.into_iter().map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate));
    let likeness = |candidate: &str| strsim::jaro_winkler(name, candidate);
    let nearer = |(a_far, a): &(usize, &str), (b_far, b): &(usize, &str)| {
        a_far.cmp(b_far).then_with(|| likeness(b).total_cmp(&likeness(a)))
    };
    let (distance, candidate) = alike.min_by(nearer)?;
    (distance <= name.chars().count().div_ceil(3).max(1)).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let known = ["LOADGEN_SEED", "LOADGEN_SPEED", "LOADGEN_TOPIC"];
        assert_eq!(nearest("LOADGEN_SPED", known), Some("LOADGEN_SPEED"));
        assert_eq!(nearest("tpoic", ["topic", "acks"]), Some("topic"));
        assert_eq!(nearest("xyzzy", ["topic", "acks"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
