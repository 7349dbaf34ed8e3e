//! What a declared type becomes: a tree that is compiled once, and hands the values of an event to a sink without building any.
//!
//! Each value has random numbers of its own, started by the event (or its key, or its session) and by the value's place in its
//! type. So a value is the same whatever is drawn for other fields, and can be had twice: that is how a field has the value of
//! another.

use std::fmt::Write as _;

use super::super::stream::{Stream, below, word_of};
use super::super::weights::Picker;
use super::form::{Form, write_decimal};
use super::generator::Per;
use super::lexicon::{self, Template};
use super::pattern::Pattern;
use super::spread::{Real, Whole};
use crate::wire::sink::{Escaped, Sink};

/// What is handed over at a place of a type.
#[derive(Debug)]
pub(super) enum Node {
    /// Nothing: the format writes it.
    Nothing,
    Null,
    /// The id, in whose place the stamp is written.
    Id,
    /// The rank of the event's key, from the least number of its range.
    Key(i64, NumberForm),
    Number(Seed, Whole, NumberForm),
    Sequence(i64, NumberForm),
    Real(Seed, Real, bool),
    Choice(Seed, Choice),
    Boolean(Seed, Share),
    Text(Seed, Text),
    Uuid(Seed),
    Bytes(Seed, (u64, u64)),
    Time(Seed, (i64, i64), TimeKind),
    Optional(Seed, Share, Box<Node>),
    Array(Seed, (u64, u64), Box<Node>),
    Map(Seed, (u64, u64), Box<[Box<str>]>, Box<Node>),
    Record(Box<[Node]>),
    Union(Seed, Box<[(usize, Node)]>),
    /// A field of the type itself, told within an array or a map.
    Outside(Box<Node>),
}

/// Where a value's random numbers begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed {
    pub(super) per: Per,
    pub(super) place: u64,
}

/// How a whole number is handed over.
#[derive(Clone, Debug)]
pub(super) enum NumberForm {
    Integer,
    /// In units of 10^-scale.
    Double(f64),
    /// Times this.
    Decimal(i128),
    Text(Form),
    /// As a text with so many digits behind the point.
    DecimalText(u32),
}

/// How a time is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeKind {
    /// As a number of so many ns.
    Count(i64),
    /// Since midnight, as a number of so many ns.
    OfDay(i64),
    Rfc3339,
    DateText,
}

/// What a text is made of.
#[derive(Debug)]
pub(super) enum Text {
    Pattern(Pattern),
    Words((u64, u64)),
    Sentences((u64, u64)),
    Template(Template),
}

/// How often something happens, of 2^64.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share(u128);

impl Share {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 2^64, both ends within")]
    pub(super) fn new(share: f64) -> Self {
        Self((share.clamp(0.0, 1.0) * 18_446_744_073_709_551_616.0) as u128)
    }

    fn takes(self, word: u64) -> bool {
        u128::from(word) < self.0
    }
}

/// One of several values, by their weights.
#[derive(Debug)]
pub(super) struct Choice {
    pick: Picker,
    values: Box<[Fixed]>,
}

/// A value that is known beforehand.
#[derive(Debug)]
pub(super) enum Fixed {
    Text(Escaped),
    Symbol(usize),
    Integer(i64),
    Double(f64),
    Decimal(i128),
    Boolean(bool),
}

impl Choice {
    pub(super) fn new(options: Vec<(Fixed, f64)>) -> Self {
        let (values, weights): (Vec<Fixed>, Vec<f64>) = options.into_iter().unzip();
        Self { pick: Picker::new(&weights), values: values.into() }
    }

    pub(super) fn values(&self) -> &[Fixed] {
        &self.values
    }
}

/// Random words of an event, of its key and of its session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) event: u64,
    pub(super) key: u64,
    pub(super) session: u64,
}

impl Words {
    fn stream(&self, seed: Seed) -> Stream {
        let word = match seed.per {
            Per::Event => self.event,
            Per::Key => self.key,
            Per::Session => self.session,
        };
        Stream::scattered(word, seed.place)
    }

    /// Those of an entry of an array or a map.
    fn of_entry(&self, entry: u64) -> Self {
        let of = |word| word_of(word, entry + 1);
        Self { event: of(self.event), key: of(self.key), session: of(self.session) }
    }
}

