//! Whose certificate is believed: the system's roots, the cluster's own CA, or pinned fingerprints.
//! There is no way to believe everybody.

use std::error::Error as StdError;
use std::fmt;
use std::io::ErrorKind;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Certificate, ClientBuilder};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use sha2::{Digest, Sha256};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::error::{Error, Failure, Why, chain};
use crate::config::Trust;

/// With a server of which only the certificate is wanted.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is wrong with the certificate that a server presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Not one of the pinned ones. Carries the SHA-256 of the one presented.
    NotPinned([u8; 32]),
    /// Signed by nobody whom we believe.
    UnknownIssuer,
    /// Made for other names or addresses, which follow where they are known.
    WrongName(Vec<String>),
    Expired,
    NotYetValid,
    /// Somebody else's signature: of an authority that has only the name of ours, or of a server
    /// that shows a certificate whose key it does not have.
    BadSignature,
    Other(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPinned(presented) => {
                write!(f, "not pinned; presented {}", fingerprint_text(presented))
            }
            Self::UnknownIssuer => f.write_str("unknown issuer"),
            Self::WrongName(names) if names.is_empty() => f.write_str("made for another name"),
            Self::WrongName(names) => write!(f, "made for {}", names.join(", ")),
            Self::Expired => f.write_str("expired"),
            Self::NotYetValid => f.write_str("not valid yet"),
            Self::BadSignature => f.write_str(
                "its signature does not fit: another authority of the same name made it, or the \
                 server does not have its key",
            ),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// The way in which Proxmox and openssl print fingerprints: `AB:CD:...`, 32 pairs.
#[must_use]
pub fn fingerprint_text(fingerprint: &[u8; 32]) -> String {
    let pairs: Vec<String> = fingerprint
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    pairs.join(":")
}

/// What a server shows to anybody who connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// SHA-256 of the leaf certificate.
    pub fingerprint: [u8; 32],
    /// A public authority vouches for it, under the name in the address.
    pub public: bool,
}

/// Looks at the certificate at `url` (`https://host:8006`), and sends nothing. Not yet proof that
/// the server has its key: that is seen when a connection is made with the fingerprint pinned.
///
/// # Errors
///
/// [`Error::Setup`] for what is no https URL, [`Error::NotSent`] where no certificate was seen.
pub async fn presented(url: &str) -> Result<Presented, Error> {
    let looker = Arc::new(Looker::new()?);
    let config = believing(Arc::<Looker>::clone(&looker))?;
    let client = reqwest::Client::builder()
        .use_preconfigured_tls(config)
        .https_only(true)
        .no_proxy()
        .connect_timeout(PATIENCE)
        .timeout(Duration::from_secs(10))
        .build()
        .map_err(|error| Error::Setup(chain(&error)))?;
    let Err(error) = client.get(url).send().await else {
        return Err(Error::BadReply(
            "the handshake went on without a certificate".to_owned(),
        ));
    };
    if error.is_builder() {
        return Err(Error::Setup(chain(&error)));
    }
    match looker.seen.get() {
        Some(presented) => Ok(presented.clone()),
        None => Err(Error::NotSent(Failure {
            endpoint: Some(url.to_owned()),
            why: unreached(url, &error).await,
            chain: chain(&error.without_url()),
        })),
    }
}

/// Why nobody showed a certificate. The libraries do not say that a name is unknown, except in words.
async fn unreached(url: &str, error: &reqwest::Error) -> Why {
    if is_tls(error) {
        return Why::Tls;
    }
    if is_refused(error) {
        return Why::Refused;
    }
    if is_unknown(url).await {
        return Why::Name;
    }
    if error.is_timeout() {
        return Why::Time;
    }
    Why::Unreachable
}

/// Whether the host of the address has a name that nobody knows here.
async fn is_unknown(url: &str) -> bool {
    let url: Option<reqwest::Url> = url.parse().ok();
    let Some(host) = url.as_ref().and_then(|url| url.domain()) else {
        return false;
    };
    matches!(timeout(PATIENCE, lookup_host((host, 0))).await, Ok(Err(_)))
}

/// The same error for those who are told why an address does not answer: a name that is unknown is
/// looked up once more to be told apart.
pub async fn looked_up(error: Error) -> Error {
    match error {
        Error::NotSent(Failure {
            endpoint: Some(url),
            why: Why::Unreachable,
            chain,
        }) => Error::NotSent(Failure {
            why: if is_unknown(&url).await {
                Why::Name
            } else {
                Why::Unreachable
            },
            endpoint: Some(url),
            chain,
        }),
        error => error,
    }
}

