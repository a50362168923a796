//! What Proxmox does and did.

use crate::action::{Action, LogPart, Right, TasksOf};
use crate::command::option::{Field, Opt};

use super::{Row, maybe, opt};

const TASK: Opt = opt(
    "task",
    "Its number in your newest list, or one that appears while you type",
    Field::Task,
);

pub(super) const ROWS: &[Row] = &[
    Row {
        path: &["task", "list"],
        help: "What runs in Proxmox, and what ran of late",
        options: &[
            maybe("guest", "Only of this guest", Field::Guest(None)),
            maybe("node", "Only on this node", Field::Node),
        ],
        right: Some(Right::TaskView),
        action: |given| {
            let guest = given.guest().map(TasksOf::Guest);
            let of = guest.or_else(|| given.node().map(TasksOf::Node));
            Some(Action::TaskList(of.unwrap_or(TasksOf::All)))
        },
    },
    Row {
        path: &["task", "log"],
        help: "What a task wrote",
        options: &[TASK],
        right: Some(Right::TaskView),
        action: |given| {
            Some(Action::TaskLog {
                task: given.task()?,
                part: LogPart::End,
            })
        },
    },
    Row {
        path: &["task", "stop"],
        help: "Break off a task that runs",
        options: &[TASK],
        right: Some(Right::TaskStop),
        action: |given| given.task().map(Action::TaskStop),
    },
];
