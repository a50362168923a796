//! Buttons carry their action in Discord's `custom_id`: versioned, short, and read with suspicion.
//!
//! Whatever stands in it comes back through anybody's client. It only names what is asked; who asks
//! and whether they may is decided at every press.

use crate::action::{
    Action, AuditPage, BackupMode, Deed, LogPart, NamedTask, NodePower, NoticeId, QuestionId,
    Right, Ruling, TaskId, TasksOf, Unclear, Yes,
};
use crate::ids::{BadId, GrantId, Kind, NodeQuery, RequestId, StorageName, UserId};

/// Raised when the meaning of a word changes: presses of older buttons are then not understood,
/// rather than misunderstood.
const VERSION: &str = "1";

/// Discord's limit.
const MOST: usize = 100;

/// The custom id of a button. `None` where the action has none: nobody presses what was not
/// understood, and names too long for Discord are left to the commands.
pub(super) fn encode(action: &Action) -> Option<String> {
    let words = match action {
        Action::Status(None) => "summary".to_owned(),
        Action::Status(Some(cluster)) => format!("summary:{cluster}"),
        Action::NodeList => "nodes".to_owned(),
        Action::NodeStatus(node) => format!("n:{node}"),
        Action::GuestList(kind) => format!("list:{}", kind.key()),
        Action::GuestStatus { guest, .. } => format!("status:{guest}"),
        Action::Do { deed, guest, .. } => format!("{}:{guest}", deed.word()),
        Action::SnapshotList(guest) => format!("snapshots:{guest}"),
        Action::TakeSnapshot { guest, ram } => {
            let ram = if *ram { "ram" } else { "-" };
            format!("take:{ram}:{guest}")
        }
        Action::BackupList { guest, after } => format!("backups:{after}:{guest}"),
        Action::BackUp { guest, mode } => format!("backup:{}:{guest}", mode.key()),
        Action::SnapshotFirst(QuestionId(id)) => format!("first:{id:016x}"),
        // One letter each: then the longest names fit.
        Action::NodeDo { power, node } => format!("{}:{node}", node_power_word(*power)),
        Action::StorageList { node, storage } => storages(node.as_ref(), storage.as_ref()),
        Action::TaskList(TasksOf::All) => "tasks".to_owned(),
        Action::TaskList(TasksOf::Node(node)) => format!("t:{node}"),
        Action::TaskList(TasksOf::Guest(guest)) => format!("tasks:{guest}"),
        // UPIDs are longer than an id may be.
        Action::TaskLog { task, part } => of_task(log_word(*part), *task)?,
        Action::TaskStop(task) => of_task("end", *task)?,
        Action::Notify(NoticeId(id)) => format!("tell:{id:016x}"),
        Action::Confirm(QuestionId(id)) => format!("yes:{id:016x}"),
        Action::Cancel(QuestionId(id)) => format!("no:{id:016x}"),
        Action::Ask { deed, guest } => format!("ask:{}:{guest}", deed.word()),
        Action::Rule { request, ruling } => format!("{}:{}", ruling_word(ruling), request.0),
        Action::Decline(request) => format!("why:{}", request.0),
        Action::Revoke(grant) => format!("revoke:{}", grant.0),
        Action::Audit(page) => audit(page),
        Action::Whoami => "whoami".to_owned(),
        Action::Help => "help".to_owned(),
        // What takes words or people is typed.
        Action::Why { .. }
        | Action::AccessList { .. }
        | Action::Grant { .. }
        | Action::Lockdown { .. }
        | Action::Several { .. }
        | Action::Token(_)
        | Action::Unclear(_) => return None,
    };
    let id = format!("{VERSION}:{words}");
    (id.len() <= MOST).then_some(id)
}

/// What a pressed button asks for. Anything that [`encode`] would not have written is unclear.
pub(super) fn decode(id: &str) -> Action {
    read(id).unwrap_or(Action::Unclear(Unclear::Button))
}

