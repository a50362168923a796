//! Why something was not done: Proxmox's own texts and answers, as sentences with the next step.

use crate::action::GuestFacts;
use crate::ids::{GuestRef, Kind, NodeName};
use crate::proxmox::{BackupLog, Missing};

/// Nothing was read in time.
pub const TOO_SLOW: &str = "Its node takes too long to answer.";

const TASK_FAILED: &str = "Proxmox's task failed.";
const RUNS: &str = "It runs already.";
const DOES_NOT_RUN: &str = "It does not run.";
const TEMPLATE: &str = "It is a template: clone it first.";
const BUSY: &str = "Proxmox is busy with this guest.\nTry again in a minute.";
const NO_REACTION: &str = "The guest did not react in time.\nTry again, or stop it.";
const NO_QUORUM: &str = "The cluster has no quorum: too few\nnodes are up. Tell the owner.";
const GONE: &str = "Proxmox no longer finds it there.\nIt was moved or deleted: look again.";
const PAUSED: &str = "It is paused: resume it first.";
const STOPPED: &str = "Somebody stopped the task.";
const NAME_TAKEN: &str = "It has a snapshot of that name.\nChoose another name.";
const NAME_KEPT: &str = "Proxmox keeps that name for itself.\nChoose another name.";
const NO_SNAPSHOT: &str = "That snapshot is not there any more.\nLook at the list again.";
const ONLY_NEWEST: &str = "Its storage can only go back to the\nnewest snapshot. The newer ones would\nhave to be deleted first.";
const NO_SNAPSHOTS: &str = "A disk of it is on a storage that takes\nno snapshots. Tell the owner.";
const STORAGE_OFF: &str = "The storage cannot be reached now.\nTell the owner, or choose another.";
const STORAGE_FULL: &str = "The storage is full. Tell the owner,\nor choose another.";
const MAYBE_FULL: &str =
    "The storage took no more of it: it is\nfull, most likely. Tell the owner.";
const ENOUGH: &str = "The storage holds as many backups of it\nas it may. Tell the owner.";
const HA_RUNS: &str =
    "The HA manager keeps it running, so it\ncannot be stopped for a backup.\nUse mode `snapshot`.";
/// The bot's token lacks a privilege.
pub const NO_RIGHT: &str = "The bot itself lacks the right for it\nin Proxmox. Tell the owner.";
/// Proxmox does not accept the bot's token.
pub const NO_TOKEN: &str = "Proxmox does not accept the bot's\ntoken. Tell the owner.";
const NOT_LET: &str = "Proxmox does not let the bot do this.\nTell the owner.";
/// A task that another token began.
pub const NOT_OURS: &str =
    "Somebody else began it, and the bot\nmay stop only its own. Tell the owner.";
const NO_CRIU: &str =
    "Containers can only be held where their\nnode has CRIU, and not all can then.";
const NEEDS: &str = "Something that it needs is missing or\noff in Proxmox. Tell the owner.";

/// Proxmox's texts from end to end, and what they mean. `#` stands for a number, `*` for anything
/// without an apostrophe. Parts of a text would not do: other errors, and names, hold the same words.
const KNOWN: &[(&str, &str)] = &[
    ("VM # already running", RUNS),
    ("CT # already running", RUNS),
    ("VM # not running", DOES_NOT_RUN),
    ("CT # not running", DOES_NOT_RUN),
    ("you can't start a vm if it's a template", TEMPLATE),
    ("you can't start a CT if it's a template", TEMPLATE),
    ("can't lock file '*' - got timeout", BUSY),
    ("VM quit/powerdown failed - got timeout", NO_REACTION),
    ("VM quit/powerdown failed", NO_REACTION),
    ("container did not stop", NO_REACTION),
    ("cluster not ready - no quorum?", NO_QUORUM),
    ("Configuration file '*' does not exist", GONE),
    (
        "unable to find configuration file for VM # on node '*'",
        GONE,
    ),
    (
        "unable to find configuration file for CT # on node '*'",
        GONE,
    ),
    ("VM is paused - cannot shutdown", PAUSED),
    ("received interrupt", STOPPED),
    ("interrupted by signal", STOPPED),
    ("snapshot name '*' already used", NAME_TAKEN),
    ("unable to use snapshot name '*' (reserved name)", NAME_KEPT),
    ("snapshot '*' does not exist", NO_SNAPSHOT),
    (
        "can't rollback, '*' is not most recent snapshot on '*'",
        ONLY_NEWEST,
    ),
    ("snapshot feature is not available", NO_SNAPSHOTS),
    (
        "could not activate storage '*': storage '*' is not online",
        STORAGE_OFF,
    ),
    (
        "could not activate storage '*': storage '*' is disabled",
        STORAGE_OFF,
    ),
    ("vma_queue_write: write error - Broken pipe", MAYBE_FULL),
    (
        "There is a max backup limit of # enforced by the target storage or the vzdump parameters. \
         Either increase the limit or delete old backups.",
        ENOUGH,
    ),
    (
        "Cannot execute a backup with stop mode on a HA managed and enabled Service. Use snapshot \
         mode or disable the Service.",
        HA_RUNS,
    ),
    ("volume '*' does not exist", NEEDS),
    ("bridge '*' does not exist", NEEDS),
    ("storage '*' is not online", NEEDS),
    ("command 'lxc-checkpoint *' failed: exit code #", NO_CRIU),
];

