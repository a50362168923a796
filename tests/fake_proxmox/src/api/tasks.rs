//! `/nodes/{node}/tasks`: the list, how a task goes, its log, its end.

use serde_json::{Value, json};

use crate::access::may;
use crate::answer::{Refusal, Reply};
use crate::backup;
use crate::gate::Call;
use crate::state::State;
use crate::tasks::{Task, is_upid};

pub(crate) fn status(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let upid = upid(call)?;
    let task = known(state, call, upid)?;
    may_see(state, call, &task.user, "Sys.Audit")?;
    let mut shown = common(task);
    shown["status"] = json!("running");
    if let Some((exit, _)) = &task.ended {
        shown["status"] = json!("stopped");
        shown["exitstatus"] = json!(exit);
    }
    Ok(shown.into())
}

pub(crate) fn log(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let node = call.node();
    let upid = upid(call)?;
    may_see(state, call, &upid_user(upid), "Sys.Audit")?;
    let log = find(state, node, upid).map(|task| task.log.clone());
    let (start, limit) = (number(call, "start"), number(call, "limit"));
    if call.params.flag("download") {
        if start.is_some() || limit.is_some() {
            let text = "'download' cannot be used together with 'start' or 'limit' parameters";
            return Err(Refusal::die(text));
        }
        return Ok(Reply::File(log.unwrap_or_default().join("\n")));
    }
    let Some(log) = log else {
        // Not an error: the first line says so.
        let text = "unable to open file - No such file or directory";
        return Ok(lines(vec![json!({"n": 1, "t": text})], 1));
    };
    if log.is_empty() {
        return Ok(lines(vec![json!({"n": 1, "t": "no content"})], 1));
    }
    // 0: all of it.
    let limit = match limit.unwrap_or(50) {
        0 => usize::MAX,
        limit => limit,
    };
    let shown = (1..).zip(&log).skip(start.unwrap_or(0)).take(limit);
    let shown: Vec<Value> = shown.map(|(n, line)| json!({"n": n, "t": line})).collect();
    Ok(lines(shown, log.len()))
}

fn lines(shown: Vec<Value>, total: usize) -> Reply {
    Reply::Data(shown.into(), vec![("total", json!(total))])
}

fn number(call: &Call, name: &str) -> Option<usize> {
    usize::try_from(call.params.number(name)?).ok()
}

pub(crate) fn list(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let node = call.node();
    let source = call.params.get("source").unwrap_or("archive");
    let auditor = may(state, &call.caller, &format!("/nodes/{node}"), "Sys.Audit");
    let mut tasks: Vec<&Task> = state
        .tasks
        .iter()
        .rev()
        .filter(|task| task.node == node)
        .filter(|task| match source {
            "archive" => !task.running(),
            "active" => task.running(),
            _ => true,
        })
        .filter(|task| auditor || call.caller.owns(&task.user))
        .filter(|task| wanted(task, call))
        .collect();
    let total = tasks.len();
    let start = number(call, "start").unwrap_or(0);
    let limit = number(call, "limit").unwrap_or(50);
    tasks = tasks.into_iter().skip(start).take(limit).collect();
    let rows: Vec<Value> = tasks.into_iter().map(row).collect();
    let beside = if total > 0 {
        vec![("total", json!(total))]
    } else {
        Vec::new()
    };
    Ok(Reply::Data(rows.into(), beside))
}

/// The latest of every node. Without Sys.Audit on `/` a token sees none, not even its own: their
/// owner is taken to be the user, and a token is not that.
pub(crate) fn of_cluster(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    const PER_NODE: usize = 25;
    let all = may(state, &call.caller, "/", "Sys.Audit");
    let mut rows = Vec::new();
    for node in state.nodes.iter().filter(|node| node.is_seen()) {
        let latest = state
            .tasks
            .iter()
            .rev()
            .filter(|task| task.node == node.name);
        let seen = latest.take(PER_NODE);
        let seen = seen.filter(|task| all || task.owner().0 == call.caller.id);
        rows.extend(seen.map(|task| {
            let mut shown = common(task);
            if let Some((exit, at)) = &task.ended {
                shown["status"] = json!(exit);
                shown["endtime"] = json!(at);
                shown["saved"] = json!("1");
            }
            shown
        }));
    }
    Ok(Value::from(rows).into())
}

fn wanted(task: &Task, call: &Call) -> bool {
    let params = &call.params;
    let exit = task.ended.as_ref().map(|(exit, _)| exit.as_str());
    let sort = match exit {
        None | Some("unexpected status") => "unknown",
        Some("OK") => "ok",
        Some(exit) if exit.starts_with("WARNINGS: ") => "warning",
        Some(_) => "error",
    };
    let sorts = params
        .get("statusfilter")
        .filter(|_| !params.flag("errors"));
    let user = params.get("userfilter").map(str::to_lowercase);
    let (owner, _) = task.owner();
    params
        .number("since")
        .is_none_or(|since| task.starttime >= since)
        && params
            .number("until")
            .is_none_or(|until| task.starttime <= until)
        && params
            .get("typefilter")
            .is_none_or(|kind| task.kind == kind)
        && params.get("vmid").is_none_or(|vmid| task.id == vmid)
        && user.is_none_or(|user| owner.to_lowercase().contains(&user))
        && !(params.flag("errors") && sort == "ok")
        && sorts.is_none_or(|list| list.split([',', ';', ' ']).any(|want| want == sort))
}

/// In lists the exit text is the status.
fn row(task: &Task) -> Value {
    let mut shown = common(task);
    shown["status"] = json!("RUNNING");
    if let Some((exit, at)) = &task.ended {
        shown["status"] = json!(exit);
        shown["endtime"] = json!(at);
    }
    shown
}

fn common(task: &Task) -> Value {
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
    });
    if let Some(token) = token {
        shown["tokenid"] = json!(token);
    }
    shown
}

pub(crate) fn stop(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let upid = upid(call)?;
    known(state, call, upid)?;
    may_see(state, call, &upid_user(upid), "Sys.Modify")?;
    // A backup cleans up behind itself, and says so otherwise.
    if backup::find(state, upid).is_some() {
        backup::interrupt(state, upid);
    } else {
        state.end_task(upid, "received interrupt", false);
    }
    Ok(Value::Null.into())
}

fn upid(call: &Call) -> Result<&str, Refusal> {
    let upid = call.params.text("upid");
    if is_upid(upid) {
        Ok(upid)
    } else {
        Err(Refusal::parameter("upid", "unable to parse worker upid"))
    }
}

fn upid_user(upid: &str) -> String {
    upid.split(':').nth(7).unwrap_or_default().into()
}

fn find<'a>(state: &'a State, node: &str, upid: &str) -> Option<&'a Task> {
    state
        .tasks
        .iter()
        .find(|task| task.upid == upid && task.node == node)
}

fn known<'a>(state: &'a State, call: &Call, upid: &str) -> Result<&'a Task, Refusal> {
    find(state, call.node(), upid).ok_or_else(|| Refusal::parameter("upid", "no such task"))
}

/// One's own task, or anybody's with the privilege on the node.
fn may_see(state: &State, call: &Call, owner: &str, privilege: &str) -> Result<(), Refusal> {
    let path = format!("/nodes/{}", call.node());
    if call.caller.owns(owner) || may(state, &call.caller, &path, privilege) {
        Ok(())
    } else {
        Err(Refusal::forbidden(&path, privilege))
    }
}
