//! One WebSocket: opened within a time limit, over TLS with the web's roots, closed politely.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
};

use crate::discord::Settings;

pub(super) use tokio_tungstenite::tungstenite::Error;

pub(super) type Wire = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// From the name look-up to the end of the upgrade.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
const SEND_WITHIN: Duration = Duration::from_secs(10);
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

pub(super) struct Connect {
    tls: Arc<ClientConfig>,
    /// Unencrypted connections within this machine are meant: the API itself is configured so.
    plain: bool,
}

impl Connect {
    pub(super) fn new(settings: &Settings) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: Arc::new(tls),
            plain: settings
                .api_url
                .as_deref()
                .is_some_and(|url| url.starts_with("http://")),
        })
    }

    /// Whether the bot token may go there.
    pub(super) fn accepts(&self, url: &str) -> bool {
        let Ok(uri) = url.parse::<Uri>() else {
            return false;
        };
        match uri.scheme_str() {
            Some("wss") => uri.host().is_some(),
            Some("ws") => self.plain && uri.host().is_some_and(is_loopback),
            _ => false,
        }
    }

    pub(super) async fn open(&self, url: &str) -> Result<Wire, String> {
        if !self.accepts(url) {
            return Err("the gateway's address is not a wss:// one".to_owned());
        }
        let url = format!("{}/?v=10&encoding=json", url.trim_end_matches('/'));
        let tls = Connector::Rustls(self.tls.clone());
        let opening = connect_async_tls_with_config(url, None, true, Some(tls));
        match timeout(OPEN_WITHIN, opening).await {
            Ok(Ok((wire, _))) => Ok(wire),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("not open after {} s", OPEN_WITHIN.as_secs())),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A peer that takes nothing any more is as good as gone.
pub(super) async fn send(wire: &mut Wire, frame: &Value) -> Result<(), ()> {
    let message = Message::text(frame.to_string());
    match timeout(SEND_WITHIN, wire.send(message)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(()),
    }
}

/// Says goodbye and waits a moment for the same, so that the frame is surely read.
pub(super) async fn close(mut wire: Wire, code: u16) {
    let frame = CloseFrame {
        code: code.into(),
        reason: "".into(),
    };
    let goodbye = async {
        if wire.close(Some(frame)).await.is_ok() {
            while let Some(Ok(_)) = wire.next().await {}
        }
    };
    let _ = timeout(CLOSE_WITHIN, goodbye).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(plain: bool) -> Connect {
        let roots = RootCertStore::empty();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Connect {
            tls: Arc::new(tls),
            plain,
        }
    }

    #[test]
    fn the_token_goes_over_tls_or_stays_on_the_machine() {
        for url in ["wss://gateway.discord.gg", "wss://x.example:444/"] {
            assert!(connect(false).accepts(url), "{url}");
        }
        for url in [
            "ws://127.0.0.1:8000",
            "ws://[::1]:8000",
            "ws://localhost:1/",
        ] {
            assert!(connect(true).accepts(url), "{url}");
            assert!(!connect(false).accepts(url), "{url}");
        }
        for url in [
            "",
            "ws://192.0.2.1",
            "ws://127.0.0.1.example",
            "http://127.0.0.1",
            "wss://",
            "x",
            "💥",
        ] {
            assert!(!connect(true).accepts(url), "{url}");
        }
    }
}
