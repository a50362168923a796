//! Values that must never be printed, and the files they come from.

use std::fmt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

/// A token. It prints as `[redacted]`, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The text itself: for the header that it goes into, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Takes a text as a secret, or says what is wrong with it without repeating it.
pub(super) fn checked(text: &str) -> Result<Secret, String> {
    // Files end with a line break, and so do values pasted into a terminal; some editors of Windows
    // begin them with a mark that nobody sees.
    let text = text.trim_start_matches('\u{feff}').trim_end();
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if text.len() > 1
        && ['"', '\'']
            .iter()
            .any(|q| text.starts_with(*q) && text.ends_with(*q))
    {
        return Err("stands in quotes: take them away, the bare secret is meant".to_owned());
    }
    if let Some(rest) = text.strip_prefix("Bot ")
        && !rest.contains(' ')
    {
        return Err("begins with `Bot `: take that away, the bot adds it itself".to_owned());
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("must be one word, without spaces or line breaks in it".to_owned());
    }
    if !text.is_ascii() {
        return Err("has characters that no token has; copy it again".to_owned());
    }
    Ok(Secret::new(text.to_owned()))
}

/// Who else on the machine can read a file, in words for a warning.
#[cfg(unix)]
pub(super) fn readable_by_others(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;

    // systemd lets the unit's user read a credential through an ACL, whose mask looks like group
    // permission; the directory is closed to everybody else.
    if path.starts_with("/run/credentials") {
        return None;
    }
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o077 != 0).then(|| {
        let mode = mode & 0o777;
        let path = path.display();
        format!("{path} can be read or changed by others (mode {mode:o}): chmod 600 {path}")
    })
}

#[cfg(not(unix))]
pub(super) fn readable_by_others(_path: &Path) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_nothing() {
        let secret = checked("s3cret\n").unwrap();
        assert_eq!(secret.expose(), "s3cret");
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret)),
            "[redacted] Some(\n    [redacted],\n)"
        );
    }

    #[test]
    fn what_an_editor_adds_is_no_part_of_it() {
        assert_eq!(checked("\u{feff}s3cret\r\n").unwrap().expose(), "s3cret");
    }

    #[test]
    fn refusals_do_not_repeat_it() {
        for bad in [
            "",
            " \n",
            "Bot s3cret",
            "\"s3cret\"",
            "'s3cret'",
            "s3cret\nmore",
            "s3crét",
            "s3\0cret",
        ] {
            let said = checked(bad).unwrap_err();
            assert!(!said.contains("s3"), "{said}");
        }
    }
}
