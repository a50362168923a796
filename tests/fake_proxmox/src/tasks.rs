//! Tasks: what runs, how it will end, and how a UPID is read.

use std::time::Instant;

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub upid: String,
    pub node: String,
    pub kind: String,
    pub id: String,
    /// `user@realm!token`
    pub user: String,
    pub pid: u32,
    pub pstart: u32,
    pub starttime: u64,
    pub started: Instant,
    pub log: Vec<String>,
    pub effect: Effect,
    pub end: End,
    /// Exit text and time.
    pub ended: Option<(String, u64)>,
}

impl Task {
    pub fn running(&self) -> bool {
        self.ended.is_none()
    }

    /// The user without the token, and the token.
    pub fn owner(&self) -> (&str, Option<&str>) {
        match self.user.split_once('!') {
            Some((user, token)) => (user, Some(token)),
            None => (&self.user, None),
        }
    }
}

/// What a task does to its guest when it succeeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Effect {
    Start(u32),
    Stop(u32),
    Shutdown(u32),
    Reboot(u32),
    Reset(u32),
    Suspend(u32),
    Resume(u32),
    /// What [`crate::marked`] knows more of.
    Marked(u32),
    /// Only a request to the HA stack.
    Queue(u32),
    /// Whatever it does is kept elsewhere.
    Other,
}

impl Effect {
    pub fn id(self) -> String {
        match self {
            Effect::Start(vmid)
            | Effect::Stop(vmid)
            | Effect::Shutdown(vmid)
            | Effect::Reboot(vmid)
            | Effect::Reset(vmid)
            | Effect::Suspend(vmid)
            | Effect::Resume(vmid)
            | Effect::Marked(vmid)
            | Effect::Queue(vmid) => vmid.to_string(),
            Effect::Other => String::new(),
        }
    }

    /// The guest whose configuration file the task keeps locked.
    pub fn vmid(self) -> Option<u32> {
        match self {
            Effect::Queue(_) | Effect::Marked(_) | Effect::Other => None,
            other => other.id().parse().ok(),
        }
    }
}

/// How a task comes to its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    /// When the test says so, or never.
    Told,
    At(Instant, String),
}

/// Warnings are success.
pub(crate) fn is_success(exit: &str) -> bool {
    exit == "OK" || exit.starts_with("WARNINGS: ")
}

/// A task as tests see it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskView {
    pub upid: String,
    pub node: String,
    /// `qmstart`, `vzshutdown`, `hastart` ...
    pub kind: String,
    /// Mostly the guest's number.
    pub id: String,
    pub user: String,
    pub starttime: u64,
    pub endtime: Option<u64>,
    /// None while it runs.
    pub exit: Option<String>,
    pub log: Vec<String>,
}

pub(crate) fn view(task: &Task) -> TaskView {
    TaskView {
        upid: task.upid.clone(),
        node: task.node.clone(),
        kind: task.kind.clone(),
        id: task.id.clone(),
        user: task.user.clone(),
        starttime: task.starttime,
        endtime: task.ended.as_ref().map(|(_, at)| *at),
        exit: task.ended.as_ref().map(|(exit, _)| exit.clone()),
        log: task.log.clone(),
    }
}

/// `UPID:node:pid:pstart:start:type:id:user:` with exactly eight colons and hex where hex belongs.
pub(crate) fn is_upid(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let &["UPID", node, pid, pstart, start, kind, id, user, ""] = parts.as_slice() else {
        return false;
    };
    let hex = |text: &str, lengths: &[usize]| {
        lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let plain = |text: &str| !text.contains(|c: char| c == '/' || c.is_whitespace());
    crate::params::is_node_name(node)
        && hex(pid, &[8])
        && hex(pstart, &[8, 9])
        && hex(start, &[8])
        && !kind.is_empty()
        && plain(kind)
        && plain(id)
        && !user.is_empty()
        && plain(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upids() {
        let good = "UPID:pve1:0001C5A8:05ABCDEF:6A5F0F00:qmstart:101:discord@pve!bot:";
        assert!(is_upid(good));
        assert!(is_upid(&good.replace("05ABCDEF", "105ABCDEF")));
        assert!(is_upid(&good.replace(":101:", "::")));
        for bad in [
            good.trim_end_matches(':').to_string(),
            good.replace("0001C5A8", "1C5A8"),
            good.replace("0001C5A8", "0001C5AG"),
            good.replace("pve1", "-pve1"),
            good.replace("UPID", "upid"),
            format!("{good}:"),
        ] {
            assert!(!is_upid(&bad), "{bad}");
        }
    }
}
