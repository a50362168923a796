//! Paths of the API, made of segments: what stands in a segment can never become another path.

use std::fmt::{self, Write as _};

/// A path below `/api2/json`, percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiPath(String);

impl ApiPath {
    pub(super) fn new(segments: &[&str]) -> Self {
        let mut path = String::from("/api2/json");
        for segment in segments {
            path.push('/');
            push_encoded(&mut path, segment);
        }
        Self(path)
    }

    /// With parameters in the query string, where GET and DELETE want them.
    pub(super) fn query(mut self, parameters: &[(&str, &str)]) -> Self {
        for (key, value) in parameters {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            push_encoded(&mut self.0, key);
            self.0.push('=');
            push_encoded(&mut self.0, value);
        }
        self
    }
}

impl fmt::Display for ApiPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything but RFC 3986's unreserved characters. A lone `.` or `..` would be resolved away by
/// URL parsers even when encoded; no name of ours can be one, and an empty segment is harmless.
fn push_encoded(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            to.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(to, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_stay_segments() {
        let path = ApiPath::new(&["nodes", "pve1", "tasks", "UPID:pve1:0:a@b!c:", "x/../y?z#%"]);
        assert_eq!(
            path.to_string(),
            "/api2/json/nodes/pve1/tasks/UPID%3Apve1%3A0%3Aa%40b%21c%3A/x%2F..%2Fy%3Fz%23%25"
        );
    }

    #[test]
    fn parameters_are_encoded_too() {
        let path =
            ApiPath::new(&["access", "permissions"]).query(&[("path", "/vms/100"), ("a", "&")]);
        assert_eq!(
            path.to_string(),
            "/api2/json/access/permissions?path=%2Fvms%2F100&a=%26"
        );
    }
}
