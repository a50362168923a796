//! Listeners and connections: TLS, keep-alive with the real server's limits, and the rude faults.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::answer::Answer;
use crate::cluster::Shared;
use crate::faults;
use crate::gate::{self, Outcome};
use crate::http::{self, Incoming};
use crate::respond::{self, Manner};

/// Requests after which the real server closes a connection.
const MAX_REQUESTS: u32 = 100;

/// A first byte of a TLS handshake; anything else is plain HTTP.
const TLS_HANDSHAKE: u8 = 0x16;

/// Serves a node until the task is aborted, which also cuts its connections.
pub(crate) fn listen(
    shared: Arc<Shared>,
    node: String,
    listener: TcpListener,
    tls: TlsAcceptor,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let Ok((tcp, _)) = listener.accept().await else {
                continue;
            };
            while connections.try_join_next().is_some() {}
            if refuses(&shared, &node) {
                continue;
            }
            let (shared, node, tls) = (shared.clone(), node.clone(), tls.clone());
            connections.spawn(async move {
                // A client that goes away is its own business.
                let _ = greet(&shared, &node, tcp, tls).await;
            });
        }
    })
}

fn refuses(shared: &Shared, node: &str) -> bool {
    let mut state = shared.lock();
    let offline = state.node(node).is_none_or(|node| !node.online);
    offline || faults::take_refusal(&mut state, node)
}

async fn greet(shared: &Shared, node: &str, tcp: TcpStream, tls: TlsAcceptor) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let mut first = [0];
    let peeked = tokio::time::timeout(shared.idle, tcp.peek(&mut first)).await;
    if !matches!(peeked, Ok(Ok(1))) {
        return Ok(());
    }
    if first[0] == TLS_HANDSHAKE {
        talk(shared, node, tls.accept(tcp).await?).await
    } else {
        redirect(shared, tcp).await
    }
}

/// Plain HTTP is only told where to go.
async fn redirect(shared: &Shared, mut tcp: TcpStream) -> io::Result<()> {
    let local = tcp.local_addr()?;
    let mut kept = Vec::new();
    let reading = http::read(&mut tcp, &mut kept);
    let Ok(Ok(Incoming::Request(request))) = tokio::time::timeout(shared.idle, reading).await
    else {
        return Ok(());
    };
    let mut answer = match request.method.as_str() {
        "GET" => Answer::plain(301, "Moved Permanently"),
        _ => Answer::plain(308, "Permanent Redirect"),
    };
    let host = request
        .header("host")
        .map_or(local.to_string(), String::from);
    let place = format!("https://{host}{}", request.target);
    answer.headers.push(("Location", place));
    // It says Keep-Alive, and hangs up.
    respond::write(&mut tcp, &answer, &Manner::of(&request, true)).await
}

async fn talk<S>(shared: &Shared, node: &str, mut stream: S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut kept = Vec::new();
    for count in 1..=MAX_REQUESTS {
        let reading = http::read(&mut stream, &mut kept);
        let Ok(incoming) = tokio::time::timeout(shared.idle, reading).await else {
            break;
        };
        let (outcome, mut manner) = match incoming? {
            Incoming::Closed => break,
            Incoming::Refused(request, answer) => {
                gate::note(&mut shared.lock(), node, &request, &answer);
                let manner = Manner::of(&request, false);
                (Outcome::Answer(answer, Duration::ZERO), manner)
            }
            Incoming::Request(request) => {
                let outcome = gate::handle(&mut shared.lock(), node, &request);
                shared.changed.notify_waiters();
                (outcome, Manner::of(&request, count < MAX_REQUESTS))
            }
        };
        match outcome {
            // Without TLS's goodbye, as when a cable is pulled.
            Outcome::Cut => return Ok(()),
            Outcome::Hang => return hang(stream).await,
            Outcome::Answer(answer, delay) => {
                tokio::time::sleep(delay).await;
                manner.keep &= answer.status < 400;
                respond::write(&mut stream, &answer, &manner).await?;
                if !manner.keep {
                    break;
                }
            }
        }
    }
    stream.shutdown().await
}

/// Nothing comes back until the client gives up.
async fn hang<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<()> {
    while stream.read_u8().await.is_ok() {}
    Ok(())
}
