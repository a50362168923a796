//! Answers as bytes: the real server's headers, and gzip where it would use it.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::answer::{Answer, Body};
use crate::http::Request;
use crate::text;

/// Longer bodies are packed for clients that take it.
const GZIP_FROM: usize = 1024;

/// How an answer is to be written.
pub(crate) struct Manner {
    pub protocol: String,
    pub keep: bool,
    /// The client takes gzip.
    pub gzip: bool,
}

impl Manner {
    pub fn of(request: &Request, keep: bool) -> Manner {
        let encodings = request.header("accept-encoding");
        Manner {
            protocol: request.protocol.clone(),
            keep: keep && !request.wants_close(),
            gzip: encodings.is_some_and(|encodings| encodings.contains("gzip")),
        }
    }
}

pub(crate) async fn write<S: AsyncWrite + Unpin>(
    stream: &mut S,
    answer: &Answer,
    manner: &Manner,
) -> io::Result<()> {
    let (content_type, body) = match &answer.body {
        Body::None => ("", String::new()),
        Body::Json(value) => ("application/json;charset=UTF-8", value.to_string()),
        Body::Text(content_type, text) => (*content_type, text.clone()),
    };
    let mut body = body.into_bytes();
    let packed = manner.gzip && body.len() > GZIP_FROM;
    if packed {
        body = gzip(&body);
    }
    let date = text::http_date(text::epoch());
    let mut lines = vec![
        format!("{} {} {}", manner.protocol, answer.status, answer.phrase),
        "Cache-Control: max-age=0".into(),
        format!(
            "Connection: {}",
            if manner.keep { "Keep-Alive" } else { "close" }
        ),
        format!("Date: {date}"),
        "Pragma: no-cache".into(),
    ];
    let more = answer.headers.iter();
    lines.extend(more.map(|(name, value)| format!("{name}: {value}")));
    lines.push("Server: pve-api-daemon/3.0".into());
    if packed {
        lines.push("Content-Encoding: gzip".into());
    }
    if !body.is_empty() {
        lines.push(format!("Content-Length: {}", body.len()));
    }
    if !content_type.is_empty() {
        lines.push(format!("Content-Type: {content_type}"));
    }
    lines.push(format!("Expires: {date}"));
    let mut bytes = (lines.join("\r\n") + "\r\n\r\n").into_bytes();
    bytes.append(&mut body);
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// A valid gzip stream that only stores: enough to see whether a client unpacks it.
#[allow(clippy::cast_possible_truncation)]
fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let blocks = data.chunks(0xffff);
    let last = blocks.len().saturating_sub(1);
    for (index, block) in blocks.enumerate() {
        let length = block.len() as u16;
        out.push(u8::from(index == last));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(data).to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    out
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let low = crc & 1;
            crc = (crc >> 1) ^ (0xedb8_8320 & low.wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
