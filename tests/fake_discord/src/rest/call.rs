//! One request of the bot, read: its route, its JSON, its files.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::Value;

use crate::rest::error::Refusal;
use crate::rest::multipart;
use crate::rest::route::Route;

pub(crate) struct Call {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub route: Option<(Route, &'static str)>,
    pub headers: HeaderMap,
    pub json: Value,
    pub files: Vec<File>,
    /// The body could not be read.
    pub unreadable: Option<Refusal>,
}

pub(crate) struct File {
    /// n of `files[n]`
    pub number: u64,
    pub name: String,
    pub content_type: String,
    pub bytes: Bytes,
}

impl Call {
    pub(crate) fn template(&self) -> &'static str {
        self.route
            .as_ref()
            .map_or("(unknown)", |(_, template)| template)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn asks(&self, flag: &str) -> bool {
        self.query
            .split('&')
            .any(|pair| pair == format!("{flag}=true") || pair == format!("{flag}=1"))
    }

    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let mut found = pairs.filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| value)
    }

    pub(crate) fn file_names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.name.clone()).collect()
    }

    /// Body to JSON and files; what cannot be read is kept as the refusal it will get.
    pub(crate) fn read_body(&mut self, body: &Bytes) {
        if body.is_empty() {
            return;
        }
        let kind = self.header("content-type").unwrap_or_default().to_owned();
        let read = if let Some(boundary) = multipart::boundary(&kind) {
            multipart::read(body, &boundary).map(|(json, files)| {
                self.files = files;
                json
            })
        } else if kind.starts_with("application/json") {
            serde_json::from_slice(body)
                .map_err(|_| Refusal::rule(400, 50109, "The request body contains invalid JSON."))
        } else {
            Err(Refusal::rule(
                400,
                50035,
                "Expected \"Content-Type\" header to be one of {'application/json'}.",
            ))
        };
        match read {
            Ok(json) => self.json = json,
            Err(refusal) => self.unreadable = Some(refusal),
        }
    }
}
