//! Formats of parameters: the error texts are Proxmox's own.

use crate::access::is_realm;
use crate::params::{integer, is_vmid};

type Checked = Result<(), String>;

/// Lists may be separated by commas, semicolons or white space.
pub(crate) fn list(text: &str) -> Vec<&str> {
    let separated = |c: char| c == ',' || c == ';' || c == '\0' || c.is_whitespace();
    let parts = text.split(separated);
    parts.filter(|part| !part.is_empty()).collect()
}

fn each(text: &str, check: fn(&str) -> Checked) -> Checked {
    list(text).into_iter().try_for_each(check)
}

fn invalid(text: &str) -> String {
    format!("invalid format - {text}\n")
}

fn is_word(text: &str, also: &[u8]) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || also.contains(&b);
    !text.is_empty() && text.bytes().all(fits)
}

/// `Err` is what Proxmox dies with, without the line end.
pub(crate) fn user_name(text: &str) -> Checked {
    let length = text.chars().count();
    if length < 3 {
        return Err(format!("user name '{text}' is too short"));
    }
    if length > 64 {
        return Err(format!("user name '{text}' is too long ({length} > 64)"));
    }
    let odd = |c: char| c.is_whitespace() || c == ':' || c == '/';
    let fits =
        |(name, realm): (&str, &str)| !name.is_empty() && !name.contains(odd) && is_realm(realm);
    if text.rsplit_once('@').is_some_and(fits) {
        Ok(())
    } else {
        Err(format!(
            "value '{text}' does not look like a valid user name"
        ))
    }
}

pub(crate) fn user_id(text: &str) -> Checked {
    user_name(text).map_err(|text| invalid(&text))
}

pub(crate) fn user_ids(text: &str) -> Checked {
    each(text, user_id)
}

pub(crate) fn token_name(text: &str) -> Checked {
    if is_realm(text) {
        Ok(())
    } else {
        Err("value does not match the regex pattern".into())
    }
}

fn token_id(text: &str) -> Checked {
    let fits = |(user, name): (&str, &str)| user_name(user).is_ok() && is_realm(name);
    if text.split_once('!').is_some_and(fits) {
        Ok(())
    } else {
        Err(invalid(&format!(
            "value '{text}' does not look like a valid token ID"
        )))
    }
}

pub(crate) fn token_ids(text: &str) -> Checked {
    each(text, token_id)
}

pub(crate) fn role_id(text: &str) -> Checked {
    if is_word(text, b".-_") {
        Ok(())
    } else {
        Err(invalid(&format!(
            "role name '{text}' contains invalid characters"
        )))
    }
}

pub(crate) fn role_ids(text: &str) -> Checked {
    each(text, role_id)
}

fn group_id(text: &str) -> Checked {
    if is_word(text, b".-_") {
        Ok(())
    } else {
        Err(invalid(&format!(
            "group name '{text}' contains invalid characters"
        )))
    }
}

pub(crate) fn group_ids(text: &str) -> Checked {
    each(text, group_id)
}

pub(crate) fn pool_id(text: &str) -> Checked {
    let levels: Vec<&str> = text.split('/').collect();
    if levels.len() > 3 {
        return Err(invalid(&format!(
            "pool name '{text}' nested too deeply (max levels = 3)"
        )));
    }
    if levels.iter().all(|level| is_word(level, b".-_")) {
        Ok(())
    } else {
        Err(invalid(&format!(
            "pool name '{text}' contains invalid characters"
        )))
    }
}

pub(crate) fn storage_id(text: &str) -> Checked {
    if text.len() < 2 {
        return Err(invalid(&format!(
            "storage ID '{text}' cannot be shorter than 2 characters"
        )));
    }
    let bytes = text.as_bytes();
    let edges = bytes[0].is_ascii_alphabetic() && bytes[bytes.len() - 1].is_ascii_alphanumeric();
    if edges && is_word(text, b"-_.") {
        Ok(())
    } else {
        Err(invalid(&format!(
            "storage ID '{text}' contains illegal characters"
        )))
    }
}

pub(crate) fn storage_ids(text: &str) -> Checked {
    each(text, storage_id)
}

fn vmid(text: &str) -> Checked {
    if is_vmid(text) {
        Ok(())
    } else {
        Err(invalid("value does not look like a valid VM ID"))
    }
}

