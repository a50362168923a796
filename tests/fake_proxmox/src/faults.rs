//! Fault switches: what breaks, where, and how often; also by name for the demo.

use std::time::Duration;

use crate::record::Recorded;
use crate::state::State;

#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// TCP connections are closed as soon as they are accepted, open ones at their next request.
    Refuse,
    /// The request is read, and nothing ever comes back.
    Hang,
    /// The connection is cut after the request was carried out: the client cannot know.
    DropAfterRequest,
    /// The connection is cut after the request was read; nothing was done.
    DropBeforeExecute,
    /// 401 after the usual three seconds, empty body.
    Unauthorized,
    Forbidden {
        path: String,
        privs: String,
    },
    TooMany429,
    Status500(String),
    /// The entry node cannot reach the other: empty body, no content type.
    Status595,
    /// The other node does not answer; the real server gives up after 30 s.
    Status596 {
        after: Duration,
    },
    /// 200 with half of the JSON.
    BadJson,
    /// 200 with JSON of another shape.
    WrongBody,
    /// The right answer, with so many bytes of padding in it.
    Padded(usize),
    /// The answer comes, but late.
    Slow(Duration),
    /// The task begins and fails at once with this text.
    TaskFails(String),
    TaskWarns(u32),
    /// Its process was killed: `unexpected status`, no last line in the log.
    TaskDies,
    /// Only `Cluster::finish` ends it, on either clock.
    TaskNeverEnds,
    /// The task ends by itself after this time, on either clock.
    SlowTask(Duration),
}

/// Which requests a fault hits; an absent field fits all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Match {
    /// The node whose listener was asked.
    pub node: Option<String>,
    pub method: Option<String>,
    /// Part of the decoded path after `/api2/json`; `*` stands for anything.
    pub path: Option<String>,
    /// Everything but GET.
    pub only_writes: bool,
}

impl Match {
    pub fn any() -> Match {
        Match::default()
    }

    pub fn writes() -> Match {
        Match {
            only_writes: true,
            ..Match::any()
        }
    }

    #[must_use]
    pub fn node(mut self, node: &str) -> Match {
        self.node = Some(node.into());
        self
    }

    #[must_use]
    pub fn method(mut self, method: &str) -> Match {
        self.method = Some(method.into());
        self
    }

    #[must_use]
    pub fn path(mut self, path: &str) -> Match {
        self.path = Some(path.into());
        self
    }

    fn hits(&self, node: &str, method: &str, path: &str) -> bool {
        let same = |want: &Option<String>, is: &str| want.as_deref().is_none_or(|want| want == is);
        !(self.only_writes && method == "GET")
            && same(&self.node, node)
            && same(&self.method, method)
            && self.path.as_deref().is_none_or(|want| contains(path, want))
    }
}

/// The pieces between the `*` occur in this order.
fn contains(path: &str, pattern: &str) -> bool {
    let mut rest = path;
    pattern.split('*').all(|piece| match rest.find(piece) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}

#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub kind: FaultKind,
    pub on: Match,
    /// How many requests it hits before it is gone; None: until cleared.
    pub times: Option<u32>,
}

impl Fault {
    /// Hits every request until cleared.
    pub fn always(kind: FaultKind) -> Fault {
        Fault {
            kind,
            on: Match::any(),
            times: None,
        }
    }

    pub fn once(kind: FaultKind) -> Fault {
        Fault::always(kind).times(1)
    }

    #[must_use]
    pub fn on(mut self, on: Match) -> Fault {
        self.on = on;
        self
    }

    #[must_use]
    pub fn times(mut self, times: u32) -> Fault {
        self.times = Some(times);
        self
    }
}

const NAMES: &[(&str, &str)] = &[
    (
        "node-down",
        "the last node is offline: no connection, no figures, guests unknown",
    ),
    ("all-down", "no node can be reached at all"),
    (
        "no-quorum",
        "the cluster has lost its quorum: reading works, starting does not",
    ),
    ("hang", "requests are read and never answered"),
    ("slow", "every answer comes two seconds late"),
    (
        "drop",
        "a write is carried out, but the connection breaks before the answer",
    ),
    ("unauthorized", "the token is refused, after three seconds"),
    ("forbidden", "every write lacks a privilege"),
    ("too-many", "429 to every request"),
    ("error-500", "500 to every request"),
    (
        "no-route",
        "595: the entry node cannot reach the node that owns the guest",
    ),
    (
        "proxy-timeout",
        "596: the owner's node does not answer for 30 seconds",
    ),
    ("bad-json", "answers are cut in the middle"),
    ("wrong-body", "answers are JSON of another shape"),
    ("task-fails", "tasks begin and fail"),
    ("task-warns", "tasks succeed with two warnings"),
    ("task-dies", "tasks are killed: nobody knows how they ended"),
    ("task-never-ends", "tasks begin and never end"),
    ("slow-task", "tasks take 45 seconds"),
];

