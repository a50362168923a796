//! An answer of the API: the data in its envelope, or the refusal in its words.

use std::collections::BTreeMap;

use hyper::ext::ReasonPhrase;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::perl::{Object, Scalar};

/// Most bytes of an answer about one thing.
pub(super) const OF_ONE: usize = 1 << 20;
/// Most bytes of a page of a task's log.
pub(super) const OF_PAGE: usize = 4 << 20;
/// Most bytes of a list of everything: some 600 for each guest, so far more than 10 000 of them.
pub(super) const OF_ALL: usize = 32 << 20;

/// An answer, whole.
pub(super) struct Answer {
    status: u16,
    /// The status in words, as the server put it.
    phrase: String,
    body: Vec<u8>,
}

pub(super) enum Unread {
    Transport(reqwest::Error),
    TooLong,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
    #[serde(default)]
    total: Scalar,
}

#[derive(Default, Deserialize)]
struct Complaint {
    #[serde(default)]
    message: Scalar,
    #[serde(default)]
    errors: Object<BTreeMap<String, Scalar>>,
}

impl Answer {
    /// At most `most` bytes, counted as they are after unpacking: a small answer may unpack to more
    /// than there is memory.
    pub(super) async fn read(response: reqwest::Response, most: usize) -> Result<Self, Unread> {
        let status = response.status();
        let phrase = match response.extensions().get::<ReasonPhrase>() {
            Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).trim().to_owned(),
            None => status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let body = match body(response, most).await {
            // A refusal is one, whether its text came through or not.
            Err(_) if status.as_u16() >= 400 => Vec::new(),
            body => body?,
        };
        Ok(Self {
            status: status.as_u16(),
            phrase,
            body,
        })
    }

    pub(super) fn data<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(self.data_and_total()?.0)
    }

    /// `total` is what there is, where the answer is a page of it.
    pub(super) fn data_and_total<T: DeserializeOwned>(&self) -> Result<(T, Option<u64>), Error> {
        if !(200..300).contains(&self.status) {
            return Err(self.refusal());
        }
        let envelope: Envelope<T> = serde_json::from_slice(&self.body)
            .map_err(|error| Error::BadReply(error.to_string()))?;
        Ok((envelope.data, envelope.total.whole()))
    }

    fn refusal(&self) -> Error {
        let complaint: Complaint = serde_json::from_slice(&self.body).unwrap_or_default();
        let message = complaint.message.text().map(|text| one_line(&text));
        let reason = [message, Some(self.phrase.clone())]
            .into_iter()
            .flatten()
            .find(|text| !text.is_empty())
            .unwrap_or_else(|| format!("status {}", self.status));
        let fields = complaint.errors.0.unwrap_or_default();
        let texts = fields
            .into_iter()
            .map(|(key, what)| (key, one_line(&what.text().unwrap_or_default())));
        Error::Refused {
            status: self.status,
            reason,
            fields: texts.collect(),
        }
    }
}

async fn body(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Unread::Transport)? {
        if body.len() + chunk.len() > most {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, phrase: &str, body: &'static str) -> Answer {
        Answer {
            status,
            phrase: phrase.to_owned(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn reason(answer: &Answer) -> String {
        match answer.data::<Scalar>() {
            Err(Error::Refused { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_reason_is_the_message_or_the_phrase_or_the_status() {
        let body = "{\"data\":null,\"message\":\"no such\\nguest\\n\"}";
        assert_eq!(reason(&answer(500, "phrase", body)), "no such guest");
        assert_eq!(reason(&answer(500, "phrase", "{\"data\":null}")), "phrase");
        assert_eq!(
            reason(&answer(595, "No route to host", "")),
            "No route to host"
        );
        assert_eq!(reason(&answer(596, "", "<html>")), "status 596");
    }

    #[test]
    fn field_errors_are_kept() {
        let body = r#"{"message":"Parameter verification failed.\n","errors":{"vmid":"bad\n"},"data":null}"#;
        let Err(Error::Refused { fields, .. }) = answer(400, "", body).data::<Scalar>() else {
            panic!("not refused");
        };
        assert_eq!(fields["vmid"], "bad");
    }

    #[test]
    fn bad_json_is_told_from_a_refusal() {
        for body in ["", "<html>", "{}", "{\"data\":", "[]"] {
            let data = answer(200, "OK", body).data::<String>();
            assert!(matches!(data, Err(Error::BadReply(_))), "{body}");
        }
    }
}
