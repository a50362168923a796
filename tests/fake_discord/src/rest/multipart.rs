//! multipart/form-data as bots send it: `payload_json` and `files[n]`.

use axum::body::Bytes;
use serde_json::Value;

use crate::rest::call::File;
use crate::rest::error::Refusal;

pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let rest = content_type.strip_prefix("multipart/form-data")?;
    let value = rest
        .split(';')
        .find_map(|part| part.trim().strip_prefix("boundary="))?;
    Some(value.trim_matches('"').to_owned())
}

pub(crate) fn read(body: &Bytes, boundary: &str) -> Result<(Value, Vec<File>), Refusal> {
    let mut json = Value::Null;
    let mut files = Vec::new();
    for (head, content) in parts(body, boundary) {
        let disposition = header(&head, "content-disposition").unwrap_or_default();
        let name = parameter(&disposition, "name").unwrap_or_default();
        if name == "payload_json" {
            json = serde_json::from_slice(&content).map_err(|_| {
                Refusal::rule(400, 50109, "The request body contains invalid JSON.")
            })?;
        } else if let Some(number) = file_number(&name) {
            let content_type =
                header(&head, "content-type").unwrap_or("application/octet-stream".into());
            let Some(name) = parameter(&disposition, "filename") else {
                return Err(Refusal::rule(
                    400,
                    50035,
                    "Invalid Form Body: a file without a filename",
                ));
            };
            files.push(File {
                number,
                name,
                content_type,
                bytes: content,
            });
        } else {
            return Err(Refusal::rule(
                400,
                50035,
                &format!("Invalid Form Body: unexpected part `{name}`"),
            ));
        }
    }
    Ok((json, files))
}

/// `files[3]`, or the older plain `file`.
fn file_number(name: &str) -> Option<u64> {
    if name == "file" {
        return Some(0);
    }
    name.strip_prefix("files[")?.strip_suffix(']')?.parse().ok()
}

fn parts(body: &Bytes, boundary: &str) -> Vec<(String, Bytes)> {
    let delimiter = format!("--{boundary}");
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = find(body, delimiter.as_bytes(), at).map(|at| at + delimiter.len()) {
        if body[start..].starts_with(b"--") {
            break;
        }
        let Some(end_of_head) = find(body, b"\r\n\r\n", start) else {
            break;
        };
        let ending = format!("\r\n{delimiter}");
        let Some(end) = find(body, ending.as_bytes(), end_of_head + 2) else {
            break;
        };
        let head = String::from_utf8_lossy(&body[start..end_of_head]).into_owned();
        found.push((head, body.slice((end_of_head + 4).min(end)..end)));
        at = end + 2;
    }
    found
}

fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let inside = haystack.get(from..)?;
    inside
        .windows(needle.len())
        .position(|window| window == needle)
        .map(|at| at + from)
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

fn parameter(disposition: &str, name: &str) -> Option<String> {
    let start = disposition.find(&format!("; {name}=\""))? + name.len() + 4;
    let rest = &disposition[start..];
    Some(rest[..rest.find('"')?].to_owned())
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::{boundary, read};

    #[test]
    fn json_and_files_are_told_apart() {
        let body = "--X\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{\"content\":\"a\"}\r\n\
                    --X\r\nContent-Disposition: form-data; name=\"files[2]\"; filename=\"a.txt\"\r\n\
                    Content-Type: text/plain\r\n\r\nline\r\n\r\nend\r\n--X--\r\n";
        let edge = boundary("multipart/form-data; boundary=X").unwrap();
        let (json, files) = read(&Bytes::from(body), &edge).unwrap();
        assert_eq!(json["content"], "a");
        assert_eq!((files[0].number, files[0].name.as_str()), (2, "a.txt"));
        assert_eq!(&files[0].bytes[..], b"line\r\n\r\nend");
    }
}
