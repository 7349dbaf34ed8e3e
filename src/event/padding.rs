//! Padding: text that brings a body to a given size, as compressible as asked for.

/// The field that holds it, the last one of an event of any type.
pub const FIELD: &str = "padding";

/// Text is chosen in blocks of this many bytes.
const BLOCK: usize = 16;

/// Letters that stand for six bits each: the least compressible text that needs no escapes.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What descriptions of goods are like.
const PROSE: &[u8] = b"Light enough for every day and made to last: the frame is of brushed aluminium, the strap of soft \
leather that ages well. Comes in four colours, ships within two working days, and can be sent back for free. Customers who bought this also \
looked at the matching case, the spare filter and the travel set. Wash at thirty degrees, do not bleach, dry in the shade. The \
battery runs for about twelve hours and charges in less than two. Please read the instructions before first use and keep them. ";

/// How bodies are padded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Padding {
    /// Bytes of a body. Bodies that are larger without padding, or have no room for the field, stay as they are.
    pub bytes: u32,
    /// 0: random letters (which compress to three quarters, having six bits to a byte). 1: prose.
    pub compressibility: f64,
    /// What the text is drawn from.
    pub seed: u64,
}

impl Padding {
    /// Appends `length` bytes of text.
    pub(super) fn fill(&self, arena: &mut Vec<u8>, length: usize, lane: u16, sequence: u64) {
        let end = arena.len() + length;
        let mut random = Random(self.seed ^ u64::from(lane.swap_bytes()) << 48 ^ sequence);
        let prose = self.share();
        while arena.len() < end {
            let word = random.next();
            if word >> 32 < prose {
                let at = usize::try_from(word & 0xffff_ffff).unwrap_or(0) % (PROSE.len() - BLOCK);
                arena.extend_from_slice(&PROSE[at..at + BLOCK]);
            } else {
                for bits in [random.next(), random.next()] {
                    arena.extend((0..8).map(|letter| LETTERS[(bits >> (letter * 8) & 63) as usize]));
                }
            }
        }
        arena.truncate(end);
    }

    /// The share of prose, of 2^32.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 2^32")]
    fn share(&self) -> u64 {
        (self.compressibility.clamp(0.0, 1.0) * 4_294_967_296.0) as u64
    }
}

/// `SplitMix64` (Steele, Lea, Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::BodyWriter as _;
    use crate::wire::json::{Plan, Writer};
    use crate::wire::shape::{Field, Integer, Record, Shape};
    use crate::wire::sink::Sink as _;

    /// `{"a":1}`, padded.
    fn padded(bytes: u32, compressibility: f64, sequence: u64) -> Vec<u8> {
        let number = Field { name: "a".into(), shape: Shape::Integer(Integer::I64), default: None };
        let text = Field { name: FIELD.into(), shape: Shape::Optional(Box::new(Shape::Text)), default: None };
        let plan = Plan::new(&Record { name: "A".into(), fields: vec![number, text] }, None, None).unwrap();
        let mut arena = b"before".to_vec();
        let mut writer = Writer::new(&plan, &mut arena);
        writer.integer(1);
        match writer.room_for_last_text(6 + bytes as usize) {
            None => writer.null(),
            Some(length) => {
                let padding = Padding { bytes, compressibility, seed: 7 };
                writer.some();
                writer.filled(length, |arena| padding.fill(arena, length, 1, sequence));
            }
        }
        arena.split_off(6)
    }

    #[test]
    fn a_body_has_the_size_that_was_asked_for_and_stays_json() {
        for bytes in [6 + 14, 21, 100, 1_000, 65_537] {
            let body = padded(bytes, 0.5, 3);
            assert_eq!(body.len(), bytes as usize);
            let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(value["a"], 1);
        }
        assert_eq!(padded(19, 0.5, 3), b"{\"a\":1}", "no room for the field");
    }

    #[test]
    fn text_is_as_compressible_as_asked_and_its_own_for_each_event() {
        let ratio = |compressibility: f64| {
            let bodies: Vec<u8> = (0..100).flat_map(|sequence| padded(1_000, compressibility, sequence)).collect();
            let packed = zstd::bulk::compress(&bodies, 1).unwrap();
            packed.len() * 100 / bodies.len()
        };
        let ratios = [0.0, 0.5, 1.0].map(ratio);
        assert!(
            ratios[0] > 70 && ratios[2] < 30 && ratios[0] > ratios[1] + 10 && ratios[1] > ratios[2] + 10,
            "{ratios:?}"
        );
        assert_ne!(padded(500, 0.5, 1), padded(500, 0.5, 2));
        assert_eq!(padded(500, 0.5, 1), padded(500, 0.5, 1));
    }
}
