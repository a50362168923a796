//! HTTP/1 requests, read by hand and refused where the Proxmox daemon refuses them.
//!
//! Not hyper: the real server's empty errors (401, 595 ...) have no Content-Length and end with the
//! connection, and some errors have no Content-Type; hyper's server always states a length.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::answer::Answer;
use crate::text;

const MAX_HEAD: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;
const MAX_BODY: usize = 512 * 1024;

#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub method: String,
    /// As sent: path and query.
    pub target: String,
    /// `HTTP/1.1`: answered in kind.
    pub protocol: String,
    headers: Vec<(String, String)>,
    /// Parameters of the body, form or JSON.
    pub params: Vec<(String, Value)>,
    /// A body that could not be read as what it claims to be.
    pub bad_body: Option<String>,
    /// What is said about content that was not even read, but only after the login.
    pub bad_content: Option<Answer>,
}

impl Request {
    /// By its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn wants_close(&self) -> bool {
        match self.header("connection") {
            Some(said) => said.to_ascii_lowercase().contains("close"),
            None => self.protocol == "HTTP/1.0",
        }
    }
}

/// What came in.
pub(crate) enum Incoming {
    Request(Request),
    /// Refused by the HTTP layer itself, before anybody is asked who they are.
    Refused(Request, Answer),
    Closed,
}

pub(crate) async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    kept: &mut Vec<u8>,
) -> io::Result<Incoming> {
    let Some(end) = read_head(stream, kept).await? else {
        return Ok(Incoming::Closed);
    };
    let head = String::from_utf8_lossy(&kept[..end]).into_owned();
    kept.drain(..end + 4);
    let Some(mut request) = parse_head(&head) else {
        return Ok(Incoming::Closed);
    };
    if let Some(answer) = refusal(&request) {
        return Ok(Incoming::Refused(request, answer));
    }
    let length = request
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    request.bad_content = bad_content(&request, length);
    if length == 0 || request.bad_content.is_some() {
        return Ok(Incoming::Request(request));
    }
    while kept.len() < length {
        if stream.read_buf(kept).await? == 0 {
            return Ok(Incoming::Closed);
        }
    }
    let body: Vec<u8> = kept.drain(..length).collect();
    parse_body(&mut request, &String::from_utf8_lossy(&body));
    Ok(Incoming::Request(request))
}

/// Reads until the empty line; None when the peer went away.
async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    kept: &mut Vec<u8>,
) -> io::Result<Option<usize>> {
    loop {
        let end = kept.windows(4).position(|four| four == b"\r\n\r\n");
        let head = &kept[..end.unwrap_or(kept.len())];
        let lines = head.split(|byte| *byte == b'\n').count() - 1;
        if head.len() >= MAX_HEAD || lines >= MAX_HEADERS {
            // The real one stops listening and says nothing until the connection times out.
            return std::future::pending().await;
        }
        if end.is_some() {
            return Ok(end);
        }
        if stream.read_buf(kept).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse_head(head: &str) -> Option<Request> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target, protocol) = (words.next()?, words.next()?, words.next()?);
    let headers = lines.map(|line| {
        let (key, value) = line.split_once(':')?;
        Some((key.to_ascii_lowercase(), value.trim().to_owned()))
    });
    let headers = headers.collect::<Option<Vec<_>>>()?;
    protocol.starts_with("HTTP/").then(|| Request {
        method: method.into(),
        target: target.into(),
        protocol: protocol.into(),
        headers,
        ..Request::default()
    })
}

/// What is wrong with the request, whoever sent it.
fn refusal(request: &Request) -> Option<Answer> {
    let version = request.protocol.trim_start_matches("HTTP/");
    if !version.starts_with("1.") {
        let text = format!("http protocol version {version} not supported");
        return Some(Answer::plain(506, &text));
    }
    let method = request.method.as_str();
    if !["GET", "POST", "PUT", "DELETE"].contains(&method) {
        let text = format!("method '{method}' not available");
        return Some(Answer::empty(501, &text));
    }
    let how = request.header("transfer-encoding")?;
    Some(if how.eq_ignore_ascii_case("chunked") {
        Answer::plain(501, "chunked transfer encoding not supported")
    } else {
        Answer::plain(501, &format!("Unknown transfer encoding '{how}'"))
    })
}

/// What is wrong with the content, from the headers alone.
fn bad_content(request: &Request, length: usize) -> Option<Answer> {
    if length == 0 {
        return None;
    }
    if !["POST", "PUT"].contains(&request.method.as_str()) {
        let text = format!("Unexpected content for method '{}'", request.method);
        return Some(Answer::plain(501, &text));
    }
    if length > MAX_BODY {
        return Some(Answer::plain(501, "for data too large"));
    }
    let full = request.header("content-type")?;
    let known = ["", "application/x-www-form-urlencoded", "application/json"];
    if known.contains(&plain(full)) {
        return None;
    }
    let text = format!("upload 'Content-Type '{full}' not implemented");
    Some(Answer::plain(506, &text))
}

/// Without what stands after it: `; charset=utf-8`.
fn plain(content_type: &str) -> &str {
    let first = content_type.split([';', ',']).next();
    first.unwrap_or_default().trim()
}

fn parse_body(request: &mut Request, body: &str) {
    let content_type = request.header("content-type").unwrap_or_default();
    if plain(content_type) != "application/json" {
        request.params = text::form(body)
            .into_iter()
            .map(|(key, value)| (key, Value::String(value)))
            .collect();
        return;
    }
    match serde_json::from_str(body) {
        Ok(Value::Object(map)) => request.params = map.into_iter().collect(),
        Ok(_) => request.bad_body = Some("Not a HASH reference".into()),
        Err(error) => request.bad_body = Some(format!("malformed JSON string: {error}")),
    }
}
