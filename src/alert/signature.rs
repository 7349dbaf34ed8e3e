//! The signature of a webhook, as Standard Webhooks has it (<https://www.standardwebhooks.com>): `v1,` and the base64 of the
//! HMAC-SHA-256 (RFC 2104) over `ID.TIMESTAMP.BODY`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::http::Secret;

/// Begins a secret that is written as base64.
const PREFIX: &str = "whsec_";

/// The bytes of a secret: those that `whsec_` and base64 stand for, else the text itself.
///
/// # Errors
/// `whsec_` with something else behind it.
pub(super) fn key(secret: &Secret) -> Result<Vec<u8>, base64::DecodeError> {
    match secret.reveal().strip_prefix(PREFIX) {
        Some(encoded) => STANDARD.decode(encoded),
        None => Ok(secret.reveal().as_bytes().to_vec()),
    }
}

/// The value of `webhook-signature`.
pub(super) fn signature(key: &[u8], id: &str, unix_s: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, format!("{id}.{unix_s}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn the_signature_is_that_of_the_reference_libraries() {
        let key = key(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        assert_eq!(
            signature(&key, id, 1_614_265_330, "{\"test\": 2432232314}"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    /// RFC 4231, test case 2, whose text happens to have no dot.
    #[test]
    fn a_secret_without_the_prefix_is_its_own_bytes() {
        assert_eq!(key(&Secret::new("Jefe")).unwrap(), b"Jefe");
        assert!(key(&Secret::new("whsec_not base64")).is_err());
    }
}
