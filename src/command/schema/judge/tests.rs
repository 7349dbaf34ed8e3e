use super::*;

const ONE: &str = r#"{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}"#;
const DEFAULTED: &str =
    r#"{"type":"record","name":"A","fields":[{"name":"x","type":"int"},{"name":"y","type":"string","default":"q"}]}"#;
const REQUIRED: &str =
    r#"{"type":"record","name":"A","fields":[{"name":"x","type":"int"},{"name":"y","type":"string"}]}"#;
const PROTO: &str = "syntax = \"proto3\"; message M { int32 x = 1; }";

fn avro(text: &str) -> SchemaText {
    SchemaText::parse(Language::Avro, text).unwrap()
}

fn earlier(language: Language, texts: &[&str]) -> Vec<Earlier> {
    let one = |(place, text): (usize, &&str)| Earlier {
        called: format!("version {}", place + 1),
        language,
        text: (*text).to_owned(),
    };
    texts.iter().enumerate().map(one).collect()
}

fn judged(text: &str, before: &[&str], level: Level) -> Opinion {
    own(&avro(text), &earlier(Language::Avro, before), level)
}

fn opinion(judge: &'static str, level: Level, verdict: Verdict) -> Opinion {
    Opinion { judge, level: level.as_str(), verdict, against: "version 1".to_owned(), findings: Vec::new() }
}

#[test]
fn a_field_without_a_default_breaks_readers_of_what_was_before_and_is_named() {
    let opinion = judged(REQUIRED, &[ONE], Level::Backward);
    assert_eq!(opinion.verdict, Verdict::Incompatible);
    let finding = "cannot read what version 1 wrote: y: the writer does not have it, and it has no default";
    assert_eq!(opinion.findings, [finding]);
    assert_eq!(judged(REQUIRED, &[ONE], Level::Forward).verdict, Verdict::Compatible);
    assert_eq!(judged(REQUIRED, &[ONE], Level::Full).verdict, Verdict::Incompatible);
    assert_eq!(judged(ONE, &[REQUIRED], Level::Backward).verdict, Verdict::Compatible);
    let opinion = judged(ONE, &[REQUIRED], Level::Full);
    assert!(opinion.findings[0].starts_with("version 1 cannot read what it writes: y: "), "{opinion:?}");
    assert_eq!(judged(DEFAULTED, &[ONE], Level::FullTransitive).verdict, Verdict::Compatible);
    assert_eq!(judged(REQUIRED, &[ONE], Level::None).verdict, Verdict::Compatible);
}

#[test]
fn a_transitive_level_counts_all_that_went_before_and_others_the_newest() {
    let before = [ONE, DEFAULTED];
    let newest = judged(REQUIRED, &before, Level::Backward);
    assert_eq!((newest.verdict, newest.against.as_str()), (Verdict::Compatible, "version 2"));
    let all = judged(REQUIRED, &before, Level::BackwardTransitive);
    assert_eq!((all.verdict, all.against.as_str()), (Verdict::Incompatible, "version 1 to version 2"));
}

#[test]
fn of_other_languages_nothing_passes_but_the_same_text() {
    let proto = SchemaText::parse(Language::Protobuf, PROTO).unwrap();
    let same = own(&proto, &earlier(Language::Protobuf, &[PROTO]), Level::Full);
    assert_eq!((same.verdict, same.findings.len()), (Verdict::Compatible, 0));
    assert_eq!(same.against, "version 1, the same text");
    let longer = PROTO.replace('}', "int32 y = 2; }");
    let other = own(&proto, &earlier(Language::Protobuf, &[PROTO, &longer]), Level::Backward);
    assert_eq!(other.verdict, Verdict::Undecided);
    assert_eq!(other.findings, ["of Protobuf a registry alone judges"]);
    let another = own(&proto, &earlier(Language::Avro, &[ONE]), Level::Backward);
    assert_eq!(another.findings, ["it is Protobuf, and version 1 is Avro"]);
}

#[test]
fn what_cannot_be_read_here_is_not_judged() {
    let recursive = r#"{"type":"record","name":"A","fields":[{"name":"next","type":["null","A"]}]}"#;
    let opinion = judged(ONE, &[recursive], Level::Backward);
    assert_eq!(opinion.verdict, Verdict::Undecided);
    assert!(opinion.findings[0].starts_with("version 1 cannot be read here: next"), "{opinion:?}");
}

#[test]
fn judges_by_the_same_rules_must_agree() {
    use Level::{Backward, Full};
    use Verdict::{Compatible, Disputed, Incompatible, Undecided};
    let verdict = |said: &[(&'static str, Level, Verdict)], level| {
        let opinions: Vec<_> = said.iter().map(|(judge, level, verdict)| opinion(judge, *level, *verdict)).collect();
        Verdict::of(&opinions, level)
    };
    let both = |registry, own| [("registry", Backward, registry), ("loadgen", Backward, own)];
    assert_eq!(verdict(&both(Compatible, Compatible), Backward), Compatible);
    assert_eq!(verdict(&both(Incompatible, Incompatible), Backward), Incompatible);
    assert_eq!(verdict(&both(Incompatible, Compatible), Backward), Disputed);
    assert_eq!(verdict(&both(Compatible, Incompatible), Backward), Disputed);
    assert_eq!(verdict(&both(Compatible, Undecided), Backward), Compatible, "the registry alone");
    assert_eq!(verdict(&[("loadgen", Backward, Undecided)], Backward), Undecided);
    let stricter = |own| [&both(Compatible, Compatible)[..], &[("loadgen", Full, own)]].concat();
    assert_eq!(verdict(&stricter(Incompatible), Full), Incompatible, "another level is no disagreement");
    assert_eq!(verdict(&stricter(Compatible), Full), Compatible);
    assert_eq!(verdict(&stricter(Undecided), Full), Undecided, "nobody judged by the level that was asked for");
    assert_eq!(verdict(&both(Incompatible, Undecided), Full), Incompatible, "it would be refused");
}

#[test]
fn what_a_registry_says_is_kept_with_its_words() {
    let judgement = Judgement { is_compatible: false, messages: vec!["at /fields/1".to_owned()] };
    let opinion = of_registry(judgement, &earlier(Language::Avro, &[ONE, ONE]), Level::Forward);
    assert_eq!((opinion.verdict, opinion.against.as_str()), (Verdict::Incompatible, "version 2"));
    assert_eq!(opinion.findings, ["at /fields/1"]);
    let wordless = Judgement { is_compatible: false, messages: Vec::new() };
    assert_eq!(of_registry(wordless, &[], Level::Forward).findings, ["it does not say why"]);
}