/// Names for `Cluster::fault_by_name`, with what they do.
pub fn fault_names() -> &'static [(&'static str, &'static str)] {
    NAMES
}

/// The faults that are about requests; the rest of the names are states of the cluster.
pub(crate) fn by_name(name: &str) -> Option<Fault> {
    let writes = Match::writes();
    let on_nodes = Match::any().path("/nodes/");
    Some(match name {
        "all-down" => Fault::always(FaultKind::Refuse),
        "hang" => Fault::always(FaultKind::Hang),
        "slow" => Fault::always(FaultKind::Slow(Duration::from_secs(2))),
        "drop" => Fault::always(FaultKind::DropAfterRequest).on(writes),
        "unauthorized" => Fault::always(FaultKind::Unauthorized),
        "forbidden" => Fault::always(FaultKind::Forbidden {
            path: "/vms/{vmid}".into(),
            privs: "VM.PowerMgmt".into(),
        })
        .on(writes),
        "too-many" => Fault::always(FaultKind::TooMany429),
        "error-500" => Fault::always(FaultKind::Status500(
            "got no worker upid - start worker failed".into(),
        )),
        "no-route" => Fault::always(FaultKind::Status595).on(on_nodes),
        "proxy-timeout" => Fault::always(FaultKind::Status596 {
            after: Duration::from_secs(30),
        })
        .on(on_nodes),
        "bad-json" => Fault::always(FaultKind::BadJson),
        "wrong-body" => Fault::always(FaultKind::WrongBody),
        "task-fails" => Fault::always(FaultKind::TaskFails(
            "start failed: command '/usr/bin/kvm' failed: exit code 1".into(),
        )),
        "task-warns" => Fault::always(FaultKind::TaskWarns(2)),
        "task-dies" => Fault::always(FaultKind::TaskDies),
        "task-never-ends" => Fault::always(FaultKind::TaskNeverEnds),
        "slow-task" => Fault::always(FaultKind::SlowTask(Duration::from_secs(45))),
        _ => return None,
    })
}

/// Takes the first fault of the wanted sort that hits this request, and counts it.
pub(crate) fn take(
    state: &mut State,
    request: &Recorded,
    wanted: fn(&FaultKind) -> bool,
) -> Option<FaultKind> {
    let index = state.faults.iter().position(|fault| {
        wanted(&fault.kind) && fault.on.hits(&request.node, &request.method, &request.path)
    })?;
    let fault = &mut state.faults[index];
    let kind = fault.kind.clone();
    if let Some(times) = &mut fault.times {
        *times = times.saturating_sub(1);
        if *times == 0 {
            state.faults.remove(index);
        }
    }
    Some(kind)
}

/// A connection that is closed at accept; what it would have asked is not known yet.
pub(crate) fn take_refusal(state: &mut State, node: &str) -> bool {
    let unknown = Recorded::new(node);
    take(state, &unknown, |kind| *kind == FaultKind::Refuse).is_some()
}

pub(crate) fn is_about_task(kind: &FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::TaskFails(_)
            | FaultKind::TaskWarns(_)
            | FaultKind::TaskDies
            | FaultKind::TaskNeverEnds
            | FaultKind::SlowTask(_)
    )
}

/// The exit text of a task that is made to fail.
pub(crate) fn task_failure(faults: &[FaultKind]) -> Option<String> {
    faults.iter().find_map(|kind| match kind {
        FaultKind::TaskFails(text) => Some(text.clone()),
        FaultKind::TaskDies => Some("unexpected status".into()),
        _ => None,
    })
}

pub(crate) fn task_warnings(faults: &[FaultKind]) -> Option<String> {
    faults.iter().find_map(|kind| match kind {
        FaultKind::TaskWarns(count) => Some(format!("WARNINGS: {count}")),
        _ => None,
    })
}

pub(crate) fn slow_task(faults: &[FaultKind]) -> Option<Duration> {
    faults.iter().find_map(|kind| match kind {
        FaultKind::SlowTask(after) => Some(*after),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let path = "/nodes/pve1/qemu/101/status/start";
        for hit in [
            "",
            "/qemu/",
            "/nodes/*/status",
            "*start",
            "/nodes/pve1/*/101/",
        ] {
            assert!(contains(path, hit), "{hit}");
        }
        for miss in ["/lxc/", "start*nodes", "/102/"] {
            assert!(!contains(path, miss), "{miss}");
        }
    }

    #[test]
    fn every_name_means_something() {
        for (name, _) in fault_names() {
            let of_state = ["node-down", "no-quorum"].contains(name);
            assert_eq!(by_name(name).is_none(), of_state, "{name}");
        }
    }
}