pub(super) fn is_refused(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == ErrorKind::ConnectionRefused) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Makes the client believe whom the configuration says, and nobody else.
pub(super) fn apply(builder: ClientBuilder, trust: &Trust) -> Result<ClientBuilder, Error> {
    match trust {
        Trust::SystemRoots => Ok(builder.use_rustls_tls()),
        Trust::Ca(pem) => {
            let authorities = authorities(pem)?;
            let builder = builder.use_rustls_tls().tls_built_in_root_certs(false);
            Ok(authorities
                .into_iter()
                .fold(builder, ClientBuilder::add_root_certificate))
        }
        Trust::Fingerprints(pins) if pins.is_empty() => {
            Err(Error::Setup("fingerprints: the list is empty".to_owned()))
        }
        Trust::Fingerprints(pins) => Ok(builder.use_preconfigured_tls(pinned(pins.clone())?)),
    }
}

/// Whether a text has the certificates of authorities.
///
/// # Errors
///
/// [`Error::Setup`], where it has not.
pub fn usable_authority(pem: &str) -> Result<(), Error> {
    authorities(pem).map(drop)
}

fn authorities(pem: &str) -> Result<Vec<Certificate>, Error> {
    let unusable = |why: &str| Error::Setup(format!("ca_file: {why}"));
    let authorities =
        Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| unusable(&chain(&error)))?;
    if authorities.is_empty() {
        return Err(unusable("no certificate in it"));
    }
    Ok(authorities)
}

fn pinned(pins: Vec<[u8; 32]>) -> Result<ClientConfig, Error> {
    let algorithms = provider().signature_verification_algorithms;
    believing(Arc::new(Pinned { pins, algorithms }))
}

fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

fn believing(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setup(chain(&error)))?;
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(config.with_no_client_auth())
}

/// Believes nobody: every handshake ends at the certificate, before anything is sent, and what was
/// seen is kept.
#[derive(Debug)]
struct Looker {
    seen: OnceLock<Presented>,
    public: Arc<WebPkiServerVerifier>,
}

impl Looker {
    fn new() -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let public =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()));
        let public = public
            .build()
            .map_err(|error| Error::Setup(chain(&error)))?;
        let seen = OnceLock::new();
        Ok(Self { seen, public })
    }
}

impl ServerCertVerifier for Looker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let public = self.public.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let presented = Presented {
            fingerprint: Sha256::digest(end_entity).into(),
            public: public.is_ok(),
        };
        self.seen.get_or_init(|| presented);
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.public.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.public.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.public.supported_verify_schemes()
    }
}

/// Believes the holder of the key of a pinned certificate, whatever name, issuer and dates it has.
#[derive(Debug)]
struct Pinned {
    pins: Vec<[u8; 32]>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Travels inside rustls' error, so that the fingerprint is known where the refusal is reported.
#[derive(Debug, thiserror::Error)]
#[error("certificate not pinned: {}", fingerprint_text(.0))]
struct NotPinned([u8; 32]);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let fingerprint: [u8; 32] = Sha256::digest(end_entity).into();
        if self.pins.contains(&fingerprint) {
            return Ok(ServerCertVerified::assertion());
        }
        let why = OtherError(Arc::new(NotPinned(fingerprint)));
        Err(CertificateError::Other(why).into())
    }

    // The signatures must be checked: a certificate is public, and only the holder of its key may
    // use it.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What is wrong with the certificate, if that is why the connection failed.
pub(super) fn fault(error: &(dyn StdError + 'static)) -> Option<Fault> {
    let rustls::Error::InvalidCertificate(why) = rustls_error(error)? else {
        return None;
    };
    Some(match why {
        CertificateError::Other(OtherError(inner)) => match inner.downcast_ref::<NotPinned>() {
            Some(NotPinned(presented)) => Fault::NotPinned(*presented),
            None => Fault::Other(inner.to_string()),
        },
        CertificateError::UnknownIssuer => Fault::UnknownIssuer,
        CertificateError::NotValidForName => Fault::WrongName(Vec::new()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            Fault::WrongName(presented.clone())
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Fault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Fault::NotYetValid
        }
        CertificateError::BadSignature => Fault::BadSignature,
        other => Fault::Other(other.to_string()),
    })
}

pub(super) fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    rustls_error(error).is_some()
}

/// The rustls error somewhere in the chain. `io::Error` hides what it wraps from `source()`.
fn rustls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next: Option<&'a (dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        let inside = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map(|inner| inner as &(dyn StdError + 'static));
        next = inside.or_else(|| error.source());
    }
    None
}
