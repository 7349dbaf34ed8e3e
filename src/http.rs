//! A client of services that speak HTTP: where they are, who trusts whom, and one request that ends in time.
//!
//! It blocks, and belongs on a thread that may wait. Nothing is asked twice here: what may be repeated is known where it is asked.

mod address;
mod client;
mod secret;
mod tls;

pub use address::{Address, BadAddress};
pub use client::{Answer, Client, Failed};
pub use secret::Secret;
pub use tls::{BadFile, Trust};

/// How much of another program's words is shown.
const MOST_SHOWN: usize = 1000;

/// Another program's words as one line that no terminal takes for orders.
#[must_use]
pub fn shown(words: &str) -> String {
    let mut line: String = words
        .chars()
        .take(MOST_SHOWN)
        .map(|letter| if letter.is_control() || letter == '\u{2028}' || letter == '\u{2029}' { ' ' } else { letter })
        .collect();
    if words.chars().nth(MOST_SHOWN).is_some() {
        line.push('…');
    }
    line.trim().to_owned()
}
