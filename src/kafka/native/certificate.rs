//! Why a broker's certificate is not accepted. librdkafka tells no more than that it is not, whether it has expired, names another
//! host or comes from a stranger; what OpenSSL has against it is told to a callback alone, and logged where that gives it words.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use rdkafka_sys::bindings as c;

use super::super::Settings;

/// Whether a client with these settings looks at certificates.
pub(super) fn verifies_certificates(settings: &Settings) -> bool {
    let is = |key: &str, test: fn(&str) -> bool| settings.get(key).is_some_and(|value| test(value));
    is("security.protocol", |value| value.to_ascii_lowercase().ends_with("ssl"))
        && !is("enable.ssl.certificate.verification", |value| value.eq_ignore_ascii_case("false"))
}

/// What OpenSSL's verification code says (`x509_vfy.h`; its numbers are part of its interface).
const fn words(code: c_int) -> &'static str {
    match code {
        9 => "it is not valid yet",
        10 => "it has expired",
        18 => "it is signed by itself, and ssl.ca.location does not have it",
        19 => "it comes from a CA that signed itself, and ssl.ca.location does not have that",
        20 | 21 => "its CA is not in ssl.ca.location",
        23 => "it was revoked",
        62 => "it names another host",
        64 => "it names another IP address, or none",
        _ => "OpenSSL does not accept it",
    }
}

/// Leaves OpenSSL's judgement as it is, and gives librdkafka words for it where it is bad.
///
/// # Safety
/// As `rd_kafka_conf_set_ssl_cert_verify_cb` says: `error` points to the judgement, `text` to a buffer of `size` bytes.
pub(super) unsafe extern "C" fn say_why_not_verified(
    _client: *mut c::rd_kafka_t,
    _broker: *const c_char,
    _broker_id: i32,
    error: *mut c_int,
    _depth: c_int,
    _certificate: *const c_char,
    _certificate_size: usize,
    text: *mut c_char,
    size: usize,
    _opaque: *mut c_void,
) -> c_int {
    // SAFETY: librdkafka's promise.
    let code = unsafe { *error };
    if code == 0 {
        return 1;
    }
    let words = words(code);
    let length = words.len().min(size.saturating_sub(1));
    if size > 0 {
        // SAFETY: the buffer holds `size` bytes, of which at most `size` are written, the last of them NUL; the words are as long as
        // stated and lie elsewhere.
        unsafe {
            ptr::copy_nonoverlapping(words.as_ptr().cast::<c_char>(), text, length);
            *text.add(length) = 0;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn judged(mut code: c_int, size: usize) -> (c_int, c_int, String) {
        let mut text: [c_char; 64] = [c_char::MAX; 64];
        let answer = {
            let (error, text) = (&raw mut code, text.as_mut_ptr());
            // SAFETY: the pointers are to live values, the buffer holds at least `size` bytes.
            unsafe {
                say_why_not_verified(
                    ptr::null_mut(),
                    ptr::null(),
                    1,
                    error,
                    0,
                    ptr::null(),
                    0,
                    text,
                    size,
                    ptr::null_mut(),
                )
            }
        };
        text[63] = 0;
        // SAFETY: the last byte is NUL.
        (answer, code, unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned())
    }

    #[test]
    fn a_bad_certificate_stays_bad_and_gets_words_that_fit() {
        assert_eq!(judged(10, 64), (0, 10, "it has expired".to_owned()));
        assert_eq!(judged(10, 6), (0, 10, "it ha".to_owned()));
        assert_eq!(judged(62, 64).0, 0);
        assert_eq!((judged(0, 64).0, judged(0, 64).1), (1, 0));
    }

    #[test]
    fn who_does_not_look_at_certificates_is_not_asked() {
        let of = |pairs: &[(&str, &str)]| {
            verifies_certificates(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        assert!(of(&[("security.protocol", "SASL_SSL")]) && of(&[("security.protocol", "ssl")]));
        assert!(!of(&[]) && !of(&[("security.protocol", "sasl_plaintext")]));
        assert!(!of(&[("security.protocol", "ssl"), ("enable.ssl.certificate.verification", "false")]));
    }
}
