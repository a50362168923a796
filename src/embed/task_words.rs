//! The words for Proxmox's tasks, by their types.

use crate::ids::Vmid;
use crate::proxmox::TaskEnd;

use super::task::Line;
use super::words::plain;

/// Type, and what it is while it goes on, once it is done, and as a thing.
type Words = (&'static str, &'static str, &'static str, &'static str);

/// The part behind `qm`, `vz` or `ha`.
const OF_GUESTS: &[Words] = &[
    ("start", "starting", "started", "start"),
    ("stop", "stopping", "stopped", "stop"),
    ("shutdown", "shutting down", "shut down", "shutdown"),
    ("reboot", "rebooting", "rebooted", "reboot"),
    ("reset", "resetting", "reset", "reset"),
    ("suspend", "suspending", "suspended", "suspend"),
    ("pause", "suspending", "suspended", "suspend"),
    ("resume", "resuming", "resumed", "resume"),
    (
        "snapshot",
        "taking a snapshot",
        "snapshot taken",
        "snapshot",
    ),
    (
        "delsnapshot",
        "deleting a snapshot",
        "snapshot deleted",
        "snapshot deletion",
    ),
    ("rollback", "rolling back", "rolled back", "rollback"),
    ("clone", "cloning", "cloned", "clone"),
    ("create", "creating", "created", "creation"),
    ("restore", "restoring", "restored", "restore"),
    ("igrate", "moving", "moved", "move"),
    ("migrate", "moving", "moved", "move"),
    ("relocate", "moving", "moved", "move"),
    ("destroy", "deleting", "deleted", "deletion"),
    (
        "template",
        "becoming a template",
        "made a template",
        "template",
    ),
    (
        "config",
        "changing settings",
        "settings changed",
        "change of settings",
    ),
    ("move", "moving a disk", "disk moved", "move of a disk"),
];

const OTHERS: &[Words] = &[
    ("vzdump", "backing up", "backed up", "backup"),
    ("vncproxy", "console open", "console closed", "console"),
    ("vncshell", "shell open", "shell closed", "shell"),
    ("spiceproxy", "console open", "console closed", "console"),
    (
        "aptupdate",
        "looking for updates",
        "looked for updates",
        "look for updates",
    ),
    (
        "startall",
        "starting guests",
        "guests started",
        "start of guests",
    ),
    (
        "stopall",
        "stopping guests",
        "guests stopped",
        "stop of guests",
    ),
    (
        "suspendall",
        "suspending guests",
        "guests suspended",
        "suspension of guests",
    ),
    (
        "migrateall",
        "moving guests",
        "guests moved",
        "move of guests",
    ),
    (
        "bulk-start",
        "starting guests",
        "guests started",
        "start of guests",
    ),
    (
        "bulk-shutdown",
        "shutting down guests",
        "guests shut down",
        "shutdown of guests",
    ),
    (
        "bulk-suspend",
        "suspending guests",
        "guests suspended",
        "suspension of guests",
    ),
    (
        "bulk-migrate",
        "moving guests",
        "guests moved",
        "move of guests",
    ),
    (
        "prunebackups",
        "removing old backups",
        "old backups removed",
        "removal of old backups",
    ),
    ("imgcopy", "copying a file", "file copied", "copy of a file"),
    (
        "imgdel",
        "deleting a disk",
        "disk deleted",
        "deletion of a disk",
    ),
    ("download", "downloading", "downloaded", "download"),
    (
        "move_volume",
        "moving a disk",
        "disk moved",
        "move of a disk",
    ),
    ("resize", "resizing a disk", "disk resized", "resizing"),
    (
        "srvreload",
        "reloading a service",
        "service reloaded",
        "reload of a service",
    ),
    (
        "srvrestart",
        "restarting a service",
        "service restarted",
        "restart of a service",
    ),
];

fn words(kind: &str) -> Option<&'static Words> {
    let whole = OTHERS.iter().find(|words| words.0 == kind);
    whole.or_else(|| {
        let part = ["qm", "vz", "ha"]
            .iter()
            .find_map(|prefix| kind.strip_prefix(prefix))?;
        OF_GUESTS.iter().find(|words| words.0 == part)
    })
}

/// The guest of a task that is not there any more.
#[must_use]
pub fn gone_guest(vmid: Vmid) -> String {
    format!("{vmid} (gone)")
}

/// "backup of valheim": after "stop the".
pub(super) fn as_thing(line: &Line) -> String {
    let noun = words(&line.kind).map_or_else(|| plain(&line.kind), |words| words.3.to_owned());
    format!("{noun} of {}", line.name)
}

/// Mark, and what became of it.
pub(super) fn state(line: &Line) -> (&'static str, String) {
    let known = words(&line.kind);
    let kind = || plain(&line.kind);
    let noun = || known.map_or_else(kind, |words| words.3.to_owned());
    match &line.end {
        None => (
            "🟡",
            known.map_or_else(|| format!("{} runs", kind()), |words| words.1.to_owned()),
        ),
        Some(TaskEnd::Ok) => (
            "✅",
            known.map_or_else(|| format!("{} done", kind()), |words| words.2.to_owned()),
        ),
        Some(TaskEnd::Warnings(_)) => (
            "⚠️",
            known.map_or_else(
                || format!("{} done, with warnings", kind()),
                |words| format!("{}, with warnings", words.2),
            ),
        ),
        Some(TaskEnd::Failed(_)) => ("🔴", format!("{} failed", noun())),
        Some(TaskEnd::Aborted) => ("⚪", format!("{} broken off", noun())),
        Some(TaskEnd::Unexpected) => ("🟠", format!("{}, end unknown", noun())),
    }
}

pub(super) fn by(line: &Line) -> String {
    line.by
        .as_deref()
        .map_or_else(|| "this bot".to_owned(), plain)
}

/// "backup": the thing itself.
pub(super) fn noun(line: &Line) -> String {
    words(&line.kind).map_or_else(|| plain(&line.kind), |words| words.3.to_owned())
}
