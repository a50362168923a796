//! `pve-steward fingerprint`: shows whose certificate a server presents, and sends it nothing.

use std::net::IpAddr;

use crate::embed::terminal;
use crate::proxmox;

use super::{CONFIGURATION, TRY_AGAIN, complain, say};

pub(super) async fn fingerprint(typed: &str, verbose: bool) -> u8 {
    let Some(url) = address(typed) else {
        complain(&terminal::bad_address(typed));
        return CONFIGURATION;
    };
    match proxmox::presented(&url).await {
        Ok(presented) => {
            say(&terminal::fingerprint(&url, &presented));
            0
        }
        Err(error) => {
            complain(&terminal::no_fingerprint(&url, &error, verbose));
            TRY_AGAIN
        }
    }
}

/// What people type for a node: its address as in `endpoints`, or only its name, where Proxmox's
/// own port is meant. `None` for what can be neither.
pub(super) fn address(typed: &str) -> Option<String> {
    let typed = typed.trim();
    let url = if typed.contains("://") {
        typed.trim_end_matches('/').to_owned()
    } else if let Ok(bare) = typed.parse::<IpAddr>() {
        match bare {
            IpAddr::V4(bare) => format!("https://{bare}:8006"),
            IpAddr::V6(bare) => format!("https://[{bare}]:8006"),
        }
    } else if typed.contains(':') {
        format!("https://{typed}")
    } else {
        format!("https://{typed}:8006")
    };
    let read: reqwest::Url = url.parse().ok()?;
    let bare = read.path() == "/" && read.query().is_none() && read.username().is_empty();
    let https = read.scheme() == "https" && read.has_host() && !url.contains(['@', '#']);
    (bare && https).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_name_alone_means_the_port_of_proxmox() {
        for (typed, meant) in [
            ("https://192.0.2.11:8006", "https://192.0.2.11:8006"),
            ("https://pve1.example/", "https://pve1.example"),
            ("192.0.2.11", "https://192.0.2.11:8006"),
            ("pve1", "https://pve1:8006"),
            ("pve1:443", "https://pve1:443"),
            ("2001:db8::1", "https://[2001:db8::1]:8006"),
            ("[2001:db8::1]:8006", "https://[2001:db8::1]:8006"),
        ] {
            assert_eq!(address(typed).as_deref(), Some(meant), "{typed}");
        }
        for bad in [
            "",
            "http://pve1:8006",
            "https://",
            "pve1:port",
            "https://root:pw@pve1:8006",
            "https://pve1:8006/api2",
            "pve 1",
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
