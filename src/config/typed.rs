//! Values that people type elsewhere than in the file, read by the same rules. A refusal completes
//! the sentence "it ...", and never repeats the value.

use std::fmt::Display;
use std::str::FromStr;

use ::config::ValueKind;

use super::{Secret, secret, settings, want};
use crate::ids::BadId;

pub fn token_id(text: &str) -> Result<String, String> {
    want::token_id(&text.into())
}

pub fn fingerprint(text: &str) -> Result<[u8; 32], String> {
    want::fingerprint(&text.into())
}

/// Its name, as the file takes it.
pub fn time_zone(text: &str) -> Result<String, String> {
    want::time_zone(&text.into()).map(|_| text.to_owned())
}

pub fn api_url(text: &str) -> Result<String, String> {
    want::api_url(&text.into())
}

pub fn id<T: FromStr<Err = BadId>>(text: &str) -> Result<T, String> {
    want::id(&ValueKind::from(text))
}

/// One that is as long as Discord's are.
pub fn whole_id<T: FromStr<Err = BadId> + Display>(text: &str) -> Result<T, String> {
    let id: T = self::id(text)?;
    if settings::is_too_short(&id) {
        return Err(settings::TOO_SHORT.to_owned());
    }
    Ok(id)
}

pub fn secret(text: &str) -> Result<Secret, String> {
    secret::checked(text)
}
