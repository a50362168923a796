//! `/nodes/{node}/tasks`: how a task goes, and its log.

use serde_json::{Value, json};

use crate::access::may;
use crate::answer::{Refusal, Reply};
use crate::gate::Call;
use crate::state::State;
use crate::tasks::{Task, is_upid};

pub(crate) fn status(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let task = find(state, call)?;
    let (user, token) = task.owner();
    let mut shown = json!({
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pstart,
        "starttime": task.starttime,
        "type": task.kind,
        "id": task.id,
        "user": user,
        "status": if task.running() { "running" } else { "stopped" },
    });
    if let Some(token) = token {
        shown["tokenid"] = json!(token);
    }
    if let Some((exit, _)) = &task.ended {
        shown["exitstatus"] = json!(exit);
    }
    Ok(shown.into())
}

pub(crate) fn log(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let task = find(state, call)?;
    let start = number(call, "start").unwrap_or(0);
    let limit = number(call, "limit")
        .filter(|limit| *limit > 0)
        .unwrap_or(50);
    let mut lines: Vec<Value> = (1..)
        .zip(&task.log)
        .skip(start)
        .take(limit)
        .map(|(number, line)| json!({"n": number, "t": line}))
        .collect();
    let mut total = task.log.len();
    if total == 0 {
        lines = vec![json!({"n": 1, "t": "no content"})];
        total = 1;
    }
    Ok(Reply {
        data: lines.into(),
        beside: vec![("total", json!(total))],
    })
}

fn number(call: &Call, name: &str) -> Option<usize> {
    usize::try_from(call.params.number(name)?).ok()
}

/// One's own task (the user's own include its tokens'), or anybody's with Sys.Audit on the node.
fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Task, Refusal> {
    let upid = call.params.text("upid");
    let refuse = |text: &str| Err(Refusal::parameter("upid", text));
    if !is_upid(upid) {
        return refuse("unable to parse worker upid");
    }
    let node = match call.params.text("node") {
        "localhost" => &call.entry,
        name => name,
    };
    let Some(task) = state
        .tasks
        .iter()
        .find(|task| task.upid == upid && task.node == node)
    else {
        return refuse("no such task");
    };
    let path = format!("/nodes/{node}");
    if task.user != call.caller.id && !may(state, &call.caller, &path, "Sys.Audit") {
        return Err(Refusal::forbidden(&path, "Sys.Audit"));
    }
    Ok(task)
}
