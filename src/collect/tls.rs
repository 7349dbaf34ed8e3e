//! TLS towards clients: who one is, from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The files of a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, in PEM, followed by those that vouch for it.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
}

/// Why nobody can be spoken to in TLS.
#[derive(Debug, thiserror::Error)]
pub enum BadIdentity {
    /// A file that cannot be read.
    #[error("{what} {path}: {source}", path = path.display())]
    Unreadable {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// The two do not go together, or cannot be used.
    #[error("the certificate {certificate} with the key {key}: {source}", certificate = certificate.display(), key = key.display())]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// That of the key.
        key: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
}

impl Identity {
    /// How to speak TLS as this one.
    pub(super) fn config(&self) -> Result<Arc<ServerConfig>, BadIdentity> {
        let Self { certificate, key } = self;
        let unreadable = |what, path: &Path| {
            let path = path.to_owned();
            move |source| BadIdentity::Unreadable { what, path, source }
        };
        let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.and_then(|chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) });
        let chain = chain.map_err(unreadable("the certificate", certificate))?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable("the key", key))?;
        let unusable = |source| BadIdentity::Unusable { certificate: certificate.clone(), key: key.clone(), source };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
