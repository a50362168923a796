//! Proxmox is written in Perl: a number may arrive as a string, a boolean as 0, "1", true or not at
//! all, and what a version adds or drops must not cost the rest of the answer.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One field, as it came. Reading one never fails: what is no scalar counts as missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Scalar {
    #[default]
    Missing,
    Bool(bool),
    Whole(u64),
    Number(f64),
    Text(String),
}

impl Scalar {
    /// Missing counts as false, as it does in Perl.
    pub(super) fn flag(&self) -> bool {
        match self {
            Self::Missing => false,
            Self::Bool(flag) => *flag,
            Self::Whole(number) => *number != 0,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => matches!(
                text.trim().to_ascii_lowercase().as_str(),
                "1" | "true" | "on" | "yes"
            ),
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        let number = match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "shares and bytes to be rounded for people"
            )]
            Self::Whole(number) => *number as f64,
            Self::Number(number) => *number,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Missing | Self::Bool(_) => return None,
        };
        number.is_finite().then_some(number)
    }

    /// Not negative; a fraction is cut off.
    pub(super) fn whole(&self) -> Option<u64> {
        if let Self::Whole(number) = self {
            return Some(*number);
        }
        if let Self::Text(text) = self
            && let Ok(number) = text.trim().parse()
        {
            return Some(number);
        }
        let number = self.number().filter(|number| *number >= 0.0)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and a cast of what is too large stops at the largest"
        )]
        let whole = number as u64;
        Some(whole)
    }

    pub(super) fn seconds(&self) -> Option<Duration> {
        self.whole().map(Duration::from_secs)
    }

    /// An empty text counts as missing.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) if text.is_empty() => None,
            Self::Text(text) => Some(text.clone()),
            Self::Whole(number) => Some(number.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Missing | Self::Bool(_) => None,
        }
    }

    /// Text that is one of our checked names; anything else counts as missing.
    pub(super) fn parsed<T: std::str::FromStr>(&self) -> Option<T> {
        self.text()?.parse().ok()
    }

    /// `games;lab`: Proxmox separates by `;`, and accepts `,` and space.
    pub(super) fn tags(&self) -> Vec<String> {
        let text = self.text().unwrap_or_default();
        text.split([';', ',', ' '])
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(flag))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Whole(number))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "only negative numbers come here"
        )]
        Ok(u64::try_from(number).map_or(Scalar::Number(number as f64), Scalar::Whole))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(text))
    }
    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Missing)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Missing)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Missing)
    }
}

/// An object where one is expected, and nothing where something else came (Perl sends an empty
/// hash as it likes, and one bad row must not lose the list).
#[derive(Debug, Clone, Default)]
pub(super) struct Object<T>(pub(super) Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyObject(std::marker::PhantomData))
    }
}

struct AnyObject<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnyObject<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(serde::de::value::MapAccessDeserializer::new(map))
            .map(|row| Object(Some(row)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Object<T>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Object(None))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
    fn visit_str<E>(self, _: &str) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
    fn visit_unit<E>(self) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(json: &str) -> Scalar {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn booleans_come_in_many_shapes() {
        for yes in ["1", "\"1\"", "true", "\"true\"", "\"yes\"", "\"on\""] {
            assert!(scalar(yes).flag(), "{yes}");
        }
        for no in ["0", "\"0\"", "false", "null", "\"\"", "[]", "{}"] {
            assert!(!scalar(no).flag(), "{no}");
        }
    }

    #[test]
    fn numbers_may_be_strings_and_strings_numbers() {
        assert_eq!(scalar("\"0.10\"").number(), Some(0.1));
        assert_eq!(scalar("\"2048\"").whole(), Some(2048));
        assert_eq!(scalar("1.7e10").whole(), Some(17_000_000_000));
        assert_eq!(scalar("100").text().as_deref(), Some("100"));
        for none in [
            "-1",
            "\"abc\"",
            "null",
            "[1]",
            "{\"a\":[1]}",
            "\"NaN\"",
            "true",
        ] {
            assert_eq!(scalar(none).whole(), None, "{none}");
        }
    }

    #[test]
    fn tags_are_split_at_every_separator() {
        assert_eq!(scalar("\"games;lab\"").tags(), ["games", "lab"]);
        assert_eq!(scalar("\"a,b  c;\"").tags(), ["a", "b", "c"]);
        assert!(scalar("null").tags().is_empty());
    }

    #[test]
    fn what_is_no_object_is_skipped() {
        #[derive(serde::Deserialize)]
        struct Row {
            #[serde(default)]
            a: Scalar,
        }
        let rows: Vec<Object<Row>> =
            serde_json::from_str(r#"[{"a":1,"b":[{}]}, null, 3, -3, 1.5, "x", true, [1,[2]], {}]"#)
                .unwrap();
        let found: Vec<_> = rows
            .into_iter()
            .filter_map(|row| row.0)
            .map(|row| row.a)
            .collect();
        assert_eq!(found, [Scalar::Whole(1), Scalar::Missing]);
    }
}
