//! Several guests at once, as a command names them.

use std::fmt;
use std::str::FromStr;

use super::GuestFacts;
use crate::ids::{BadId, GuestQuery};

/// Which guests. What is meant is looked up when it is asked, and again before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Several {
    /// `tag:games`. Upper and lower case are the same, as they are to Proxmox.
    Tag(String),
    /// `pool:friends`.
    Pool(String),
    /// `101,102,web`.
    These(Vec<GuestQuery>),
}

/// What the option of a command names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guests {
    One(GuestQuery),
    Several(Several),
}

impl Several {
    /// At a time: more is a slip of the finger, and more than a node takes at once.
    pub const MOST: usize = 10;

    /// Whether the guest is still one of those. Each of a list was named by itself.
    #[must_use]
    pub fn still_means(&self, guest: &GuestFacts) -> bool {
        matches!(self, Self::These(_)) || self.means(guest)
    }

    /// Whether a tag or pool means the guest; of a list each is looked up by itself.
    #[must_use]
    pub fn means(&self, guest: &GuestFacts) -> bool {
        match self {
            Self::Tag(tag) => guest.tags.iter().any(|its| its.eq_ignore_ascii_case(tag)),
            Self::Pool(pool) => guest.pool.as_deref() == Some(pool),
            Self::These(_) => false,
        }
    }
}

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => write!(f, "tag:{tag}"),
            Self::Pool(pool) => write!(f, "pool:{pool}"),
            Self::These(guests) => {
                let words: Vec<String> = guests.iter().map(ToString::to_string).collect();
                f.write_str(&words.join(","))
            }
        }
    }
}

impl FromStr for Guests {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let text = text.trim();
        if let Some((word, name)) = text.split_once(':') {
            let name = name.trim();
            let fits = (1..=100).contains(&name.len())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.+/".contains(&b));
            return match word {
                "tag" if fits => Ok(Self::Several(Several::Tag(name.to_owned()))),
                "pool" if fits => Ok(Self::Several(Several::Pool(name.to_owned()))),
                _ => Err(BadId::Guest),
            };
        }
        if !text.contains(',') {
            return text.parse().map(Self::One);
        }
        let named = text.split(',').map(str::trim).filter(|one| !one.is_empty());
        if named.clone().count() > Several::MOST {
            return Err(BadId::TooMany);
        }
        let mut guests: Vec<GuestQuery> = named.map(str::parse).collect::<Result<_, _>>()?;
        guests.dedup();
        match guests.len() {
            0 => Err(BadId::Guest),
            1 => Ok(Self::One(guests.remove(0))),
            _ => Ok(Self::Several(Several::These(guests))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_guest_a_tag_a_pool_or_a_list() {
        let read = |text: &str| text.parse::<Guests>();
        for text in ["tag:games", "pool:friends/sub", "101,web", "home/101,102"] {
            let Ok(Guests::Several(several)) = read(text) else {
                panic!("{text}")
            };
            assert_eq!(several.to_string(), text);
        }
        for text in ["101", "101,", "web", "home/101"] {
            assert!(matches!(read(text), Ok(Guests::One(_))), "{text}");
        }
        let many: Vec<String> = (101..=111).map(|vmid| vmid.to_string()).collect();
        assert_eq!(read(&many.join(",")), Err(BadId::TooMany));
        for bad in [
            "",
            ",",
            "tag:",
            "tag:a b",
            "node:pve1",
            "101,../1",
            "tag:\u{202e}",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