/// One event that is told.
#[derive(Debug)]
pub(super) struct Telling<'a> {
    pub(super) words: Words,
    pub(super) number: u64,
    /// The rank of its key.
    pub(super) key: u64,
    pub(super) due_ns: i64,
    /// Where texts are put together.
    pub(super) text: &'a mut String,
    pub(super) bytes: &'a mut Vec<u8>,
}

impl Node {
    /// Hands its value over.
    pub(super) fn give(&self, telling: &mut Telling<'_>, words: &Words, sink: &mut impl Sink) {
        match self {
            Self::Nothing => {}
            Self::Null => sink.null(),
            Self::Id => sink.uuid(0),
            Self::Key(least, form) => form.give(least.wrapping_add_unsigned(telling.key), telling.text, sink),
            Self::Number(seed, whole, form) => form.give(whole.draw(&mut words.stream(*seed)), telling.text, sink),
            Self::Sequence(start, form) => form.give(start.wrapping_add_unsigned(telling.number), telling.text, sink),
            Self::Real(seed, real, is_single) => {
                let number = real.draw(&mut words.stream(*seed));
                #[expect(clippy::cast_possible_truncation, reason = "what a float of 32 bits holds of it")]
                sink.double(if *is_single { f64::from(number as f32) } else { number });
            }
            Self::Choice(seed, Choice { pick, values }) => {
                let at = if values.len() > 1 { pick.pick(words.stream(*seed).word()) } else { 0 };
                if let Some(value) = values.get(at) {
                    value.give(sink);
                }
            }
            Self::Boolean(seed, share) => sink.boolean(share.takes(words.stream(*seed).word())),
            Self::Text(seed, text) => text.give(&mut words.stream(*seed), telling.text, sink),
            Self::Uuid(seed) => {
                let mut stream = words.stream(*seed);
                let bits = u128::from(stream.word()) << 64 | u128::from(stream.word());
                sink.uuid(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().as_u128());
            }
            Self::Bytes(seed, length) => {
                let mut stream = words.stream(*seed);
                telling.bytes.resize(usize::try_from(some_of(*length, &mut stream)).unwrap_or(0), 0);
                fill(telling.bytes, &mut stream);
                sink.bytes(telling.bytes);
            }
            Self::Time(seed, offset, kind) => {
                let offset_ns = between(*offset, &mut words.stream(*seed));
                kind.give(telling.due_ns.saturating_add(offset_ns), telling.text, sink);
            }
            Self::Optional(seed, null, inner) => {
                if null.takes(words.stream(*seed).word()) {
                    sink.null();
                } else {
                    sink.some();
                    inner.give(telling, words, sink);
                }
            }
            Self::Array(seed, length, inner) => {
                let count = some_of(*length, &mut words.stream(*seed));
                begin(count, sink);
                (0..count).for_each(|entry| inner.give(telling, &words.of_entry(entry), sink));
                sink.end();
            }
            Self::Map(seed, length, keys, inner) => {
                let mut stream = words.stream(*seed);
                let count = some_of(*length, &mut stream).min(keys.len() as u64);
                begin(count, sink);
                give_entries(
                    count,
                    keys,
                    &mut stream,
                    |entry, sink: &mut _| {
                        inner.give(telling, &words.of_entry(entry), sink);
                    },
                    sink,
                );
                sink.end();
            }
            Self::Record(nodes) => nodes.iter().for_each(|node| node.give(telling, words, sink)),
            Self::Union(seed, branches) => {
                #[expect(clippy::cast_possible_truncation, reason = "less than how many branches there are")]
                let chosen = below(words.stream(*seed).word(), branches.len() as u64) as usize;
                if let Some((branch, node)) = branches.get(chosen) {
                    sink.branch(*branch);
                    node.give(telling, words, sink);
                }
            }
            Self::Outside(node) => {
                let words = telling.words;
                node.give(telling, &words, sink);
            }
        }
    }
}

fn begin(count: u64, sink: &mut impl Sink) {
    sink.begin(usize::try_from(count).unwrap_or(0));
}