/// What Proxmox's own text means, as a sentence with the next step. Unknown texts stay unsaid in
/// public; the person who asked gets them privately.
#[must_use]
pub fn why_failed(text: &str) -> String {
    why_failed_of(text, None)
}

fn why_failed_of(text: &str, guest: Option<&GuestFacts>) -> String {
    let text = text.trim();
    let lock = ["VM is locked (", "CT is locked ("]
        .iter()
        .find_map(|begin| text.strip_prefix(begin)?.strip_suffix(')'));
    if let Some(lock) = lock {
        return guest.map_or_else(|| locked(lock), |guest| locked_by(lock, guest));
    }
    let known = KNOWN.iter().find(|(form, _)| has_form(text, form));
    known.map_or(TASK_FAILED, |(_, meaning)| meaning).to_owned()
}

/// The same for a backup, of which the log tells more than the end of its task.
#[must_use]
pub fn why_not_backed_up(log: &BackupLog, text: &str) -> String {
    match why_failed(text) {
        _ if log.full => STORAGE_FULL.to_owned(),
        _ if Missing::in_text(text).is_some() => NO_RIGHT.to_owned(),
        why => why,
    }
}

/// Whether a text is the form from end to end. What a placeholder takes ends where it cannot go on.
fn has_form(text: &str, form: &str) -> bool {
    let Some(at) = form.find(['#', '*']) else {
        return text == form;
    };
    let Some(rest) = text.strip_prefix(&form[..at]) else {
        return false;
    };
    let taken: fn(char) -> bool = match &form[at..=at] {
        "#" => |c| c.is_ascii_digit(),
        _ => |c| c != '\'',
    };
    let after = rest.trim_start_matches(taken);
    after.len() < rest.len() && has_form(after, &form[at + 1..])
}

/// A lock is somebody else's work on the guest; or it was left behind by work that broke off, and
/// that one never ends by itself.
#[must_use]
pub fn locked_by(lock: &str, guest: &GuestFacts) -> String {
    let said = locked(lock);
    if lock == "suspended" {
        return said;
    }
    let tool = match guest.kind {
        Kind::Vm => "qm",
        Kind::Ct => "pct",
    };
    let GuestRef { vmid, .. } = &guest.guest;
    let free = match lock {
        "backup" => format!("free it on its node, as root:\n`{tool} unlock {vmid}`"),
        // What broke off there may have left more behind than a lock.
        _ => "something broke off and left it so:\nwhoever runs its node has to look.".to_owned(),
    };
    let list = format!("`/task list guest:{}`", guest.guest);
    format!("{said}\nIf no task runs any more (see\n{list}),\n{free}")
}

/// The same of a guest that is not named.
fn locked(lock: &str) -> String {
    if lock == "suspended" {
        return "It is suspended to disk.\nStart it first.".to_owned();
    }
    let locked = locked_for(lock);
    format!("It is {locked}.\nTry again when that has ended.")
}

/// "locked for a backup": behind "it is".
pub(super) fn locked_for(lock: &str) -> String {
    let work = match lock {
        "suspended" => return "suspended to disk".to_owned(),
        "backup" => " for a backup",
        "migrate" => " to be moved",
        "snapshot" | "snapshot-delete" => " for a snapshot",
        "rollback" => " to be rolled back",
        "clone" => " to be cloned",
        "create" => " to be created",
        "suspending" => " to be suspended to disk",
        other if is_lock(other) => &format!(" ({other})"),
        _ => "",
    };
    format!("locked{work}")
}

