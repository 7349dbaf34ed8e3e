//! Events: their types as data ([`catalogue`]), their identity ([`stamp`]), and how they are written and read back.
//!
//! Nothing here knows what an event is about. A source hands values over, in the order of its type's fields; [`encode`] stamps
//! them and writes them in a format of [`crate::wire`], [`decode`] reads and checks what lies in a topic.

pub mod catalogue;
pub mod coding;
mod declared;
pub mod decode;
pub mod encode;
pub mod invalid;
pub mod key;
pub mod learned;
pub mod opaque;
pub mod padding;
pub mod readers;
pub mod rollout;
pub mod stamp;

use xxhash_rust::xxh3::xxh3_64;

/// An event's key in 64 bits: the number where the key's text is one below 2^63, else a hash of the text, which has the top bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u64);

impl KeyId {
    const HASHED: u64 = 1 << 63;

    /// The key whose text is that number.
    #[must_use]
    pub fn of_number(number: u64) -> Self {
        if number < Self::HASHED { Self(number) } else { Self::of_text(itoa::Buffer::new().format(number).as_bytes()) }
    }

    /// The key with that text.
    #[must_use]
    pub fn of_text(text: &[u8]) -> Self {
        let is_number = matches!(text, [b'0'] | [b'1'..=b'9', ..]) && text.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(text).ok().filter(|_| is_number).and_then(|text| text.parse().ok());
        match number {
            Some(number) if number < Self::HASHED => Self(number),
            _ => Self(xxh3_64(text) | Self::HASHED),
        }
    }

    /// Its text, where that is a number.
    #[must_use]
    pub fn text(self) -> Option<String> {
        (self.0 < Self::HASHED).then(|| self.0.to_string())
    }

    /// Its bits, as [`KeyId::from_bits`] takes them.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The key of those bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_that_is_not_written_as_a_number_is_none() {
        for text in ["", "007", "+7", "-7", "7 ", "cust-7", "9223372036854775808", "99999999999999999999"] {
            assert_eq!(KeyId::of_text(text.as_bytes()).text(), None, "{text}");
        }
        assert_eq!(KeyId::of_number(0).text().as_deref(), Some("0"));
        assert_ne!(KeyId::of_text(b"7"), KeyId::of_text(b"07"));
    }

    proptest! {
        #[test]
        fn a_number_and_its_text_are_one_key(number in any::<u64>()) {
            let key = KeyId::of_number(number);
            prop_assert_eq!(key, KeyId::of_text(number.to_string().as_bytes()));
            prop_assert_eq!(KeyId::from_bits(key.bits()), key);
            if number < 1 << 63 {
                prop_assert_eq!(key.text(), Some(number.to_string()));
            }
        }
    }
}
