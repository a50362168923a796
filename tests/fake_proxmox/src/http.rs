//! HTTP/1 by hand, byte for byte as the Proxmox daemon speaks it.
//!
//! Not hyper: the real server's empty errors (401, 595 ...) have no Content-Length and end with the
//! connection, and some errors have no Content-Type; hyper's server always states a length.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::answer::{Answer, Body};
use crate::text;

const MAX_HEAD: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;
const MAX_BODY: usize = 512 * 1024;

#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub method: String,
    /// As sent: path and query.
    pub target: String,
    pub http_1_0: bool,
    headers: Vec<(String, String)>,
    /// Parameters of the body, form or JSON.
    pub params: Vec<(String, Value)>,
    /// A body that could not be read as what it claims to be.
    pub bad_body: Option<String>,
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
        let said = self
            .header("connection")
            .unwrap_or_default()
            .to_ascii_lowercase();
        said.contains("close") || (self.http_1_0 && !said.contains("keep-alive"))
    }
}

/// What came in.
pub(crate) enum Incoming {
    Request(Request),
    /// Refused by the HTTP layer itself, before anybody is asked who they are.
    Refused(Answer),
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
    if let Some(refused) = refusal(&request) {
        return Ok(Incoming::Refused(refused));
    }
    let length = request
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    if length > MAX_BODY {
        return Ok(Incoming::Refused(Answer::plain(501, "for data too large")));
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

/// Reads until the empty line; None when the peer went away or talks too much.
async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    kept: &mut Vec<u8>,
) -> io::Result<Option<usize>> {
    loop {
        if let Some(end) = kept.windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(Some(end));
        }
        if kept.len() > MAX_HEAD || stream.read_buf(kept).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse_head(head: &str) -> Option<Request> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let mut headers = Vec::new();
    for line in lines {
        let (key, value) = line.split_once(':')?;
        headers.push((key.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if headers.len() > MAX_HEADERS {
        return None;
    }
    Some(Request {
        method: method.into(),
        target: target.into(),
        http_1_0: version == "HTTP/1.0",
        headers,
        ..Request::default()
    })
    .filter(|_| version.starts_with("HTTP/"))
    .map(|mut request| {
        if !version.starts_with("HTTP/1.") {
            request.method = format!("{version} {method}");
        }
        request
    })
}

fn refusal(request: &Request) -> Option<Answer> {
    let method = request.method.as_str();
    if method.starts_with("HTTP/") {
        return Some(Answer::plain(506, "http protocol version not supported"));
    }
    if !["GET", "POST", "PUT", "DELETE", "OPTIONS"].contains(&method) {
        return Some(Answer::empty(
            501,
            &format!("method '{method}' not available"),
        ));
    }
    if request
        .header("transfer-encoding")
        .is_some_and(|how| how.contains("chunked"))
    {
        return Some(Answer::plain(
            501,
            "chunked transfer encoding not supported",
        ));
    }
    let length = request.header("content-length").unwrap_or("0");
    if length != "0" && !["POST", "PUT"].contains(&method) {
        return Some(Answer::plain(
            501,
            &format!("Unexpected content for method '{method}'"),
        ));
    }
    None
}

fn parse_body(request: &mut Request, body: &str) {
    let content_type = request.header("content-type").unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    if content_type != "application/json" {
        request.params = text::form(body)
            .into_iter()
            .map(|(key, value)| (key, Value::String(value)))
            .collect();
        return;
    }
    match serde_json::from_str(body) {
        Ok(Value::Object(map)) => request.params = map.into_iter().collect(),
        Ok(_) => request.bad_body = Some("not a HASH reference\n".into()),
        Err(error) => request.bad_body = Some(format!("malformed JSON string: {error}\n")),
    }
}

pub(crate) async fn write<S: AsyncWrite + Unpin>(
    stream: &mut S,
    answer: &Answer,
    keep: bool,
) -> io::Result<()> {
    let date = text::http_date(text::epoch());
    let connection = if keep { "Keep-Alive" } else { "close" };
    let mut head = format!(
        "HTTP/1.1 {} {}\r\nCache-Control: max-age=0\r\nConnection: {connection}\r\n\
         Date: {date}\r\nPragma: no-cache\r\nServer: pve-api-daemon/3.0\r\n",
        answer.status, answer.phrase
    );
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let (content_type, body) = match &answer.body {
        Body::None => ("", None),
        Body::Json(value) => ("application/json;charset=UTF-8", Some(value.to_string())),
        Body::Text(content_type, text) => (*content_type, Some(text.clone())),
    };
    if let Some(body) = &body {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    if !content_type.is_empty() {
        head += &format!("Content-Type: {content_type}\r\n");
    }
    head += &format!("Expires: {date}\r\n\r\n");
    head += body.as_deref().unwrap_or_default();
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await
}