/// Whether it looks like one of Proxmox's own words. The card is public, so nothing else gets there.
fn is_lock(word: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b == b'-';
    (1..=24).contains(&word.len()) && word.bytes().all(letter)
}

/// What Proxmox answered instead of making a task.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    pub status: Option<u16>,
    pub text: Option<&'a str>,
    /// The text names a privilege that the bot's token lacks.
    pub missing: bool,
    pub guest: &'a GuestFacts,
    /// Where the guest is, for those who may see it.
    pub node: Option<&'a NodeName>,
    /// The cluster says that this node is offline.
    pub offline: bool,
}

/// Why Proxmox did not take a request, with the next step. Privileges are named elsewhere, to
/// those who can give them.
#[must_use]
pub fn why_refused(refusal: &Refusal<'_>) -> String {
    match refusal.status {
        Some(401) => NO_TOKEN.to_owned(),
        Some(403) if refusal.missing => NO_RIGHT.to_owned(),
        Some(403) => NOT_LET.to_owned(),
        Some(595 | 596 | 599) => node_away(refusal.node, refusal.offline),
        Some(_) => match why_failed_of(refusal.text.unwrap_or_default(), Some(refusal.guest)) {
            unknown if unknown == TASK_FAILED => "Proxmox refused it.".to_owned(),
            known => known,
        },
        None => "Proxmox could not be reached, so it\nwas never asked. Try again.".to_owned(),
    }
}

/// Nothing can be read of a guest whose node is away. `node` is named to those who may see it.
#[must_use]
pub fn node_away(node: Option<&NodeName>, offline: bool) -> String {
    let name = node.map_or_else(String::new, |node| format!(" {node}"));
    let state = if offline {
        "is offline"
    } else {
        "does not answer"
    };
    format!("Its node{name} {state}.\nTry again when it is back.")
}

/// Whether Proxmox says that too few nodes are up.
#[must_use]
pub fn is_no_quorum(text: &str) -> bool {
    why_failed(text) == NO_QUORUM
}

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readers {
    /// Everybody in the channel, beside the one who asked.
    pub public: bool,
    /// Who asked manages access: others are sent to them.
    pub owner: bool,
}

/// What the owner does about it, to whom others are sent.
const OWNERS_PART: &[(&str, &str)] = &[
    (NO_QUORUM, "`/node list` shows which are away."),
    (NO_SNAPSHOTS, "Back it up instead: `/backup run`."),
    (STORAGE_OFF, SEE_STORAGES),
    (STORAGE_FULL, SEE_STORAGES),
    (MAYBE_FULL, SEE_STORAGES),
    (ENOUGH, "Delete an old one in Proxmox."),
    (NO_RIGHT, SEE_CHECK),
    (NO_TOKEN, SEE_CHECK),
    (NOT_LET, SEE_CHECK),
    (NOT_OURS, "Stop it in Proxmox itself."),
    (NEEDS, "Look at its hardware in Proxmox."),
];
const SEE_STORAGES: &str = "See `/storage list`.";
const SEE_CHECK: &str = "`pve-steward check` says more.";

/// As its readers need it: nobody is sent to themselves. Beside others the owner is told no more than
/// what happened; alone, what to do.
#[must_use]
pub fn told_to(readers: Readers, why: &str) -> String {
    if !readers.owner {
        return why.to_owned();
    }
    let neutral = without_the_owner(why);
    let part = OWNERS_PART.iter().find(|(said, _)| *said == why);
    match part.filter(|_| !readers.public) {
        Some((_, part)) => format!("{neutral}\n{part}"),
        None => neutral,
    }
}

