//! What is done to a guest: one write each, and the task that Proxmox makes of it.

use super::guest::guest_path;
use super::http::{Verb, Write};
use super::path::ApiPath;
use super::{Client, Error};
use crate::action::{Deed, GuestFacts, Power, TargetKey};
use crate::ids::{SnapshotName, Upid};
use crate::permission::Permit;

/// What Proxmox made of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    Task(Upid),
    /// `vzdump` says `OK` where its node has no such guest: nothing was begun.
    Nothing,
}

/// What is to be done, to which guest.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    pub deed: &'a Deed,
    pub guest: &'a GuestFacts,
    /// A shutdown of the guest is under way, which Proxmox shall give up for a stop.
    pub overrule: bool,
    /// Who asked, for the description of a snapshot and the notes of a backup.
    pub remark: &'a str,
}

/// Path and parameters of one write.
struct Call<'a> {
    verb: Verb,
    path: ApiPath,
    form: Vec<(&'a str, &'a str)>,
}

impl Client {
    /// Does it: the task that Proxmox makes of it. Whether it was done, only the end of the task and
    /// the guest itself tell. Needs on `/vms/{vmid}`: for power `VM.PowerMgmt`; for snapshots
    /// `VM.Snapshot` (for a rollback `VM.Snapshot.Rollback` does, too); for a backup `VM.Backup`,
    /// and `Datastore.AllocateSpace` on the storage.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPermit`] unless `permit` is for that on this guest; else see
    /// [`Error::surely_not_done`].
    pub async fn act(&self, permit: &Permit, order: Order<'_>) -> Result<Sent, Error> {
        let vmid = order.guest.guest.vmid.to_string();
        let notes = notes_template(order.remark);
        let Call { verb, path, form } = call(&order, &vmid, &notes);
        let write = Write {
            right: order.deed.right(),
            target: TargetKey::Guest(order.guest.guest.clone()),
            verb,
            path,
            form: &form,
        };
        let text: String = self.write(permit, write).await?;
        match (text.as_str(), order.deed) {
            ("OK", Deed::Backup { .. }) => Ok(Sent::Nothing),
            (text, _) => text
                .parse()
                .map(Sent::Task)
                .map_err(|_| Error::BadReply("no task id (UPID)".to_owned())),
        }
    }
}

/// The template of a backup's notes that says just this. In a template `\\` begins an escape, and
/// `{{` a variable, which nothing can escape: a name must not become one.
fn notes_template(remark: &str) -> String {
    let mut out = String::with_capacity(remark.len());
    for c in remark.chars() {
        match c {
            '\\' => out.push('\\'),
            '{' if out.ends_with('{') => out.push(' '),
            _ => {}
        }
        out.push(c);
    }
    out
}

fn call<'a>(order: &Order<'a>, vmid: &'a str, notes: &'a str) -> Call<'a> {
    let GuestFacts {
        guest, kind, node, ..
    } = order.guest;
    let at = |rest: &[&str]| guest_path(*kind, node, guest.vmid, rest);
    let post = |path, form| Call {
        verb: Verb::Post,
        path,
        form,
    };
    let snapshot = |name: &SnapshotName, more: &[&str]| {
        let rest: Vec<&str> = ["snapshot", name.as_str()]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        at(&rest)
    };
    match order.deed {
        Deed::Power(power) => {
            let mut form = Vec::new();
            if *power == Power::Stop && order.overrule {
                form.push(("overrule-shutdown", "1"));
            }
            post(at(&["status", power.key()]), form)
        }
        Deed::SnapshotCreate { name, ram } => {
            let mut form = vec![("snapname", name.as_str()), ("description", order.remark)];
            if *ram {
                form.push(("vmstate", "1"));
            }
            post(at(&["snapshot"]), form)
        }
        Deed::SnapshotRollback(name) => post(snapshot(name, &["rollback"]), Vec::new()),
        Deed::SnapshotDelete(name) => Call {
            verb: Verb::Delete,
            path: snapshot(name, &[]),
            form: Vec::new(),
        },
        Deed::Backup { storage, mode } => post(
            ApiPath::new(&["nodes", node.as_str(), "vzdump"]),
            vec![
                ("vmid", vmid),
                ("storage", storage.as_str()),
                ("mode", mode.key()),
                ("notes-template", notes),
            ],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_the_notes_is_neither_variable_nor_escape() {
        for (name, template) in [
            ("By Max in Discord", "By Max in Discord"),
            ("{{vmid}}", "{ {vmid}}"),
            ("{{{node}}}", "{ { {node}}}"),
            (r"a\nb", r"a\\nb"),
            (r"{\{vmid}}", r"{\\{vmid}}"),
        ] {
            assert_eq!(notes_template(name), template);
        }
    }
}
