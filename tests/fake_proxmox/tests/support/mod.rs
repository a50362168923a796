//! A client that speaks raw HTTP, so that every byte of an answer can be looked at.
#![allow(dead_code)]

use std::sync::Arc;
use std::time::Duration;

use fake_proxmox::{Cluster, Setup};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

pub mod contract;

/// The home cluster on the manual clock, with a short delay of refused logins.
pub fn quick() -> Setup {
    Setup {
        unauthorized_delay: Duration::from_millis(30),
        ..Setup::home()
    }
}

pub async fn home() -> Cluster {
    start(quick()).await
}

pub async fn start(setup: Setup) -> Cluster {
    Cluster::start(setup).await.expect("the cluster starts")
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub phrase: String,
    pub status_line: String,
    /// In the order sent.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    #[track_caller]
    pub fn data(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["data"].clone()
    }

    /// Status and phrase as one text.
    pub fn said(&self) -> String {
        format!("{} {}", self.status, self.phrase)
    }

    pub fn error(&self, name: &str) -> String {
        let json = self.json();
        let text = json["errors"][name].as_str();
        text.unwrap_or_else(|| panic!("no error about {name}: {json}"))
            .to_owned()
    }
}

pub struct Connection(TlsStream<TcpStream>);

impl Connection {
    pub async fn open(cluster: &Cluster, node: &str) -> std::io::Result<Connection> {
        let url = cluster.url_of(node);
        let tcp = TcpStream::connect(url.trim_start_matches("https://")).await?;
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(cluster.ca_pem().as_bytes()).expect("PEM");
        roots.add(ca).expect("a CA");
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let tls = TlsConnector::from(Arc::new(config));
        Ok(Connection(tls.connect(name, tcp).await?))
    }

    pub async fn send(&mut self, text: &str) -> std::io::Result<()> {
        self.0.write_all(text.as_bytes()).await?;
        self.0.flush().await
    }

    /// None when the connection was closed without a byte.
    pub async fn answer(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) if head.is_empty() => return None,
                Err(error) => panic!("cut in the head: {error}"),
            }
        }
        let mut answer = parse(&String::from_utf8(head).expect("text"));
        let mut body = Vec::new();
        match answer.header("Content-Length") {
            Some(length) => {
                body.resize(length.parse().expect("a length"), 0);
                self.0.read_exact(&mut body).await.expect("the whole body");
            }
            None => {
                // The end of the connection is the end of the body, and is said properly.
                self.0.read_to_end(&mut body).await.expect("a clean end");
            }
        }
        answer.body = String::from_utf8_lossy(&body).into_owned();
        Some(answer)
    }

    /// The server closed it and sends nothing more.
    pub async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_millis(500), self.0.read(&mut byte));
        matches!(read.await, Ok(Ok(0) | Err(_)))
    }

    pub async fn ask(&mut self, method: &str, path: &str, auth: &str) -> Option<Answer> {
        let head = format!("{method} /api2/json{path} HTTP/1.1\r\nHost: x\r\n{auth}\r\n");
        self.send(&head).await.ok()?;
        self.answer().await
    }
}

pub fn parse(head: &str) -> Answer {
    let mut lines = head.trim_end().split("\r\n");
    let status_line = lines.next().unwrap_or_default().to_owned();
    let mut words = status_line.splitn(3, ' ').skip(1);
    let status = words.next().unwrap_or_default().parse().expect("a status");
    let phrase = words.next().unwrap_or_default().to_owned();
    let headers = lines
        .map(|line| line.split_once(": ").expect("a header"))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    Answer {
        status,
        phrase,
        status_line,
        headers,
        body: String::new(),
    }
}

/// The header line of the cluster's token.
pub fn auth(cluster: &Cluster) -> String {
    token_line(&cluster.token_id(), &cluster.token_secret())
}

pub fn token_line(id: &str, secret: &str) -> String {
    format!("Authorization: PVEAPIToken={id}={secret}\r\n")
}

/// Sends these bytes to a node on a fresh connection.
pub async fn raw(cluster: &Cluster, node: &str, text: &str) -> Option<Answer> {
    let mut connection = Connection::open(cluster, node).await.ok()?;
    connection.send(text).await.ok()?;
    connection.answer().await
}

/// Sends head lines and a body; `{auth}` stands for the token's header.
pub async fn raw_auth(cluster: &Cluster, text: &str) -> Answer {
    let text = text.replace("{auth}", &auth(cluster));
    raw(cluster, "pve1", &text).await.expect("an answer")
}

pub async fn get(cluster: &Cluster, path: &str) -> Answer {
    ask(cluster, "GET", path, &auth(cluster)).await
}

pub async fn delete(cluster: &Cluster, path: &str) -> Answer {
    ask(cluster, "DELETE", path, &auth(cluster)).await
}

pub async fn ask(cluster: &Cluster, method: &str, path: &str, auth: &str) -> Answer {
    let mut connection = Connection::open(cluster, "pve1").await.expect("connected");
    let answer = connection.ask(method, path, auth).await;
    answer.unwrap_or_else(|| panic!("no answer to {method} {path}"))
}

/// A form.
pub async fn post(cluster: &Cluster, path: &str, form: &str) -> Answer {
    send(cluster, "POST", path, form, &auth(cluster)).await
}

pub async fn put(cluster: &Cluster, path: &str, form: &str) -> Answer {
    send(cluster, "PUT", path, form, &auth(cluster)).await
}

/// Parameters as a form where there may be a body, else in the query.
pub async fn send(cluster: &Cluster, method: &str, path: &str, form: &str, auth: &str) -> Answer {
    if !["POST", "PUT"].contains(&method) {
        let mark = if path.contains('?') || form.is_empty() {
            ""
        } else {
            "?"
        };
        return ask(cluster, method, &format!("{path}{mark}{form}"), auth).await;
    }
    let head = format!(
        "{method} /api2/json{path} HTTP/1.1\r\nHost: x\r\n{auth}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    raw(cluster, "pve1", &head).await.expect("an answer")
}

/// The header line of a new token that may do everything, though it is not root.
pub fn almighty(cluster: &Cluster) -> String {
    cluster.add_token("root@pam!all", "secret", false);
    token_line("root@pam!all", "secret")
}

/// A power action on a guest of the node given; the UPID.
#[track_caller]
pub fn upid(answer: &Answer) -> String {
    answer.data().as_str().expect("a UPID").to_owned()
}

pub async fn power(cluster: &Cluster, guest: &str, verb: &str) -> Answer {
    post(cluster, &format!("/nodes/{guest}/status/{verb}"), "").await
}

/// The exit text of a task, as its status says.
pub async fn exit(cluster: &Cluster, upid: &str) -> Option<String> {
    let node = upid.split(':').nth(1).expect("a node");
    let encoded = upid.replace(':', "%3A");
    let status = get(cluster, &format!("/nodes/{node}/tasks/{encoded}/status")).await;
    status.data()["exitstatus"].as_str().map(String::from)
}