fn without_the_owner(why: &str) -> String {
    let told = [
        "Tell the owner, or choose another.",
        "Tell the owner,\nor choose another.",
    ]
    .iter()
    .fold(why.to_owned(), |why, both| {
        why.replace(both, "Choose another.")
    });
    told.replace("Tell the owner.", "").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxmoxs_texts_are_known_by_their_whole_form() {
        for (text, meaning) in [
            ("VM 101 already running", RUNS),
            ("CT 104 not running\n", DOES_NOT_RUN),
            ("you can't start a CT if it's a template", TEMPLATE),
            (
                "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout",
                BUSY,
            ),
            ("VM quit/powerdown failed - got timeout", NO_REACTION),
            ("cluster not ready - no quorum?", NO_QUORUM),
            (
                "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist",
                GONE,
            ),
            (
                "unable to find configuration file for VM 999 on node 'pve1'",
                GONE,
            ),
            ("received interrupt", STOPPED),
            ("volume 'local:iso/debian-13.iso' does not exist", NEEDS),
            ("bridge 'vmbr1' does not exist", NEEDS),
            ("storage 'templates' is not online", NEEDS),
            (
                "could not activate storage 'nas': storage 'nas' is not online",
                STORAGE_OFF,
            ),
            ("snapshot name 'before-mods' already used", NAME_TAKEN),
            ("snapshot 'before-mods' does not exist", NO_SNAPSHOT),
            (
                "can't rollback, 'before-mods' is not most recent snapshot on 'tank:vm-101-disk-0'",
                ONLY_NEWEST,
            ),
            ("interrupted by signal", STOPPED),
        ] {
            assert_eq!(why_failed(text), meaning, "{text}");
        }
    }

    #[test]
    fn the_same_words_in_another_text_mean_nothing() {
        for text in [
            "",
            "start failed: command 'swtpm' not running",
            "kvm: failed to set up TRIGGER eventfd signaling for interrupt INTX-0",
            "PCI device '0000:01:00.0' already in use by VMID '110' already running",
            "VM x already running",
            "VM  already running",
            "hook: VM 101 already running",
            "unable to activate storage 'template': no quorum",
            "Configuration file '' does not exist",
            "Configuration file 'a' of 'b' does not exist",
        ] {
            assert_eq!(why_failed(text), TASK_FAILED, "{text}");
        }
    }

    #[test]
    fn a_lock_that_nobody_ends_is_not_waited_for() {
        let guest = |kind| GuestFacts {
            guest: GuestRef {
                cluster: "home".parse().unwrap(),
                vmid: crate::ids::Vmid::new(107).unwrap(),
            },
            kind,
            node: "pve1".parse().unwrap(),
            name: None,
            pool: None,
            pools_seen: [].into(),
            tags: Vec::new(),
        };
        let told = locked_by("backup", &guest(Kind::Ct));
        assert!(told.ends_with("`pct unlock 107`"), "{told}");
        let told = locked_by("migrate", &guest(Kind::Vm));
        assert!(
            told.contains("guest:home/107") && !told.contains("unlock"),
            "{told}"
        );
        let told = locked_by("suspended", &guest(Kind::Vm));
        assert_eq!(told, "It is suspended to disk.\nStart it first.");
    }

    #[test]
    fn nobody_is_sent_to_themselves() {
        let told = |public, owner, why| told_to(Readers { public, owner }, why);
        let all = KNOWN.iter().map(|(_, why)| *why);
        for why in all.chain([NO_RIGHT, NO_TOKEN, NOT_LET, NOT_OURS, STORAGE_FULL]) {
            for public in [true, false] {
                let said = told(public, true, why);
                assert!(!said.contains("ell the owner"), "{said}");
                assert!(said.ends_with('.'), "{said}");
                assert_eq!(told(public, false, why), why);
            }
            let sent = why.contains("ell the owner");
            assert_eq!(
                told(false, true, why) != told(true, true, why),
                sent,
                "{why}"
            );
        }
        let off = "The storage cannot be reached now.\nChoose another.";
        assert_eq!(told(true, true, STORAGE_OFF), off);
        assert_eq!(
            told(false, true, STORAGE_OFF),
            format!("{off}\nSee `/storage list`.")
        );
        assert_eq!(told(false, true, PAUSED), PAUSED);
    }

    #[test]
    fn only_proxmoxs_own_words_for_a_lock_are_repeated() {
        let ended = "Try again when that has ended.";
        let backup = format!("It is locked for a backup.\n{ended}");
        assert_eq!(why_failed("CT is locked (backup)"), backup);
        let fstrim = format!("It is locked (fstrim).\n{ended}");
        assert_eq!(why_failed("VM is locked (fstrim)"), fstrim);
        let unnamed = format!("It is locked.\n{ended}");
        for lock in [
            "",
            "10.0.0.5 root:hunter2 https://evil.example/nitro",
            "a) is locked (b",
            "Backup",
            &"x".repeat(25),
        ] {
            assert_eq!(locked(lock), unnamed, "{lock}");
        }
        for hooks in ["hook: VM is locked (secret)", "VM is locked (secret) by me"] {
            assert_eq!(why_failed(hooks), TASK_FAILED);
        }
    }
}