fn read(id: &str) -> Option<Action> {
    let words = id.strip_prefix(VERSION)?.strip_prefix(':')?;
    let (verb, rest) = match words.split_once(':') {
        Some((verb, rest)) => (verb, Some(rest)),
        None => (words, None),
    };
    match (verb, rest) {
        ("summary", None) => Some(Action::Status(None)),
        ("summary", Some(cluster)) => exact(cluster).map(|name| Action::Status(Some(name))),
        ("nodes", None) => Some(Action::NodeList),
        ("whoami", None) => Some(Action::Whoami),
        ("help", None) => Some(Action::Help),
        ("n", Some(node)) => exact(node).map(Action::NodeStatus),
        ("storages" | "s" | "store", rest) => storage_list(verb, rest),
        ("tasks", None) => Some(Action::TaskList(TasksOf::All)),
        ("t", Some(node)) => Some(Action::TaskList(TasksOf::Node(exact(node)?))),
        ("tasks", Some(guest)) => Some(Action::TaskList(TasksOf::Guest(exact(guest)?))),
        ("tell", Some(id)) => hex16(id).map(NoticeId).map(Action::Notify),
        ("end", Some(task)) => task_id(task).map(Action::TaskStop),
        (word, Some(task)) if log_part(word).is_some() => Some(Action::TaskLog {
            task: task_id(task)?,
            part: log_part(word)?,
        }),
        (word, Some(node)) if node_power(word).is_some() => Some(Action::NodeDo {
            power: node_power(word)?,
            node: exact(node)?,
        }),
        ("list", Some("vm")) => Some(Action::GuestList(Kind::Vm)),
        ("list", Some("ct")) => Some(Action::GuestList(Kind::Ct)),
        ("status", Some(guest)) => {
            exact(guest).map(|guest| Action::GuestStatus { kind: None, guest })
        }
        ("yes", Some(question)) => question_id(question).map(Action::Confirm),
        ("no", Some(question)) => question_id(question).map(Action::Cancel),
        ("first" | "snapshots" | "take" | "backups" | "backup", Some(rest)) => copies(verb, rest),
        ("ask", Some(rest)) => {
            let (deed, guest) = rest.rsplit_once(':')?;
            let (deed, guest) = (Deed::from_word(deed)?, exact(guest)?);
            Some(Action::Ask { deed, guest })
        }
        ("audit", Some(page)) => audit_page(page).map(Action::Audit),
        ("revoke", Some(grant)) => number(grant).map(GrantId).map(Action::Revoke),
        ("why", Some(request)) => number(request).map(RequestId).map(Action::Decline),
        (verb, Some(request)) if ruling(verb).is_some() => Some(Action::Rule {
            request: RequestId(number(request)?),
            ruling: ruling(verb)?,
        }),
        (_, Some(_)) => {
            let (deed, guest) = words.rsplit_once(':')?;
            Some(Action::Do {
                deed: Deed::from_word(deed)?,
                kind: None,
                guest: exact(guest)?,
            })
        }
        _ => None,
    }
}

fn storages(node: Option<&NodeQuery>, storage: Option<&StorageName>) -> String {
    match (node, storage) {
        (None, None) => "storages".to_owned(),
        (Some(node), None) => format!("s:{node}"),
        (None, Some(storage)) => format!("store:{storage}"),
        (Some(node), Some(storage)) => format!("store:{storage}:{node}"),
    }
}

fn storage_list(verb: &str, rest: Option<&str>) -> Option<Action> {
    let (node, storage) = match (verb, rest) {
        ("storages", None) => (None, None),
        ("s", Some(node)) => (Some(exact(node)?), None),
        ("store", Some(rest)) => match rest.split_once(':') {
            Some((storage, node)) => (Some(exact(node)?), Some(exact(storage)?)),
            None => (None, Some(exact(rest)?)),
        },
        _ => return None,
    };
    Some(Action::StorageList { node, storage })
}

/// What is asked about snapshots and backups, and is not already one deed.
fn copies(verb: &str, rest: &str) -> Option<Action> {
    match (verb, rest) {
        ("first", question) => question_id(question).map(Action::SnapshotFirst),
        ("snapshots", guest) => exact(guest).map(Action::SnapshotList),
        ("take", rest) => {
            let (ram, guest) = rest.split_once(':')?;
            Some(Action::TakeSnapshot {
                guest: exact(guest)?,
                ram: set(ram, |word| (word == "ram").then_some(()))
                    .ok()?
                    .is_some(),
            })
        }
        ("backups", rest) => {
            let (after, guest) = rest.split_once(':')?;
            Some(Action::BackupList {
                guest: exact(guest)?,
                after: exact(after)?,
            })
        }
        ("backup", rest) => {
            let (mode, guest) = rest.split_once(':')?;
            Some(Action::BackUp {
                guest: exact(guest)?,
                mode: BackupMode::ALL.into_iter().find(|m| m.key() == mode)?,
            })
        }
        _ => None,
    }
}

