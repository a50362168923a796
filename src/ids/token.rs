//! Users, tokens, roles and paths of Proxmox's access control, by Proxmox's own rules. Users are held
//! to fewer characters than Proxmox takes: the API reads lists with `,` and `;` in them, and people
//! paste the commands that the bot shows into the shell of root.

use std::fmt;
use std::str::FromStr;

use super::BadId;

/// Proxmox takes no longer ones.
const LONGEST_USER: usize = 64;

macro_rules! text {
    ($($(#[$doc:meta])* $name:ident: $good:expr, $bad:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                let text = text.trim();
                let good: fn(&str) -> bool = $good;
                good(text).then(|| Self(text.to_owned())).ok_or(BadId::$bad)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

text! {
    /// `discord@pve`.
    PveUser: is_user, PveUser;
    /// What a token is called beside its user: `ci`.
    TokenName: is_name, TokenName;
    RoleName: is_role, RoleName;
}

/// `discord@pve!ci`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId {
    pub user: PveUser,
    pub name: TokenName,
}

impl FromStr for TokenId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let (user, name) = text.rsplit_once('!').ok_or(BadId::TokenName)?;
        Ok(Self {
            user: user.parse()?,
            name: name.parse()?,
        })
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}!{}", self.user, self.name)
    }
}

/// A path on which rights are given, such as `/vms/101`, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AclPath(String);

impl AclPath {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AclPath {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let rest = text.trim().strip_prefix('/').ok_or(BadId::AclPath)?;
        let rest = match rest.strip_suffix('/') {
            Some(shorter) if !shorter.is_empty() => shorter,
            _ => rest,
        };
        let parts: Vec<&str> = rest.split('/').filter(|_| !rest.is_empty()).collect();
        let named = parts.iter().all(|part| is_role(part) && part.len() <= 64);
        (named && is_asked_for(&parts))
            .then(|| Self(format!("/{rest}")))
            .ok_or(BadId::AclPath)
    }
}

impl fmt::Display for AclPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where Proxmox ever asks for a right: anywhere else one would be given in vain.
fn is_asked_for(parts: &[&str]) -> bool {
    match parts {
        []
        | ["access" | "mapping" | "nodes" | "pool" | "sdn" | "storage" | "vms"]
        | ["access", "groups" | "realm"]
        | ["access", "groups" | "realm", _]
        | ["mapping", _, _]
        | ["mapping" | "nodes" | "storage", _] => true,
        ["pool", names @ ..] => names.len() <= 3,
        ["vms", vmid] => vmid.parse::<super::Vmid>().is_ok(),
        ["sdn", rest @ ..] => rest.len() <= 4,
        _ => false,
    }
}

fn is_user(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "._-+@".contains(c);
    text.len() <= LONGEST_USER
        && text.rsplit_once('@').is_some_and(|(name, realm)| {
            !name.is_empty() && !name.starts_with('-') && name.chars().all(plain) && is_name(realm)
        })
}

/// Realms and tokens are named alike.
fn is_name(text: &str) -> bool {
    (2..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && is_role(text)
}

fn is_role(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
    !text.is_empty() && text.len() <= 64 && text.bytes().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_tokens_are_called_as_proxmox_lets_them() {
        for good in ["discord@pve", "a@b@pve", "root@pam", "ä@pve"] {
            assert_eq!(good.parse::<PveUser>().unwrap().as_str(), good);
        }
        let long = format!("{}@pve", "a".repeat(64));
        for bad in [
            "", "@pve", "discord", "a@1x", "a b@pve", "a:b@pve", "a/b@pve", "a!b@pve", "a,b@pve",
            "a;b@pve", "a'b@pve", "a`b@pve", "$(x)@pve", "a@p", &long,
        ] {
            assert_eq!(bad.parse::<PveUser>(), Err(BadId::PveUser), "{bad}");
        }
        for good in ["ci", "A.b-c_9"] {
            assert!(good.parse::<TokenName>().is_ok(), "{good}");
        }
        for bad in ["", "c", "1ci", "_ci", "c i", "c!i", "ci,x", "é1"] {
            assert_eq!(bad.parse::<TokenName>(), Err(BadId::TokenName), "{bad}");
        }
        let id = TokenId {
            user: "discord@pve".parse().unwrap(),
            name: "ci".parse().unwrap(),
        };
        assert_eq!(id.to_string(), "discord@pve!ci");
        assert_eq!("discord@pve!ci".parse(), Ok(id));
    }

    #[test]
    fn paths_are_those_that_proxmox_asks_about() {
        for (text, path) in [
            ("/", "/"),
            (" /vms/ ", "/vms"),
            ("/vms/101", "/vms/101"),
            ("/pool/a/b/c", "/pool/a/b/c"),
            ("/storage/nas", "/storage/nas"),
            ("/access/realm/pve", "/access/realm/pve"),
        ] {
            assert_eq!(text.parse::<AclPath>().unwrap().as_str(), path);
        }
        for bad in [
            "",
            "vms",
            "//",
            "/vms//101",
            "/vms/99",
            "/vms/x",
            "/vms/101/x",
            "/guests",
            "/pool/a b",
            "/pool/a/b/c/d",
            "/access/users",
            "/vms/101,/",
            "/..",
        ] {
            assert_eq!(bad.parse::<AclPath>(), Err(BadId::AclPath), "{bad}");
        }
    }
}
