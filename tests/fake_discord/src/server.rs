//! The listener: one port for REST and gateway, connections that can be cut.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::rest::Cut;
use crate::state::Shared;
use crate::{gateway, rest};

pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    // Dropped with the task, and every REST connection with it.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if let Ok((stream, _)) = listener.accept().await {
            // Otherwise events less than 40 ms apart wait for the client's delayed acknowledgement.
            let _ = stream.set_nodelay(true);
            connections.spawn(connection(stream, shared.clone()));
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(shared.clone(), request));
    let serving = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // Errors are the bot's hang-ups and our own cuts: both are the point of a fake.
    let _ = serving.await;
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    if request.headers().contains_key("upgrade") {
        let (parts, _) = request.into_parts();
        return gateway::connection::upgrade(shared, parts).await;
    }
    rest::handle(shared, request.map(Body::new)).await
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fake cuts this connection")
    }
}

impl std::error::Error for Cut {}
