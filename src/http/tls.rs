//! TLS: whom to trust, and who one is.

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

/// Where systems keep the certificates of the authorities that they trust; librdkafka looks at the same places.
const TRUSTED: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// Who is trusted, and what is shown to who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Certificates of the authorities that are trusted, as PEM [default: the system's].
    pub ca: Option<PathBuf>,
    /// The client's own certificates, as PEM.
    pub certificate: Option<PathBuf>,
    /// Their key, as PEM, without a passphrase. It may stand in the file of the certificates.
    pub key: Option<PathBuf>,
}

/// A file that cannot be used. No message holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {}: {why}", path.display())]
pub struct BadFile {
    /// What it would be.
    pub what: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

pub(super) fn config(trust: &Trust) -> Result<TlsConfig, BadFile> {
    let roots = match &trust.ca {
        Some(path) => certificates("the CA file", path)?,
        None => trusted_by_the_system(),
    };
    let config = TlsConfig::builder()
        .root_certs(RootCerts::from(roots))
        .client_cert(client(trust)?)
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
fn certificates(what: &'static str, path: &Path) -> Result<Vec<tls::Certificate<'static>>, BadFile> {
    let mut store = RootCertStore::empty();
    let mut all = Vec::new();
    for der in read_certificates(what, path)? {
        store.add(der.clone()).map_err(|error| unusable(what, path, &error))?;
        all.push(tls::Certificate::from_der(&der).to_owned());
    }
    Ok(all)
}

fn read_certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, BadFile> {
    let pem = fs::read(path).map_err(|error| unusable(what, path, &error))?;
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| unusable(what, path, &error))?;
    if all.is_empty() {
        return Err(unusable(what, path, &"it holds no certificate; write it as PEM, -----BEGIN CERTIFICATE-----"));
    }
    Ok(all)
}

fn client(trust: &Trust) -> Result<Option<ClientCert>, BadFile> {
    let (certificate, key) = match (&trust.certificate, &trust.key) {
        (None, None) => return Ok(None),
        (None, Some(key)) => return Err(unusable("the client's key", key, &"there is no certificate to it")),
        (Some(certificate), key) => (certificate, key.as_ref().unwrap_or(certificate)),
    };
    let chain = read_certificates("the client certificate", certificate)?;
    let what = "the client's key";
    let pem = fs::read(key).map_err(|error| unusable(what, key, &error))?;
    if pem.windows(9).any(|word| word == b"ENCRYPTED") {
        return Err(unusable(what, key, &"it has a passphrase; write it without: openssl pkey -in KEY -out PLAIN"));
    }
    let der = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| match &trust.key {
        None => unusable("the client certificate", key, &"it holds no key, and no other file is named for that"),
        Some(_) => unusable(what, key, &"it holds no key; write it as PEM, -----BEGIN PRIVATE KEY-----"),
    })?;
    // A key that fits another certificate would end the program where the connection is made.
    CertifiedKey::from_der(chain.clone(), der, &ring::default_provider())
        .map_err(|error| unusable(what, key, &format!("it does not fit {}: {error}", certificate.display())))?;
    let chain: Vec<_> = chain.iter().map(|der| tls::Certificate::from_der(der).to_owned()).collect();
    let key = tls::PrivateKey::from_pem(&pem).map_err(|error| unusable(what, key, &error))?;
    Ok(Some(ClientCert::new_with_certs(&chain, key)))
}

fn unusable(what: &'static str, path: &Path, why: &dyn ToString) -> BadFile {
    BadFile { what, path: path.to_owned(), why: why.to_string() }
}
