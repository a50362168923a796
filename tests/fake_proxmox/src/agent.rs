//! What is inside a guest: its network, and the agent that tells of it.

use serde_json::{Value, json};

use crate::fresh;
use crate::guest::{Guest, Kind};

/// What a configured guest agent does.
#[derive(Clone, Debug, PartialEq)]
pub enum Agent {
    Answers,
    /// Not installed, or stopped: the ping runs into its time limit.
    Silent,
    /// Answers pings, and every other command with this error.
    Fails(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    pub name: String,
    /// Windows has interfaces without one.
    pub mac: Option<String>,
    /// With their prefix: `192.168.1.21/24`, `fd00::21/64`.
    pub addresses: Vec<String>,
}

impl Interface {
    pub fn new(name: &str, mac: &str, addresses: &[&str]) -> Interface {
        Interface {
            name: name.into(),
            mac: Some(mac.to_ascii_lowercase()),
            addresses: addresses.iter().map(ToString::to_string).collect(),
        }
    }

    /// The one of `net0`.
    pub(crate) fn first(kind: Kind, vmid: u32, addresses: &[&str]) -> Interface {
        let name = match kind {
            Kind::Vm => "ens18",
            Kind::Ct => "eth0",
        };
        Interface::new(name, &fresh::mac(vmid, 0), addresses)
    }
}

impl Guest {
    /// What its first interface has.
    #[must_use]
    pub fn addresses(mut self, addresses: &[&str]) -> Guest {
        self.interfaces = vec![Interface::first(self.kind, self.vmid, addresses)];
        self
    }

    fn all_interfaces(&self) -> Vec<Interface> {
        let mut all = vec![Interface::new(
            "lo",
            "00:00:00:00:00:00",
            &["127.0.0.1/8", "::1/128"],
        )];
        all.extend(self.interfaces.iter().cloned());
        all
    }

    /// As the agent tells it.
    pub(crate) fn interfaces_by_agent(&self) -> Value {
        let all = self.all_interfaces().into_iter().map(|it| {
            let mut row = json!({"name": it.name, "statistics": statistics(self)});
            if let Some(mac) = &it.mac {
                row["hardware-address"] = json!(mac);
            }
            // Without addresses there is no list.
            if !it.addresses.is_empty() {
                row["ip-addresses"] = list(&it, ["ipv4", "ipv6"]);
            }
            row
        });
        all.collect()
    }

    /// As `ip` tells it from within a container.
    pub(crate) fn interfaces_by_ip(&self) -> Value {
        let all = self.all_interfaces().into_iter().map(|it| {
            let mac = it.mac.as_deref().unwrap_or("00:00:00:00:00:00");
            let mut row = json!({"name": it.name, "hwaddr": mac, "hardware-address": mac});
            row["ip-addresses"] = list(&it, ["inet", "inet6"]);
            // The last of each family is the one that stays.
            for address in &it.addresses {
                row[family(address, ["inet", "inet6"])] = json!(address);
            }
            row
        });
        all.collect()
    }
}

fn family<'a>(address: &str, words: [&'a str; 2]) -> &'a str {
    words[usize::from(address.contains(':'))]
}

fn list(interface: &Interface, words: [&str; 2]) -> Value {
    let rows = interface.addresses.iter().map(|address| {
        let (ip, prefix) = address.split_once('/').unwrap_or((address, "32"));
        json!({
            "ip-address": ip,
            "ip-address-type": family(address, words),
            "prefix": prefix.parse::<u8>().unwrap_or(32),
        })
    });
    rows.collect()
}

fn statistics(guest: &Guest) -> Value {
    let bytes = guest.uptime() * 2_100;
    json!({
        "rx-bytes": bytes, "rx-packets": bytes / 700, "rx-errs": 0, "rx-dropped": 0,
        "tx-bytes": bytes / 2, "tx-packets": bytes / 1_400, "tx-errs": 0, "tx-dropped": 0,
    })
}
