//! The cluster's own certificate authority and a certificate per node, as `pvecm` makes them.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::text;

const DAY: u64 = 86_400;

#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub pem: String,
    der: Vec<u8>,
    key: Vec<u8>,
    pub subject: String,
    pub issuer: String,
    pub san: Vec<String>,
    pub not_before: u64,
    pub not_after: u64,
}

pub(crate) struct Authority {
    pub certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

const CA_SUBJECT: &str = "/CN=Proxmox Virtual Environment/OU=5b0c1d52-6e3f-4c1c-9a53-0f6ad7b2c9e4/O=PVE Cluster Manager CA";

pub(crate) fn authority() -> Result<Authority> {
    let mut params = CertificateParams::default();
    params.distinguished_name = names(CA_SUBJECT);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let (not_before, not_after) = validity(&mut params, 10 * 365 * DAY);
    let key = KeyPair::generate()?;
    let signed = params.self_signed(&key)?;
    let certificate = Certificate {
        pem: signed.pem(),
        der: signed.der().to_vec(),
        key: key.serialize_der(),
        subject: CA_SUBJECT.into(),
        issuer: CA_SUBJECT.into(),
        san: Vec::new(),
        not_before,
        not_after,
    };
    Ok(Authority {
        certificate,
        issuer: Issuer::new(params, key),
    })
}

/// The node's own certificate, valid for at most two years as the real ones.
pub(crate) fn leaf(authority: &Authority, node: &str) -> Result<Certificate> {
    let san = ["127.0.0.1", "::1", "localhost", node]
        .map(String::from)
        .to_vec();
    let subject = format!("/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={node}");
    let mut params = CertificateParams::new(san.clone())?;
    params.distinguished_name = names(&subject);
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let (not_before, not_after) = validity(&mut params, 730 * DAY);
    let key = KeyPair::generate()?;
    let signed = params.signed_by(&key, &authority.issuer)?;
    Ok(Certificate {
        pem: signed.pem(),
        der: signed.der().to_vec(),
        key: key.serialize_der(),
        subject,
        issuer: authority.certificate.subject.clone(),
        san,
        not_before,
        not_after,
    })
}

/// `AB:CD:..`, SHA-256 over the certificate.
pub(crate) fn fingerprint(certificate: &Certificate) -> String {
    let bytes = Sha256::digest(&certificate.der);
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// Chain and key for a node's listener; no ALPN, as the real server speaks HTTP/1 only.
pub(crate) fn tls(leaf: &Certificate) -> Result<ServerConfig> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf.key.clone()));
    Ok(
        ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der.clone().into()], key)?,
    )
}

fn validity(params: &mut CertificateParams, seconds: u64) -> (u64, u64) {
    let not_before = text::epoch_of(SystemTime::now()) - DAY;
    let not_after = not_before + seconds;
    let zero = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = zero + Duration::from_secs(not_before);
    params.not_after = zero + Duration::from_secs(not_after);
    (not_before, not_after)
}

fn names(subject: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    for part in subject.split('/').filter(|part| !part.is_empty()) {
        let (kind, value) = part.split_once('=').unwrap_or((part, ""));
        let kind = match kind {
            "CN" => DnType::CommonName,
            "OU" => DnType::OrganizationalUnitName,
            _ => DnType::OrganizationName,
        };
        names.push(kind, value);
    }
    names
}