/// `before:user:guest:right:refused:since`, numbers in hexadecimal, `-` for what is not set.
fn audit(page: &AuditPage) -> String {
    let hex = |number: Option<u64>| number.map_or("-".to_owned(), |number| format!("{number:x}"));
    let signed = |number: Option<i64>| hex(number.map(i64::cast_unsigned));
    [
        "audit".to_owned(),
        signed(page.before),
        hex(page.user.map(|user| user.0)),
        page.guest
            .as_ref()
            .map_or("-".to_owned(), ToString::to_string),
        page.right.map_or("-", Right::key).to_owned(),
        match page.refused {
            Some(true) => "r",
            Some(false) => "n",
            None => "-",
        }
        .to_owned(),
        signed(page.since),
    ]
    .join(":")
}

fn audit_page(text: &str) -> Option<AuditPage> {
    let fields: Vec<&str> = text.split(':').collect();
    let [before, user, guest, right, refused, since] = fields[..] else {
        return None;
    };
    let hex = |text: &str| {
        let number = u64::from_str_radix(text, 16).ok()?;
        (format!("{number:x}") == text).then_some(number)
    };
    let signed = |text: &str| hex(text).map(u64::cast_signed);
    Some(AuditPage {
        before: set(before, signed).ok()?,
        user: set(user, |text| hex(text).map(UserId)).ok()?,
        guest: set(guest, exact).ok()?,
        right: set(right, |word| {
            Right::ALL.into_iter().find(|right| right.key() == word)
        })
        .ok()?,
        refused: set(refused, |word| match word {
            "r" => Some(true),
            "n" => Some(false),
            _ => None,
        })
        .ok()?,
        since: set(since, signed).ok()?,
    })
}

/// `-` is nothing; anything else must be read.
fn set<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, BadId> {
    match text {
        "-" => Ok(None),
        text => read(text).map(Some).ok_or(BadId::Guest),
    }
}

fn node_power_word(power: NodePower) -> &'static str {
    match power {
        NodePower::Reboot => "b",
        NodePower::Shutdown => "d",
        NodePower::Wake => "w",
    }
}

fn node_power(word: &str) -> Option<NodePower> {
    NodePower::ALL
        .into_iter()
        .find(|power| node_power_word(*power) == word)
}

fn ruling_word(ruling: &Ruling) -> &'static str {
    match ruling {
        Ruling::Yes(yes) => yes.key(),
        Ruling::No(_) => "decline",
    }
}

/// The reason for a no comes beside the id, in the form's own field.
fn ruling(word: &str) -> Option<Ruling> {
    let yes = Yes::ALL.into_iter().map(Ruling::Yes);
    yes.chain([Ruling::No(None)])
        .find(|ruling| ruling_word(ruling) == word)
}

/// A number of the store's: from 1, without signs or leading zeros.
fn number(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok().filter(|number| *number > 0)?;
    (number.to_string() == text).then_some(number)
}

/// Parsing trims what people type; a custom id was written by us, so it must match to the letter.
fn exact<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse::<T>()
        .ok()
        .filter(|parsed| parsed.to_string() == text)
}

fn question_id(text: &str) -> Option<QuestionId> {
    hex16(text).map(QuestionId)
}

/// A row's number is typed: a button would outlive its list.
fn of_task(verb: &str, task: NamedTask) -> Option<String> {
    match task {
        NamedTask::Id(TaskId(id)) => Some(format!("{verb}:{id:016x}")),
        NamedTask::Row(_) => None,
    }
}

fn task_id(text: &str) -> Option<NamedTask> {
    hex16(text).map(|id| NamedTask::Id(TaskId(id)))
}

fn hex16(text: &str) -> Option<u64> {
    let number = u64::from_str_radix(text, 16).ok()?;
    (format!("{number:016x}") == text).then_some(number)
}

fn log_word(part: LogPart) -> &'static str {
    match part {
        LogPart::End => "log",
        LogPart::More => "log-more",
        LogPart::Whole => "log-all",
    }
}