/// So many of `keys`, each as likely as the next, in their order (Knuth's algorithm S).
fn give_entries<S: Sink>(
    count: u64,
    keys: &[Box<str>],
    stream: &mut Stream,
    mut give: impl FnMut(u64, &mut S),
    sink: &mut S,
) {
    let (mut open, mut left) = (count, keys.len() as u64);
    for (key, entry) in keys.iter().zip(0..) {
        if below(stream.word(), left) < open {
            sink.key(key);
            give(entry, sink);
            open -= 1;
        }
        left -= 1;
    }
}

fn some_of((least, most): (u64, u64), stream: &mut Stream) -> u64 {
    if least == most { least } else { least + below(stream.word(), most - least + 1) }
}

fn between((least, most): (i64, i64), stream: &mut Stream) -> i64 {
    if least == most { least } else { least + below(stream.word(), least.abs_diff(most) + 1).cast_signed() }
}

fn fill(bytes: &mut [u8], stream: &mut Stream) {
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&stream.word().to_le_bytes()[..chunk.len()]);
    }
}

impl NumberForm {
    fn give(&self, number: i64, text: &mut String, sink: &mut impl Sink) {
        match self {
            Self::Integer => sink.integer(number),
            #[expect(clippy::cast_precision_loss, reason = "a number that is written with a fraction")]
            Self::Double(one) => sink.double(number as f64 / one),
            Self::Decimal(times) => sink.decimal(i128::from(number).saturating_mul(*times)),
            Self::Text(form) => {
                text.clear();
                form.write(number, text);
                if form.is_plain() { sink.plain(text) } else { sink.text(text) }
            }
            Self::DecimalText(scale) => {
                text.clear();
                write_decimal(number, *scale, text);
                sink.plain(text);
            }
        }
    }
}

impl Fixed {
    fn give(&self, sink: &mut impl Sink) {
        match self {
            Self::Text(text) => sink.escaped(text),
            Self::Symbol(symbol) => sink.symbol(*symbol),
            Self::Integer(number) => sink.integer(*number),
            Self::Double(number) => sink.double(*number),
            Self::Decimal(units) => sink.decimal(*units),
            Self::Boolean(value) => sink.boolean(*value),
        }
    }
}

impl Text {
    fn give(&self, stream: &mut Stream, text: &mut String, sink: &mut impl Sink) {
        text.clear();
        match self {
            Self::Pattern(pattern) => {
                pattern.write(stream, text);
                if !pattern.is_plain {
                    return sink.text(text);
                }
            }
            Self::Words(count) => lexicon::write_words(some_of(*count, stream), stream, text),
            Self::Sentences(count) => lexicon::write_sentences(some_of(*count, stream), stream, text),
            Self::Template(template) => lexicon::write(template, stream, text),
        }
        sink.plain(text);
    }

    /// As many bytes as it has at most.
    pub(super) fn most_bytes(&self) -> u64 {
        let word = lexicon::LONGEST_WORD + 1;
        match self {
            Self::Pattern(pattern) => pattern.most_bytes,
            Self::Words((_, most)) => most * word,
            Self::Sentences((_, most)) => most * (lexicon::SENTENCE.1 * word + 2),
            Self::Template(template) => lexicon::most_bytes(template),
        }
    }
}

const DAY_NS: i64 = 86_400_000_000_000;

impl TimeKind {
    pub(super) const DAYS: Self = Self::Count(DAY_NS);

    fn give(self, unix_ns: i64, text: &mut String, sink: &mut impl Sink) {
        let at = || jiff::Timestamp::from_nanosecond(unix_ns.into()).unwrap_or_default();
        match self {
            Self::Count(unit) => sink.integer(unix_ns.div_euclid(unit)),
            Self::OfDay(unit) => sink.integer(unix_ns.rem_euclid(DAY_NS).div_euclid(unit)),
            Self::Rfc3339 => {
                text.clear();
                let micros = jiff::Timestamp::from_microsecond(unix_ns.div_euclid(1_000)).unwrap_or_default();
                write!(text, "{micros:.6}").unwrap_or_default();
                sink.plain(text);
            }
            Self::DateText => {
                text.clear();
                write!(text, "{}", at().strftime("%F")).unwrap_or_default();
                sink.plain(text);
            }
        }
    }
}
