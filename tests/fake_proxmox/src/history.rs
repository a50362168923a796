//! Tasks of the past: what was there before anybody asked.

use std::time::{Duration, SystemTime};

use crate::state::State;
use crate::tasks::Effect;
use crate::text;

/// A task that somebody began some time ago.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    pub node: String,
    /// `root@pam`, or a token's id.
    pub user: String,
    /// `vzdump`, `aptupdate`, `vncproxy` ...
    pub kind: String,
    /// Mostly a guest's number; empty for none.
    pub id: String,
    pub age: Duration,
    pub took: Duration,
    /// None: it still runs.
    pub exit: Option<String>,
    pub log: Vec<String>,
}

impl Past {
    /// By root, an hour ago, in twenty seconds, with success.
    pub fn new(node: &str, kind: &str, id: &str) -> Past {
        Past {
            node: node.into(),
            user: "root@pam".into(),
            kind: kind.into(),
            id: id.into(),
            age: Duration::from_secs(3600),
            took: Duration::from_secs(20),
            exit: Some("OK".into()),
            log: Vec::new(),
        }
    }

    #[must_use]
    pub fn by(mut self, user: &str) -> Past {
        self.user = user.into();
        self
    }

    #[must_use]
    pub fn ago(mut self, age: Duration) -> Past {
        self.age = age;
        self
    }

    #[must_use]
    pub fn took(mut self, took: Duration) -> Past {
        self.took = took;
        self
    }

    #[must_use]
    pub fn exit(mut self, exit: &str) -> Past {
        self.exit = Some(exit.into());
        self
    }

    #[must_use]
    pub fn running(mut self) -> Past {
        self.exit = None;
        self
    }

    #[must_use]
    pub fn log(mut self, line: &str) -> Past {
        self.log.push(line.into());
        self
    }
}

/// Its UPID. Lists are by age, so it goes where it belongs.
pub(crate) fn add(state: &mut State, past: &Past) -> String {
    let began = text::epoch_of(SystemTime::now() - past.age);
    state.begin_as(&past.node, &past.user, &past.kind, &past.id, Effect::Other);
    let Some(mut task) = state.tasks.pop() else {
        return String::new();
    };
    let now = format!(":{:08X}:", task.starttime);
    task.upid = task.upid.replacen(&now, &format!(":{began:08X}:"), 1);
    task.starttime = began;
    task.log.clone_from(&past.log);
    let upid = task.upid.clone();
    let at = state
        .tasks
        .partition_point(|other| other.starttime <= began);
    state.tasks.insert(at, task);
    if let Some(exit) = &past.exit {
        state.end_task(&upid, exit, false);
        let task = state.tasks.iter_mut().find(|task| task.upid == upid);
        if let Some((_, at)) = task.and_then(|task| task.ended.as_mut()) {
            *at = began + past.took.as_secs();
        }
    }
    upid
}
