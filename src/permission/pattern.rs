//! Patterns for the names of guests and nodes. These are DNS names, which know no case.

use std::collections::{BTreeMap, HashMap};

use globset::{GlobBuilder, GlobMatcher};

use super::places::Places;

/// Nearly all patterns are a name, or a name with one `*` at an end: those are compared letter by
/// letter, because a list of ten thousand guests asks for each of them.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Exactly(String),
    Beginning(String),
    Ending(String),
    Glob(GlobMatcher),
}

impl Pattern {
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        let plain = |text: &str| text.bytes().all(is_plain);
        let text = pattern.to_owned();
        if plain(pattern) {
            return Ok(Self::Exactly(text));
        }
        // A `*` of a glob stops at no dot, but at a slash, which no name has.
        match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
            (Some(text), _) if plain(text) => return Ok(Self::Beginning(text.to_owned())),
            (_, Some(text)) if plain(text) => return Ok(Self::Ending(text.to_owned())),
            _ => {}
        }
        GlobBuilder::new(pattern)
            .case_insensitive(true)
            .build()
            .map(|glob| Self::Glob(glob.compile_matcher()))
            .map_err(|error| format!("`{pattern}` is not a pattern: {}", error.kind()))
    }

    pub(super) fn is_match(&self, name: &str) -> bool {
        let same = |part: Option<&[u8]>, text: &str| {
            part.is_some_and(|part| part.eq_ignore_ascii_case(text.as_bytes()))
        };
        let bytes = name.as_bytes();
        match self {
            Self::Exactly(text) => same(Some(bytes), text),
            Self::Beginning(text) => same(bytes.get(..text.len()), text),
            Self::Ending(text) => {
                let from = bytes.len().checked_sub(text.len());
                same(from.and_then(|from| bytes.get(from..)), text)
            }
            Self::Glob(glob) => glob.is_match(name),
        }
    }
}

/// A letter that stands for itself in a glob.
fn is_plain(letter: u8) -> bool {
    letter.is_ascii_alphanumeric() || b"-._".contains(&letter)
}

/// Patterns of rules by the letters with which every name that they match begins or ends.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    exactly: Letters,
    /// By how many letters it is about.
    beginning: BTreeMap<usize, Letters>,
    ending: BTreeMap<usize, Letters>,
}

type Letters = HashMap<Vec<u8>, Vec<usize>>;

impl Patterns {
    /// A pattern of the rule in that place.
    pub(super) fn add(&mut self, place: usize, pattern: &Pattern) {
        let (letters, text) = match pattern {
            Pattern::Exactly(text) => (&mut self.exactly, text.as_str()),
            Pattern::Beginning(text) => (entry(&mut self.beginning, text), text.as_str()),
            Pattern::Ending(text) => (entry(&mut self.ending, text), text.as_str()),
            Pattern::Glob(glob) => {
                let wild = |letter: char| !letter.is_ascii() || !is_plain(letter as u8);
                let glob = glob.glob().glob();
                let first = glob.split(wild).next().unwrap_or_default();
                let last = glob.rsplit(wild).next().unwrap_or_default();
                if first.is_empty() {
                    (entry(&mut self.ending, last), last)
                } else {
                    (entry(&mut self.beginning, first), first)
                }
            }
        };
        let text = text.to_ascii_lowercase().into_bytes();
        letters.entry(text).or_default().push(place);
    }

    /// Adds the places of all patterns that may match the name to `found`.
    pub(super) fn find(&self, name: &str, found: &mut Places) {
        let name = name.to_ascii_lowercase().into_bytes();
        let mut take = |letters: &Letters, part: Option<&[u8]>| {
            let places = part.and_then(|part| letters.get(part));
            found.insert_all(places.into_iter().flatten());
        };
        take(&self.exactly, Some(&name));
        for (len, letters) in &self.beginning {
            take(letters, name.get(..*len));
        }
        for (len, letters) in &self.ending {
            let from = name.len().checked_sub(*len);
            take(letters, from.map(|from| &name[from..]));
        }
    }
}

fn entry<'m>(by_len: &'m mut BTreeMap<usize, Letters>, text: &str) -> &'m mut Letters {
    by_len.entry(text.len()).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 11] = [
        "mc-lobby", "MC-1", "mc-", "mc", "lobby", "xmc-1", "a.b", "web-lab", "m", "mcab", "é-b",
    ];
    const PATTERNS: [&str; 18] = [
        "mc-*",
        "*lobby",
        "mc-lobby",
        "MC-*",
        "*",
        "*-*",
        "m?",
        "a.b",
        "*.b",
        "[mx]*",
        "?C-1",
        "[!x]*-1",
        "{mc,web}-*",
        "M[a-d]*b",
        "*b-b",
        "m*-?",
        "**",
        "x{mc-1,y}",
    ];

    #[test]
    fn plain_patterns_mean_what_globs_mean() {
        for pattern in PATTERNS {
            let reference = GlobBuilder::new(pattern)
                .case_insensitive(true)
                .build()
                .unwrap();
            let (ours, reference) = (
                Pattern::parse(pattern).unwrap(),
                reference.compile_matcher(),
            );
            for name in NAMES {
                assert_eq!(
                    ours.is_match(name),
                    reference.is_match(name),
                    "{pattern} {name}"
                );
            }
        }
    }

    #[test]
    fn what_matches_is_found() {
        let patterns = PATTERNS.map(|pattern| Pattern::parse(pattern).unwrap());
        let mut index = Patterns::default();
        for (place, pattern) in patterns.iter().enumerate() {
            index.add(place, pattern);
        }
        let mut spared = 0;
        for name in NAMES {
            let mut found = Places::default();
            index.find(name, &mut found);
            let found: Vec<usize> = found.into_iter().collect();
            for (place, pattern) in patterns.iter().enumerate() {
                let is_found = found.contains(&place);
                assert!(is_found || !pattern.is_match(name), "{pattern:?} {name}");
                spared += usize::from(!is_found);
            }
        }
        assert!(spared > NAMES.len() * PATTERNS.len() / 2, "{spared}");
    }
}
