//! TLS: whom we trust, and who we are.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

use super::super::stub::Stub;
use super::super::{Access, Registry, Trouble};
use super::{access, question, view};
use crate::http::Trust;

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/support/tls", name].iter().collect()
}

/// A registry with a certificate, which may want to see the client's.
fn with_tls(wants_certificate: bool) -> Stub {
    let provider = Arc::new(ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = if wants_certificate {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(file("ca.pem")).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let chain = vec![CertificateDer::from_pem_file(file("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    Stub::with_tls(builder.with_single_cert(chain, key).unwrap())
}

fn trusting(stub: &Stub) -> Access {
    Access { trust: Trust { ca: Some(file("ca.pem")), ..Trust::default() }, ..access(stub) }
}

#[test]
fn a_registry_is_trusted_by_its_authority_and_by_no_other() {
    let stub = with_tls(false);
    assert_eq!(Registry::new(&trusting(&stub)).unwrap().register("t", &view(), false), Ok(1));
    let error = question(&Registry::new(&access(&stub)).unwrap());
    assert!(matches!(error.trouble, Trouble::Tls(_)), "{error}");
    assert!(error.hint().contains("--schema-registry-ca"), "{}", error.hint());
}

#[test]
fn a_client_shows_its_certificate_where_it_has_one() {
    let stub = with_tls(true);
    let mut known = trusting(&stub);
    (known.trust.certificate, known.trust.key) = (Some(file("client.pem")), Some(file("client.key")));
    assert_eq!(Registry::new(&known).unwrap().register("t", &view(), false), Ok(1));
    let unknown = trusting(&stub);
    let error = question(&Registry::new(&unknown).unwrap());
    assert!(matches!(error.trouble, Trouble::Tls(_)), "{error}");
    assert!(error.hint().contains("--schema-registry-cert"), "{}", error.hint());
}

#[test]
fn an_address_without_tls_where_the_registry_wants_it_is_no_riddle() {
    let stub = with_tls(false);
    let error = question(&super::impatient(&stub.url().replace("https", "http")));
    assert!(!error.is_an_answer(), "{error}");
    let plain = Stub::start();
    let error = question(&super::impatient(&plain.url().replace("http", "https")));
    assert!(!error.is_an_answer(), "{error}");
}

#[test]
fn a_file_that_cannot_be_used_is_named_before_anything_is_asked() {
    let base = Access::at("https://host").unwrap();
    let with = |ca: Option<&str>, certificate: Option<&str>, key: Option<&str>| {
        let [ca, certificate, key] = [ca, certificate, key].map(|name| name.map(file));
        Registry::new(&Access { trust: Trust { ca, certificate, key }, ..base.clone() }).unwrap_err()
    };
    for (error, named, why) in [
        (with(Some("none.pem"), None, None), "none.pem", "No such file"),
        (with(Some("client.key"), None, None), "client.key", "no certificate"),
        (with(None, Some("client.pem"), Some("other.key")), "other.key", "does not fit"),
        (with(None, Some("client.pem"), Some("locked.key")), "locked.key", "passphrase"),
        (with(None, Some("client.pem"), Some("ca.pem")), "ca.pem", "no key"),
        (with(None, Some("client.pem"), None), "client.pem", "no key"),
        (with(None, None, Some("client.key")), "client.key", "no certificate"),
    ] {
        let error = error.to_string();
        assert!(error.contains(named) && error.contains(why), "{error}");
    }
}
