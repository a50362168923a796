//! Who may suspend a VM to disk, and which VM can be.

use crate::access;
use crate::answer::Refusal;
use crate::guest::Guest;
use crate::power::{self, Ask};
use crate::state::State;

pub(crate) fn may(state: &State, ask: &Ask) -> Result<(), Refusal> {
    if power::is_ha(state, ask) {
        return Err(Refusal::die("Cannot suspend HA managed VM to disk"));
    }
    let need = |path: String, privilege: &str| {
        if access::may(state, ask.caller, &path, privilege) {
            return Ok(());
        }
        Err(Refusal::forbidden(&path, privilege))
    };
    need(format!("/vms/{}", ask.vmid), "VM.Config.Disk")?;
    let options = guest(state, ask).map(|guest| &guest.options);
    if options.is_some_and(|all| all.keys().any(|key| key.starts_with("hostpci"))) {
        return Err(Refusal::die(
            "cannot suspend VM to disk due to passed-through PCI device(s), which lack the \
             possibility to save/restore their internal state",
        ));
    }
    let own = || state_storage(guest(state, ask));
    let storage = ask.state_storage.map_or_else(own, String::from);
    need(format!("/storage/{storage}"), "Datastore.AllocateSpace")
}

/// Where the VM has a disk.
fn state_storage(guest: Option<&Guest>) -> String {
    let Some(guest) = guest else {
        return "local".into();
    };
    if let Some(set) = guest.options.get("vmstatestorage") {
        return set.clone();
    }
    let first = guest.volumes().into_iter().next();
    let name = first.and_then(|(_, volume)| volume.split_once(':'));
    name.map_or("local", |(name, _)| name).into()
}

fn guest<'a>(state: &'a State, ask: &Ask) -> Option<&'a Guest> {
    state.guest_on(ask.node, ask.kind, ask.vmid)
}
