//! Plausible figures that drift slowly and are the same in every run at the same age of the cluster.

use crate::guest::{Guest, Kind};
use crate::node::Node;
use crate::state::State;

/// The real figures are renewed every ten seconds.
const ROUND: u64 = 10;

/// A wave between -1 and 1, another for every `seed`.
fn wave(state: &State, seed: u32) -> f64 {
    let rounds = (state.began.elapsed().as_secs() / ROUND) as f64;
    let seed = f64::from(seed);
    (rounds / 9.0 + seed * 1.7).sin() * 0.7 + (rounds / 3.1 + seed * 0.9).sin() * 0.3
}

/// Fraction of the guest's own cores.
pub(crate) fn guest_cpu(state: &State, guest: &Guest) -> f64 {
    if guest.state != "running" {
        return 0.0;
    }
    let base = 0.04 + f64::from(guest.vmid % 7) * 0.05;
    guest
        .cpu
        .unwrap_or_else(|| round(base * (1.0 + 0.4 * wave(state, guest.vmid))))
}

pub(crate) fn guest_mem(state: &State, guest: &Guest) -> u64 {
    if !guest.is_up() {
        return 0;
    }
    let share = 0.35 + f64::from(guest.vmid % 5) * 0.1 + 0.03 * wave(state, guest.vmid + 1);
    guest.mem.unwrap_or_else(|| portion(guest.maxmem, share))
}

/// What the host spends on a VM, its overhead included.
pub(crate) fn guest_memhost(state: &State, guest: &Guest) -> u64 {
    match guest_mem(state, guest) {
        0 => 0,
        mem => mem + (160 << 20),
    }
}

/// Always 0 for VMs: nobody looks inside. Containers show what is used while they run.
pub(crate) fn guest_disk(guest: &Guest) -> u64 {
    match guest.kind {
        Kind::Ct if guest.is_up() => portion(guest.maxdisk, 0.2 + f64::from(guest.vmid % 4) * 0.1),
        Kind::Vm | Kind::Ct => 0,
    }
}

/// Bytes since the guest started, at a steady pace.
pub(crate) fn guest_flow(guest: &Guest, per_second: u64) -> u64 {
    guest.uptime() / ROUND * ROUND * (per_second + u64::from(guest.vmid % 13) * 97)
}

pub(crate) fn node_cpu(state: &State, node: &Node) -> f64 {
    node.cpu.unwrap_or_else(|| {
        let cores: f64 = running(state, node)
            .map(|guest| guest_cpu(state, guest) * guest.cores)
            .sum();
        round(0.02 + cores / f64::from(node.maxcpu))
    })
}

pub(crate) fn node_mem(state: &State, node: &Node) -> u64 {
    node.mem.unwrap_or_else(|| {
        let guests: u64 = running(state, node).map(|g| guest_memhost(state, g)).sum();
        ((3 << 30) + guests).min(node.maxmem)
    })
}

pub(crate) fn node_disk(node: &Node) -> u64 {
    node.disk.unwrap_or_else(|| portion(node.maxdisk, 0.33))
}

fn running<'a>(state: &'a State, node: &'a Node) -> impl Iterator<Item = &'a Guest> {
    state
        .guests
        .values()
        .filter(|guest| guest.node == node.name && guest.is_up())
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn portion(of: u64, share: f64) -> u64 {
    (of as f64 * share) as u64
}

/// Long fractions as the real ones have, but not endless.
fn round(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}
