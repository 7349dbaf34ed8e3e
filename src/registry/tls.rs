//! TLS towards a registry: whom to trust, and who one is.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{self, ClientCert, RootCerts, TlsConfig};

use super::access::{Access, BadAccess};

/// Where systems keep the certificates of the authorities that they trust; librdkafka looks at the same places.
const TRUSTED: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

pub(super) fn config(access: &Access) -> Result<TlsConfig, BadAccess> {
    let roots = match &access.ca {
        Some(path) => certificates("the CA file", path)?,
        None => trusted_by_the_system(),
    };
    let config = TlsConfig::builder()
        .root_certs(RootCerts::from(roots))
        .client_cert(client(access)?)
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()));
    Ok(config.build())
}

/// Without any of those files nobody is trusted, which an `https://` address then says.
fn trusted_by_the_system() -> Vec<tls::Certificate<'static>> {
    let named = env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let usual = TRUSTED.iter().map(PathBuf::from);
    named.into_iter().chain(usual).find_map(|path| certificates("the CA file", &path).ok()).unwrap_or_default()
}

/// The certificates of a file. One that cannot be read fails the file: a trust that is silently smaller is none.
fn certificates(what: &'static str, path: &Path) -> Result<Vec<tls::Certificate<'static>>, BadAccess> {
    let mut store = RootCertStore::empty();
    let mut all = Vec::new();
    for der in read_certificates(what, path)? {
        store.add(der.clone()).map_err(|error| unusable(what, path, &error))?;
        all.push(tls::Certificate::from_der(&der).to_owned());
    }
    Ok(all)
}

fn read_certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, BadAccess> {
    let pem = fs::read(path).map_err(|error| unusable(what, path, &error))?;
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| unusable(what, path, &error))?;
    if all.is_empty() {
        return Err(unusable(what, path, &"it holds no certificate; write it as PEM, -----BEGIN CERTIFICATE-----"));
    }
    Ok(all)
}

fn client(access: &Access) -> Result<Option<ClientCert>, BadAccess> {
    let (certificate, key) = match (&access.certificate, &access.key) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(BadAccess::HalfACertificate),
        (Some(certificate), key) => (certificate, key.as_ref().unwrap_or(certificate)),
    };
    let chain = read_certificates("the client certificate", certificate)?;
    let what = "the client's key";
    let pem = fs::read(key).map_err(|error| unusable(what, key, &error))?;
    if pem.windows(9).any(|word| word == b"ENCRYPTED") {
        return Err(unusable(what, key, &"it has a passphrase; write it without: openssl pkey -in KEY -out PLAIN"));
    }
    let der = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| match &access.key {
        None => BadAccess::HalfACertificate,
        Some(_) => unusable(what, key, &"it holds no key; write it as PEM, -----BEGIN PRIVATE KEY-----"),
    })?;
    // A key that fits another certificate would end the program where the connection is made.
    CertifiedKey::from_der(chain.clone(), der, &ring::default_provider())
        .map_err(|error| unusable(what, key, &format!("it does not fit {}: {error}", certificate.display())))?;
    let chain: Vec<_> = chain.iter().map(|der| tls::Certificate::from_der(der).to_owned()).collect();
    let key = tls::PrivateKey::from_pem(&pem).map_err(|error| unusable(what, key, &error))?;
    Ok(Some(ClientCert::new_with_certs(&chain, key)))
}

fn unusable(what: &'static str, path: &Path, why: &dyn ToString) -> BadAccess {
    BadAccess::File { what, path: path.to_owned(), why: why.to_string() }
}
