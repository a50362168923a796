//! What a validator found, in few words: of the many branches of a union only the one that was meant.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

/// Longer than this, a message tells the value rather than what is wrong with it.
const READABLE: usize = 160;

/// Everything that is wrong with the value, each with its place.
pub fn wrong(validator: &Validator, value: &Value) -> Vec<String> {
    if validator.is_valid(value) {
        return Vec::new();
    }
    validator
        .iter_errors(value)
        .flat_map(|error| told(&error))
        .collect()
}

fn told(error: &ValidationError<'_>) -> Vec<String> {
    let (ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) =
        error.kind()
    else {
        return vec![line(error)];
    };
    match context.iter().min_by_key(|branch| distance(error, branch)) {
        Some(meant) => meant.iter().flat_map(told).collect(),
        None => vec![line(error)],
    }
}

/// A branch of another JSON type or another `type` was not meant; else the fewest errors win.
fn distance(union: &ValidationError<'_>, branch: &[ValidationError<'_>]) -> usize {
    let here = union.instance_path().as_str();
    let tag = format!("{here}/type");
    let other = |error: &&ValidationError<'_>| {
        let place = error.instance_path().as_str();
        place == tag || (place == here && matches!(error.kind(), ValidationErrorKind::Type { .. }))
    };
    branch.iter().filter(other).count() * 1000 + branch.len()
}

fn line(error: &ValidationError<'_>) -> String {
    let mut text = error.to_string();
    if text.len() > READABLE {
        text = error.masked().to_string();
    }
    let place = error.instance_path().as_str();
    format!("{}: {text}", if place.is_empty() { "/" } else { place })
}