fn log_part(word: &str) -> Option<LogPart> {
    LogPart::ALL
        .into_iter()
        .find(|part| log_word(*part) == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Power;
    use crate::ids::GuestQuery;

    fn guest(text: &str) -> GuestQuery {
        text.parse().unwrap()
    }

    #[test]
    fn every_action_comes_back_as_it_went() {
        let mut actions = vec![
            Action::Status(None),
            Action::Status(Some("home".parse().unwrap())),
            Action::NodeList,
            Action::NodeStatus("home/pve1".parse().unwrap()),
            Action::GuestList(Kind::Vm),
            Action::GuestList(Kind::Ct),
            Action::GuestStatus {
                kind: None,
                guest: guest("home/101"),
            },
            Action::Confirm(QuestionId(0)),
            Action::Confirm(QuestionId(u64::MAX)),
            Action::Cancel(QuestionId(0xdead_beef)),
            Action::Ask {
                deed: Power::Start.into(),
                guest: guest("home/105"),
            },
            Action::Decline(RequestId(7)),
            Action::Revoke(GrantId(i64::MAX)),
            Action::Audit(AuditPage::default()),
            Action::Audit(AuditPage {
                user: Some(UserId(u64::MAX)),
                guest: Some(guest("home/999999999")),
                right: Some(Right::Shutdown),
                refused: Some(true),
                since: Some(1_795_525_985),
                before: Some(4_000_000),
            }),
            Action::Whoami,
            Action::Help,
        ];
        for ruling in Yes::ALL
            .map(Ruling::Yes)
            .into_iter()
            .chain([Ruling::No(None)])
        {
            let request = RequestId(12);
            actions.push(Action::Rule { request, ruling });
        }
        actions.extend(Power::ALL.map(|power| Action::Do {
            deed: power.into(),
            kind: None,
            guest: guest("home/valheim"),
        }));
        let snapshot = || Deed::from_word("snapshot.create:before-update+ram").unwrap();
        actions.push(Action::Do {
            deed: snapshot(),
            kind: None,
            guest: guest("home/101"),
        });
        actions.push(Action::Ask {
            deed: snapshot(),
            guest: guest("home/101"),
        });
        for action in actions {
            let id = encode(&action).unwrap();
            assert!(id.len() <= MOST, "{id}");
            assert_eq!(decode(&id), action, "{id}");
        }
    }

    #[test]
    fn all_but_refusals_come_back_as_they_went() {
        let page = AuditPage {
            refused: Some(false),
            ..AuditPage::default()
        };
        let id = encode(&Action::Audit(page.clone())).unwrap();
        assert_eq!(decode(&id), Action::Audit(page));
    }

    #[test]
    fn snapshots_and_backups_come_back_as_they_went() {
        for action in [
            Action::SnapshotList(guest("home/101")),
            Action::TakeSnapshot {
                guest: guest("home/101"),
                ram: true,
            },
            Action::TakeSnapshot {
                guest: guest("valheim"),
                ram: false,
            },
            Action::SnapshotFirst(QuestionId(0xbeef)),
            Action::BackupList {
                guest: guest("home/101"),
                after: 0,
            },
            Action::BackupList {
                guest: guest("101"),
                after: u16::MAX,
            },
            Action::BackUp {
                guest: guest("home/101"),
                mode: BackupMode::Stop,
            },
        ] {
            let id = encode(&action).unwrap();
            assert_eq!(decode(&id), action, "{id}");
        }
        for id in [
            "1:snapshots:",
            "1:take:101",
            "1:take:RAM:101",
            "1:backups:101",
            "1:backups:-1:101",
            "1:backups:65536:101",
            "1:backups:01:101",
            "1:backup:101",
            "1:backup:fast:101",
            "1:first:1",
        ] {
            assert_eq!(decode(id), Action::Unclear(Unclear::Button), "{id:?}");
        }
    }

    #[test]
    fn ids_are_short_and_readable() {
        let start = Action::Do {
            deed: Power::Start.into(),
            kind: Some(Kind::Vm),
            guest: guest("home/101"),
        };
        assert_eq!(encode(&start).unwrap(), "1:start:home/101");
        assert_eq!(
            encode(&Action::Confirm(QuestionId(1))).unwrap(),
            "1:yes:0000000000000001"
        );
    }

    #[test]
    fn what_concerns_nodes_and_tasks_comes_back_as_it_went() {
        let mut actions = vec![
            storage_list("storages", None).unwrap(),
            storage_list("s", Some("home/pve1")).unwrap(),
            storage_list("store", Some("nas")).unwrap(),
            storage_list("store", Some("local-zfs.2:home/pve1")).unwrap(),
            Action::TaskList(TasksOf::All),
            Action::TaskList(TasksOf::Node("home/pve1".parse().unwrap())),
            Action::TaskList(TasksOf::Guest(guest("home/101"))),
            Action::TaskStop(NamedTask::Id(TaskId(7))),
            Action::Notify(NoticeId(u64::MAX)),
        ];
        actions.extend(NodePower::ALL.map(|power| Action::NodeDo {
            power,
            node: "home/pve1".parse().unwrap(),
        }));
        actions.extend(LogPart::ALL.map(|part| Action::TaskLog {
            task: NamedTask::Id(TaskId(0xdead_beef)),
            part,
        }));
        for action in actions {
            assert_eq!(decode(&encode(&action).unwrap()), action);
        }
        let typed = Action::TaskStop(NamedTask::Row(2));
        assert_eq!(encode(&typed), None, "a row is of no list on a button");
        for id in [
            "1:b:",
            "1:d:home/",
            "1:w:pve1:",
            "1:s:",
            "1:storages:",
            "1:store",
            "1:store:",
            "1:store:x",
            "1:store:nas:",
            "1:store:nas:pve1:",
            "1:store::pve1",
            "1:t: pve1",
            "1:tasks:",
            "1:log:1",
            "1:log:000000000000000G",
            "1:log-more:",
            "1:end:+00000000000000f",
            "1:tell:1",
        ] {
            assert_eq!(decode(id), Action::Unclear(Unclear::Button), "{id:?}");
        }
    }

    #[test]
    fn the_longest_names_fit() {
        let cluster = format!("a{}", "b".repeat(31));
        let node: NodeQuery = format!("{cluster}/{}", "n".repeat(63)).parse().unwrap();
        let mut about_nodes = vec![
            Action::NodeStatus(node.clone()),
            Action::StorageList {
                node: Some(node.clone()),
                storage: None,
            },
            Action::TaskList(TasksOf::Node(node.clone())),
        ];
        about_nodes.extend(NodePower::ALL.map(|power| Action::NodeDo {
            power,
            node: node.clone(),
        }));
        for action in about_nodes {
            assert_eq!(encode(&action).unwrap().len(), MOST);
        }
        let biggest = guest(&format!("{cluster}/999999999"));
        let shutdown = Action::Do {
            deed: Power::Shutdown.into(),
            kind: None,
            guest: biggest,
        };
        assert!(encode(&shutdown).is_some());
    }

    #[test]
    fn what_has_no_id_gets_none() {
        assert_eq!(encode(&Action::Unclear(Unclear::Button)), None);
        let long = format!("a{}/{}", "b".repeat(31), "g".repeat(63));
        let shutdown = Action::Do {
            deed: Power::Shutdown.into(),
            kind: None,
            guest: guest(&long),
        };
        assert_eq!(encode(&shutdown), None);
    }

    #[test]
    fn forged_and_old_ids_are_unclear_and_never_panic() {
        let long = "9".repeat(5000);
        for id in [
            "",
            "1",
            "1:",
            "1::",
            ":",
            "2:summary",
            "01:summary",
            "1:summary:",
            "1:Start:home/101",
            "1:start",
            "1:start:",
            "1:start:../../x",
            "1:start: 101",
            "1:start:0101",
            "1:start:101:",
            "1:start:home/101/x",
            "1:list:",
            "1:list:qemu",
            "1:yes:1",
            "1:yes:000000000000000G",
            "1:yes:+00000000000000f",
            "1:yes:00000000000000FF",
            "1:no:00000000000000000",
            "1:n:",
            "1:n:home/",
            "1:once:",
            "1:once:0",
            "1:once:-1",
            "1:once:01",
            "1:hour:9223372036854775808",
            "1:decline:1:x",
            "1:revoke:+1",
            "1:audit:",
            "1:audit:-:-:-:-:-",
            "1:audit:x:-:-:-:-:-",
            "1:audit:-:-:-:fly:-:-",
            "1:audit:-:-:../1:-:-:-",
            "1:audit:-:-:-:-:R:-",
            "1:audit:0a:-:-:-:-:-",
            "1:ask:start",
            "1:ask:fly:101",
            "1:ask:start:101:x",
            "💥",
            "1:💥:101",
            "1:status:💥",
            "1:start:10\u{0}1",
            &long,
        ] {
            assert_eq!(decode(id), Action::Unclear(Unclear::Button), "{id:?}");
        }
    }
}
