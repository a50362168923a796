//! The addresses of a guest that runs: a VM's agent tells them, a container's node does.

use std::net::{IpAddr, Ipv6Addr};

use serde::Deserialize;

use super::guest::guest_path;
use super::perl::{Object, Scalar};
use super::turns::Lane;
use super::{Client, Error};
use crate::action::GuestFacts;
use crate::ids::Kind;

#[derive(Default, Deserialize)]
#[serde(default)]
struct AgentAnswer {
    result: Vec<Object<Interface>>,
}

/// Both shapes in one: agents list addresses, nodes name the first of each kind with its prefix.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Interface {
    #[serde(rename = "ip-addresses")]
    addresses: Vec<Object<Address>>,
    inet: Scalar,
    inet6: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Address {
    #[serde(rename = "ip-address")]
    text: Scalar,
}

impl Client {
    /// The addresses at which others can reach the guest, IPv4 first; none that only it or its own
    /// network segment knows. Of a VM this asks the agent in it, which may hang: needs
    /// `VM.GuestAgent.Audit` on `/vms/{vmid}` (before 9 `VM.Monitor`). Of a container `VM.Audit`.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`]. A VM without an agent that answers is a 500.
    pub async fn addresses(&self, guest: &GuestFacts) -> Result<Vec<IpAddr>, Error> {
        let at = |rest: &[&str]| guest_path(guest.kind, &guest.node, guest.guest.vmid, rest);
        let lane = Lane::Look(&guest.node);
        let interfaces: Vec<Object<Interface>> = match guest.kind {
            Kind::Vm => {
                let path = at(&["agent", "network-get-interfaces"]);
                let answer: Object<AgentAnswer> = self.get_protected(lane, &path).await?;
                answer.0.unwrap_or_default().result
            }
            Kind::Ct => {
                let path = at(&["interfaces"]);
                let list: Option<Vec<_>> = self.get_protected(lane, &path).await?;
                list.unwrap_or_default()
            }
        };
        Ok(reachable(interfaces))
    }
}

fn reachable(interfaces: Vec<Object<Interface>>) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for interface in interfaces.into_iter().filter_map(|one| one.0) {
        let listed = interface.addresses.into_iter().filter_map(|one| one.0);
        let listed = listed.map(|address| address.text);
        let texts = listed.chain([interface.inet, interface.inet6]);
        found.extend(texts.filter_map(|text| address(&text.text()?)));
    }
    found.retain(|address| !is_local(*address));
    found.sort();
    found.dedup();
    found
}

/// `192.168.1.21` or `192.168.1.21/24`.
fn address(text: &str) -> Option<IpAddr> {
    text.split('/').next()?.parse().ok()
}

fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || is_link_local(v6),
    }
}

fn is_link_local(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_can_reach_stays() {
        let agent = r#"[{"name":"lo","ip-addresses":[{"ip-address":"127.0.0.1","prefix":8}]},
            {"name":"eth0","ip-addresses":[{"ip-address":"fe80::1"},{"ip-address":"fd00::21"},
             {"ip-address":"192.168.1.21","ip-address-type":"ipv4","prefix":24}, 7]}, "odd"]"#;
        let node = r#"[{"name":"lo","inet":"127.0.0.1/8","inet6":"::1/128"},
            {"name":"eth0","inet":"192.168.1.21/24","inet6":"fe80::1/64","hwaddr":"x"}]"#;
        let read = |json: &str| {
            let addresses = reachable(serde_json::from_str(json).unwrap());
            addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(read(agent), ["192.168.1.21", "fd00::21"]);
        assert_eq!(read(node), ["192.168.1.21"]);
    }
}
