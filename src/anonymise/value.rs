//! New values for old ones, of the same kind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use uuid::{Builder, Uuid};

use super::key::Key;
use crate::files::fields::{Field, Layout, Token};

/// Whole numbers below this are the same in every JSON reader (RFC 8259, section 6).
const NUMBERS: u64 = 1 << 53;
/// A domain that nobody has (RFC 2606).
const NOWHERE: &str = "anonymised.invalid";

/// Whether a value stands in its body as a number, where a text would be of another type.
pub(super) fn shape(body: &str, field: &Field) -> Token {
    let is_number = body.as_bytes().get(field.at.start).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-');
    if field.token == Token::Json && is_number { Token::Json } else { Token::Plain }
}

/// What stands for `text`: a number for a number, a UUID for a UUID, an address for an address of mail, else 32 hexadecimal digits.
/// The same text has the same pseudonym, whether it stands as a number, in a text or in a key.
pub(super) fn pseudonym(key: &Key, text: &str, token: Token) -> String {
    let signed = key.sign(text.as_bytes());
    let (half, _) = signed.split_at(16);
    let half: [u8; 16] = half.try_into().unwrap_or_default();
    if token == Token::Json || is_number(text) {
        return (u128::from_le_bytes(half) % u128::from(NUMBERS)).to_string();
    }
    if text.len() == 36 && Uuid::try_parse(text).is_ok() {
        return Builder::from_random_bytes(half).into_uuid().to_string();
    }
    let digits = format!("{:032x}", u128::from_be_bytes(half));
    match text.split_once('@') {
        Some((who, domain)) if !who.is_empty() && domain.contains('.') => format!("{digits}@{NOWHERE}"),
        _ => digits,
    }
}

/// Whether it is written as a whole number is.
fn is_number(text: &str) -> bool {
    let is_digits = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits && (text == "0" || !text.starts_with('0'))
}

/// The first bits of an address; `None` where it is none.
pub(super) fn prefix(text: &str, bits: u8) -> Option<String> {
    Some(match text.trim().parse().ok()? {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).to_string()
        }
        IpAddr::V6(address) => {
            if let Some(mapped) = address.to_ipv4_mapped() {
                return prefix(&mapped.to_string(), bits);
            }
            let mask = u128::MAX.checked_shl(128 - 2 * u32::from(bits)).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).to_string()
        }
    })
}

/// A number that is off by `share` at most, with as many decimals; `None` where it is none. What it is off by depends on the key, and
/// is another one for each of the field's values.
pub(super) fn noisy(key: &Key, text: &str, share: f64, ordinal: u64) -> Option<String> {
    let number: f64 = text.trim().parse().ok().filter(|number: &f64| number.is_finite())?;
    let signed = key.sign(format!("noise {ordinal} {text}").as_bytes());
    let word = u32::from_le_bytes(*signed.first_chunk()?);
    let off = (f64::from(word) / f64::from(u32::MAX) * 2.0 - 1.0) * share;
    let decimals =
        text.trim().split_once('.').map_or(0, |(_, decimals)| decimals.bytes().take_while(u8::is_ascii_digit).count());
    Some(format!("{:.*}", decimals, number * (1.0 + off)))
}

/// Writes a new value as the layout writes values.
pub(super) fn push(out: &mut Vec<u8>, value: Option<&str>, layout: Layout, shape: Token) {
    match (layout, value) {
        (Layout::Json | Layout::Flat, None) => out.extend_from_slice(b"null"),
        (Layout::Json | Layout::Flat, Some(value)) if shape == Token::Json => out.extend_from_slice(value.as_bytes()),
        // None of the new values has anything to escape.
        (Layout::Json | Layout::Flat, Some(value)) => out.extend_from_slice(format!("\"{value}\"").as_bytes()),
        (Layout::Snowplow, None) => {}
        (Layout::AccessLog, None) => out.push(b'-'),
        (Layout::Snowplow | Layout::AccessLog, Some(value)) => out.extend_from_slice(value.as_bytes()),
    }
}
