//! Whose certificate is believed.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use fake_proxmox::Setup;
use pve_steward::config::{Cluster, Trust};
use pve_steward::proxmox::{Client, Error, Fault, Why, fingerprint_text, presented};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::world::{config, home, limits, start};

fn with_trust(fake: &fake_proxmox::Cluster, trust: Trust) -> Client {
    let cluster = Cluster {
        trust,
        ..config(fake)
    };
    Client::with_limits(&cluster, limits()).expect("a client")
}

fn bytes(fingerprint: &str) -> [u8; 32] {
    let pairs = fingerprint
        .split(':')
        .map(|pair| u8::from_str_radix(pair, 16).expect("hex"));
    pairs.collect::<Vec<_>>().try_into().expect("32 pairs")
}

fn fault(error: Error) -> Fault {
    assert!(error.surely_not_done(), "{error}");
    match error {
        Error::Certificate { fault, .. } => fault,
        other => panic!("not about the certificate: {other:?}"),
    }
}

#[tokio::test]
async fn the_clusters_own_ca_is_believed() {
    let fake = home().await;
    let client = with_trust(&fake, Trust::Ca(fake.ca_pem()));
    assert_eq!(client.version().await.expect("a version").major(), Some(9));
}

#[tokio::test]
async fn another_ca_is_refused_before_anything_is_sent() {
    let (fake, other) = (home().await, home().await);
    let client = with_trust(&fake, Trust::Ca(other.ca_pem()));
    // The CAs of two clusters bear the same kind of name: the signature tells them apart.
    let refused = fault(client.version().await.expect_err("refused"));
    assert!(
        matches!(refused, Fault::UnknownIssuer | Fault::BadSignature),
        "{refused:?}"
    );
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn the_systems_roots_do_not_know_a_home_made_cluster() {
    let fake = home().await;
    let client = with_trust(&fake, Trust::SystemRoots);
    assert_eq!(
        fault(client.version().await.expect_err("refused")),
        Fault::UnknownIssuer
    );
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_pinned_certificate_is_believed() {
    let fake = start(Setup::home_on(&["pve1"])).await;
    let other = [7; 32];
    let pins = vec![other, bytes(&fake.fingerprint("pve1"))];
    let client = with_trust(&fake, Trust::Fingerprints(pins));
    client.version().await.expect("a version");
}

#[tokio::test]
async fn another_certificate_is_refused_and_named() {
    let fake = start(Setup::home_on(&["pve1"])).await;
    let right = bytes(&fake.fingerprint("pve1"));
    let mut wrong = right;
    wrong[31] ^= 1;
    let client = with_trust(&fake, Trust::Fingerprints(vec![wrong]));
    let error = client.version().await.expect_err("refused");
    assert!(
        error.to_string().contains(&fake.fingerprint("pve1")),
        "{error}"
    );
    assert_eq!(fault(error), Fault::NotPinned(right));
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn the_node_whose_pin_fits_serves() {
    let fake = home().await;
    let pins = vec![bytes(&fake.fingerprint("pve2"))];
    let client = with_trust(&fake, Trust::Fingerprints(pins));
    client.version().await.expect("a version");
    let asked: Vec<String> = fake
        .requests()
        .into_iter()
        .map(|request| request.node)
        .collect();
    assert_eq!(asked, ["pve2"]);
}

#[tokio::test]
async fn settings_that_believe_nobody_are_refused_at_once() {
    let fake = home().await;
    for trust in [
        Trust::Fingerprints(Vec::new()),
        Trust::Ca(String::new()),
        Trust::Ca("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()),
    ] {
        let cluster = Cluster {
            trust,
            ..config(&fake)
        };
        let client = Client::new(&cluster);
        assert!(
            matches!(client, Err(Error::Setup(_))),
            "{:?}",
            cluster.trust
        );
    }
}

#[tokio::test]
async fn plain_http_is_never_spoken() {
    let fake = home().await;
    let endpoints = vec![fake.url_of("pve1").replace("https", "http")];
    let cluster = Cluster {
        endpoints,
        ..config(&fake)
    };
    let client = Client::new(&cluster).expect("a client");
    assert!(matches!(client.version().await, Err(Error::Setup(_))));
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn looking_at_a_certificate_sends_nothing() {
    let fake = home().await;
    let seen = presented(&fake.url_of("pve2"))
        .await
        .expect("a certificate");
    assert_eq!(
        fingerprint_text(&seen.fingerprint),
        fake.fingerprint("pve2")
    );
    assert!(fake.requests().is_empty());
    // Bound and never listening: nobody else gets the port, and nobody answers there.
    let reserved = tokio::net::TcpSocket::new_v4().expect("a socket");
    let any = "127.0.0.1:0".parse().expect("an address");
    reserved.bind(any).expect("a port");
    let address = reserved.local_addr().expect("an address");
    let nobody = presented(&format!("https://{address}"))
        .await
        .expect_err("nobody there");
    assert!(matches!(nobody, Error::NotSent(failure) if failure.why == Why::Refused));
    let plain = presented("http://127.0.0.1:1").await;
    assert!(matches!(plain, Err(Error::Setup(_))), "{plain:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_impostor_with_the_pinned_certificate_but_not_its_key_is_refused() {
    let fake = start(Setup::home_on(&["pve1"])).await;
    let certificate = tokio::task::block_in_place(|| leaf(&fake));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoints = vec![format!(
        "https://{}",
        listener.local_addr().expect("an address")
    )];
    std::thread::spawn(move || impostor(&listener, certificate));
    let trust = Trust::Fingerprints(vec![bytes(&fake.fingerprint("pve1"))]);
    let cluster = Cluster {
        endpoints,
        trust,
        ..config(&fake)
    };
    // Everything about the certificate is right, and `presented` believes it as far as it goes.
    let seen = presented(&cluster.endpoints[0])
        .await
        .expect("a certificate");
    assert_eq!(
        fingerprint_text(&seen.fingerprint),
        fake.fingerprint("pve1")
    );
    let client = Client::with_limits(&cluster, limits()).expect("a client");
    assert_eq!(
        fault(client.version().await.expect_err("refused")),
        Fault::BadSignature
    );
}

/// The certificate that pve1 shows.
fn leaf(fake: &fake_proxmox::Cluster) -> CertificateDer<'static> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(fake.ca_pem().as_bytes()).expect("a CA");
    roots.add(ca).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address = fake.url_of("pve1").replace("https://", "");
    let name = ServerName::try_from("pve1").expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut tcp = TcpStream::connect(address).expect("the fake listens");
    // The fake answers on the other worker.
    while connection.is_handshaking() {
        connection.complete_io(&mut tcp).expect("a handshake");
    }
    let chain = connection.peer_certificates().expect("a chain");
    chain[0].clone().into_owned()
}

/// Answers every connection with somebody else's certificate.
fn impostor(listener: &TcpListener, certificate: CertificateDer<'static>) {
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Stolen(Arc::new(CertifiedKey::new(
            vec![certificate],
            Arc::new(NoKey),
        )))));
    let config = Arc::new(config);
    for tcp in listener.incoming() {
        let mut tcp = tcp.expect("a connection");
        let mut connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
        while connection.is_handshaking() && connection.complete_io(&mut tcp).is_ok() {}
        // Only a client that believed would ever read this.
        let _ = connection
            .writer()
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        let _ = connection.complete_io(&mut tcp);
    }
}

#[derive(Debug)]
struct Stolen(Arc<CertifiedKey>);

impl ResolvesServerCert for Stolen {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Signs with what looks like a signature of the right kind.
#[derive(Debug)]
struct NoKey;

impl SigningKey for NoKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let fits = offered.contains(&SignatureScheme::ECDSA_NISTP256_SHA256);
        fits.then(|| Box::new(Self) as Box<dyn Signer>)
    }
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for NoKey {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        // DER: a sequence of two small integers.
        Ok(vec![0x30, 6, 2, 1, 5, 2, 1, 7])
    }
    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}