pub(crate) fn vmids(text: &str) -> Checked {
    each(text, vmid)
}

pub(crate) fn content(text: &str) -> Checked {
    let known = [
        "images", "rootdir", "vztmpl", "iso", "backup", "snippets", "none", "import",
    ];
    if known.contains(&text) {
        Ok(())
    } else {
        Err(invalid(&format!("invalid content type '{text}'")))
    }
}

pub(crate) fn contents(text: &str) -> Checked {
    each(text, content)
}

fn config_id(text: &str) -> Checked {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if first && text.len() > 1 && is_word(text, b"_-") {
        Ok(())
    } else {
        Err(invalid(&format!("invalid configuration ID '{text}'")))
    }
}

pub(crate) fn config_ids(text: &str) -> Checked {
    each(text, config_id)
}

pub(crate) fn task_states(text: &str) -> Checked {
    each(text, |word| {
        let known = ["unknown", "ok", "error", "warning"];
        if known.contains(&word.to_lowercase().as_str()) {
            Ok(())
        } else {
            Err(invalid(&format!("invalid status '{word}'")))
        }
    })
}

fn at_most(text: &str, max: usize) -> Checked {
    if text.chars().count() > max {
        Err(format!("value may only be {max} characters long"))
    } else {
        Ok(())
    }
}

pub(crate) fn notes_template(text: &str) -> Checked {
    at_most(text, 1024)
}

pub(crate) fn user_comment(text: &str) -> Checked {
    at_most(text, 2048)
}

pub(crate) fn user_text(text: &str) -> Checked {
    at_most(text, 1024)
}

pub(crate) fn password(text: &str) -> Checked {
    if text.chars().count() < 8 {
        return Err("value must be at least 8 characters long".into());
    }
    at_most(text, 64)
}

pub(crate) fn job_id(text: &str) -> Checked {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("value does not match the regex pattern".into());
    }
    at_most(text, 50)
}

pub(crate) fn io_nice(text: &str) -> Checked {
    match integer(text) {
        None => Err(format!("type check ('integer') failed - got '{text}'")),
        Some(it) if it > 8 => Err("value must have a maximum value of 8".into()),
        Some(it) if it < 0 => Err("value must have a minimum value of 0".into()),
        Some(_) => Ok(()),
    }
}

const KEEP: &[&str] = &[
    "keep-all",
    "keep-last",
    "keep-hourly",
    "keep-daily",
    "keep-weekly",
    "keep-monthly",
    "keep-yearly",
];

/// `keep-last=3,keep-daily=7`
pub(crate) fn retention(text: &str) -> Checked {
    for part in list(text) {
        let Some((key, value)) = part.split_once('=') else {
            return Err(invalid(
                "format error\nmissing key in comma-separated list property",
            ));
        };
        if !KEEP.contains(&key) {
            return Err(invalid(&format!(
                "format error\n{key}: property is not defined in schema and the schema does not \
                 allow additional properties"
            )));
        }
        if integer(value).is_none_or(|count| count < 0) {
            return Err(invalid(&format!(
                "format error\n{key}: type check ('integer') failed - got '{value}'"
            )));
        }
    }
    let positive = list(text).into_iter().filter(|part| !part.ends_with("=0"));
    if positive.clone().count() > 1 && positive.clone().any(|part| part.starts_with("keep-all=")) {
        return Err(invalid(
            "keep-all cannot be set together with other options.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["discord@pve", "a@pam", "first.last@my-realm"] {
            assert_eq!(user_id(good), Ok(()), "{good}");
        }
        let no_realm = "value 'discord' does not look like a valid user name";
        assert_eq!(user_name("discord"), Err(no_realm.into()));
        assert_eq!(user_name("a@"), Err("user name 'a@' is too short".into()));
        assert!(token_name("b").is_err() && token_name("1b").is_err() && token_name("bo").is_ok());
        assert!(pool_id("a/b/c").is_ok() && pool_id("a/b/c/d").is_err() && pool_id("a b").is_err());
        assert!(
            storage_id("n").is_err() && storage_id("nas-").is_err() && storage_id("n1").is_ok()
        );
    }

    #[test]
    fn retentions() {
        assert_eq!(retention("keep-last=3,keep-daily=7"), Ok(()));
        assert!(retention("keep=3").is_err() && retention("keep-last=x").is_err());
    }
}
