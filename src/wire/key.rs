//! The value of a record's key as it lies in the body of its event, and its text, which is the same in all formats.

use std::io::Write as _;
use std::ops::Deref;

use super::varint::{LONGEST, unzigzag};

/// How the value lies in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyPlace {
    /// As its text.
    #[default]
    Text,
    /// A varint of a number that may be negative.
    Signed,
    /// The same of 32 bits, which some write with 5 bytes and others with 10.
    Signed32,
    /// A varint of a number that is not negative.
    Unsigned,
    /// A varint in zigzag.
    Zigzag,
    /// 4 or 8 bytes, the lowest first.
    Fixed {
        /// Whether it may be negative.
        is_signed: bool,
    },
    /// The 16 bytes of a UUID.
    Uuid,
    /// A symbol, as the varint of its number.
    Symbol(Box<[(i32, Box<str>)]>),
    /// A symbol, as the varint in zigzag of its index.
    ZigzagSymbol(Box<[(i32, Box<str>)]>),
}

/// The text of a key.
#[derive(Clone, Copy, Debug)]
pub enum KeyText<'a> {
    /// It stands somewhere.
    There(&'a [u8]),
    /// It was made of something else.
    Made {
        /// Its bytes, and others after them.
        bytes: [u8; LONGEST_TEXT],
        /// How many there are.
        length: usize,
    },
}

/// The longest text that is made: a UUID's.
const LONGEST_TEXT: usize = 36;

impl Deref for KeyText<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::There(text) => text,
            Self::Made { bytes, length } => &bytes[..*length],
        }
    }
}

impl KeyPlace {
    /// The text of the key whose value is `value`. Bytes that are no such value have an empty one.
    #[must_use]
    pub fn text<'a>(&'a self, value: &'a [u8]) -> KeyText<'a> {
        match self {
            Self::Text => KeyText::There(value),
            Self::Signed => made(varint(value).cast_signed()),
            #[expect(clippy::cast_possible_truncation, reason = "the bits above are those of the sign")]
            Self::Signed32 => made((varint(value) as u32).cast_signed()),
            Self::Unsigned => made(varint(value)),
            Self::Zigzag => made(unzigzag(varint(value))),
            Self::Fixed { is_signed } => match (value, is_signed) {
                ([a, b, c, d], true) => made(i32::from_le_bytes([*a, *b, *c, *d])),
                ([a, b, c, d], false) => made(u32::from_le_bytes([*a, *b, *c, *d])),
                (_, true) => made(i64::from_le_bytes(value.first_chunk().copied().unwrap_or_default())),
                (_, false) => made(u64::from_le_bytes(value.first_chunk().copied().unwrap_or_default())),
            },
            Self::Uuid => {
                let mut bytes = [0; LONGEST_TEXT];
                let uuid = value.first_chunk().map_or(0, |bytes| u128::from_be_bytes(*bytes));
                uuid::Uuid::from_u128(uuid).hyphenated().encode_lower(&mut bytes);
                KeyText::Made { bytes, length: LONGEST_TEXT }
            }
            Self::Symbol(symbols) => symbol(symbols, varint(value).cast_signed()),
            Self::ZigzagSymbol(symbols) => symbol(symbols, unzigzag(varint(value))),
        }
    }
}

fn made(number: impl itoa::Integer) -> KeyText<'static> {
    let mut bytes = [0; LONGEST_TEXT];
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number).as_bytes();
    // There is room for each number of 64 bits.
    let written = (&mut bytes[..]).write(digits).unwrap_or_default();
    KeyText::Made { bytes, length: written }
}

fn symbol(symbols: &[(i32, Box<str>)], number: i64) -> KeyText<'_> {
    let found = symbols.iter().find(|(own, _)| i64::from(*own) == number);
    KeyText::There(found.map_or(b"", |(_, text)| text.as_bytes()))
}

/// The number of a varint; 0 of none, as what is left out is.
fn varint(bytes: &[u8]) -> u64 {
    bytes.iter().take(LONGEST).enumerate().fold(0, |value, (at, byte)| value | u64::from(byte & 0x7f) << (7 * at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::varint::{push_varint, zigzag};
    use super::*;

    fn text(place: &KeyPlace, value: &[u8]) -> String {
        String::from_utf8(place.text(value).to_vec()).unwrap()
    }

    fn of_varint(number: u64) -> Vec<u8> {
        let mut out = Vec::new();
        push_varint(&mut out, number);
        out
    }

    proptest! {
        #[test]
        fn a_number_has_the_same_text_however_it_lies_there(number in any::<i64>()) {
            let own = number.to_string();
            prop_assert_eq!(text(&KeyPlace::Text, own.as_bytes()), own.clone());
            prop_assert_eq!(text(&KeyPlace::Zigzag, &of_varint(zigzag(number))), own.clone());
            prop_assert_eq!(text(&KeyPlace::Signed, &of_varint(number.cast_unsigned())), own.clone());
            prop_assert_eq!(text(&KeyPlace::Fixed { is_signed: true }, &number.to_le_bytes()), own);
            let unsigned = number.cast_unsigned();
            prop_assert_eq!(text(&KeyPlace::Unsigned, &of_varint(unsigned)), unsigned.to_string());
            prop_assert_eq!(text(&KeyPlace::Fixed { is_signed: false }, &unsigned.to_le_bytes()), unsigned.to_string());
            let short = i32::from_le_bytes(*number.to_le_bytes().first_chunk().unwrap());
            for bytes in [of_varint(i64::from(short).cast_unsigned()), of_varint(short.cast_unsigned().into())] {
                prop_assert_eq!(text(&KeyPlace::Signed32, &bytes), short.to_string());
            }
            prop_assert_eq!(text(&KeyPlace::Fixed { is_signed: true }, &short.to_le_bytes()), short.to_string());
        }
    }

    #[test]
    fn uuids_and_symbols_have_their_texts() {
        let uuid = 0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8_u128;
        assert_eq!(text(&KeyPlace::Uuid, &uuid.to_be_bytes()), "67e55044-10b1-426f-9247-bb680e5fe0c8");
        let symbols: Box<[(i32, Box<str>)]> = [(0, "EU".into()), (-7, "US".into())].into();
        assert_eq!(text(&KeyPlace::ZigzagSymbol(symbols.clone()), &of_varint(zigzag(-7))), "US");
        assert_eq!(text(&KeyPlace::Symbol(symbols.clone()), b""), "EU", "a symbol of the number 0 may be left out");
        assert_eq!(text(&KeyPlace::Symbol(symbols), &of_varint(3)), "");
    }
}
