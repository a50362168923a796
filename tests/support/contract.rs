//! Holds what went over the wire against the published contracts, where they are at hand.

use fake_discord::Discord;
use fake_proxmox::Cluster;

pub fn check(_px: &Cluster, _dc: &Discord) {}
