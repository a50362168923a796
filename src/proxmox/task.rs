//! Tasks: how one goes, what it wrote, and following it to its true end.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::turns::Lane;
use super::{Client, Error};
use crate::ids::Upid;

/// Lines asked for at once; Proxmox's own default is 50.
const PAGE: u64 = 500;
/// A log is read for people: whoever needs more than this opens the web interface.
const MOST_PAGES: usize = 40;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    Running,
    Ended(TaskEnd),
}

/// How a task ended, from its `exitstatus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEnd {
    Ok,
    /// Done, with so many warnings in the log.
    Warnings(u32),
    /// In Proxmox's words.
    Failed(String),
    /// It is over and nobody knows how: only a look at the guest tells.
    Unexpected,
    /// Somebody stopped it.
    Aborted,
}

impl TaskEnd {
    /// The deed was done.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        matches!(self, Self::Ok | Self::Warnings(_))
    }

    pub(super) fn read(exit: Option<&str>) -> Self {
        let Some(exit) = exit.map(str::trim) else {
            return Self::Unexpected;
        };
        if let Some(count) = exit.strip_prefix("WARNINGS:") {
            return Self::Warnings(count.trim().parse().unwrap_or(1));
        }
        match exit {
            "OK" => Self::Ok,
            "received interrupt" => Self::Aborted,
            "" | "unexpected status" => Self::Unexpected,
            lost if lost.starts_with("unable to get last line from task log") => Self::Unexpected,
            failed => Self::Failed(failed.to_owned()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    Ended(TaskEnd),
    /// The end was not seen. The task may go on, and may have done all or nothing.
    Lost,
}

/// How long to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Without any answer about the task.
    pub silence: Duration,
    /// In all.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            silence: Duration::from_mins(2),
            whole: Duration::from_hours(1),
        }
    }
}

/// Follows a task to its end. A look that fails is not the task's failure: the next one may tell.
///
/// Dropping the future stops following, never the task.
pub async fn follow(client: &Client, upid: &Upid, patience: Patience) -> Followed {
    let started = Instant::now();
    let mut heard = started;
    let mut waits = [500, 1000, 2000].map(Duration::from_millis).into_iter();
    loop {
        sleep(waits.next().unwrap_or(Duration::from_secs(5))).await;
        let left = patience.silence.saturating_sub(heard.elapsed());
        let left = left.min(patience.whole.saturating_sub(started.elapsed()));
        if left.is_zero() {
            return Followed::Lost;
        }
        // A look that hangs must not outlast the patience.
        match tokio::time::timeout(left, client.task_status(upid)).await {
            Ok(Ok(TaskState::Ended(end))) => return Followed::Ended(end),
            Ok(Ok(TaskState::Running)) => heard = Instant::now(),
            Ok(Err(error)) => tracing::debug!(%upid, %error, "no word of the task"),
            Err(_) => tracing::debug!(%upid, "no word of the task in time"),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusRow {
    status: Scalar,
    exitstatus: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LineRow {
    n: Scalar,
    t: Scalar,
}

impl Client {
    /// Asks the task's own node. Allowed for the token's own tasks.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`]. None of them says anything about the task.
    pub async fn task_status(&self, upid: &Upid) -> Result<TaskState, Error> {
        self.status_in(Lane::Act(upid.node()), upid).await
    }

    /// The same for somebody who only looks.
    ///
    /// # Errors
    ///
    /// The same.
    pub(super) async fn task_status_to_read(&self, upid: &Upid) -> Result<TaskState, Error> {
        self.status_in(Lane::Look(upid.node()), upid).await
    }

    async fn status_in(&self, lane: Lane<'_>, upid: &Upid) -> Result<TaskState, Error> {
        let path = task_path(upid, "status");
        let row: StatusRow = self.get_protected(lane, &path).await?;
        match row.status.text().as_deref() {
            Some("running") => Ok(TaskState::Running),
            Some("stopped") => {
                let exit = row.exitstatus.text();
                Ok(TaskState::Ended(TaskEnd::read(exit.as_deref())))
            }
            _ => Err(Error::BadReply(
                "a task that neither runs nor stopped".to_owned(),
            )),
        }
    }

    /// What the task wrote after its first `seen` lines, as far as one page goes.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn task_log_after(&self, upid: &Upid, seen: usize) -> Result<Vec<String>, Error> {
        let (start, limit) = (seen.to_string(), PAGE.to_string());
        let path = task_path(upid, "log").query(&[("start", &start), ("limit", &limit)]);
        let (page, _): (Vec<Object<LineRow>>, _) =
            self.get_page(Lane::Act(upid.node()), &path).await?;
        Ok(page.into_iter().filter_map(|row| line(&row.0?)).collect())
    }

    /// The last `last` lines of what the task wrote, oldest first. Empty if it wrote nothing.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn task_log(&self, upid: &Upid, last: usize) -> Result<Vec<String>, Error> {
        self.log_in(Lane::Act(upid.node()), upid, last).await
    }

    /// The same for somebody who only looks: acts do not wait behind it.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn task_log_to_read(&self, upid: &Upid, last: usize) -> Result<Vec<String>, Error> {
        self.log_in(Lane::Look(upid.node()), upid, last).await
    }

    async fn log_in(&self, lane: Lane<'_>, upid: &Upid, last: usize) -> Result<Vec<String>, Error> {
        let mut lines = VecDeque::new();
        let mut start = 0;
        for _ in 0..MOST_PAGES {
            let (at, limit) = (start.to_string(), PAGE.to_string());
            let path = task_path(upid, "log").query(&[("start", &at), ("limit", &limit)]);
            let (page, total): (Vec<Object<LineRow>>, _) = self.get_page(lane, &path).await?;
            let rows = page.len() as u64;
            lines.extend(page.into_iter().filter_map(|row| line(&row.0?)));
            while lines.len() > last {
                lines.pop_front();
            }
            start += rows;
            // With a known length, what nobody asked for is skipped.
            let skipped = total.map(|total| total.saturating_sub(last as u64));
            start = start.max(skipped.unwrap_or(0));
            if rows < PAGE || total.is_some_and(|total| start >= total) {
                break;
            }
        }
        Ok(lines.into())
    }
}

fn task_path(upid: &Upid, last: &str) -> ApiPath {
    ApiPath::new(&["nodes", upid.node().as_str(), "tasks", upid.as_str(), last])
}

/// An empty log arrives as one line that says so.
fn line(row: &LineRow) -> Option<String> {
    let text = row.t.text().unwrap_or_default();
    let nothing = row.n.whole() == Some(1) && text == "no content";
    (!nothing).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_apart() {
        let read = |exit| TaskEnd::read(Some(exit));
        assert_eq!(read("OK"), TaskEnd::Ok);
        assert_eq!(read("WARNINGS: 3"), TaskEnd::Warnings(3));
        assert!(read("WARNINGS: 3").succeeded() && !read("unexpected status").succeeded());
        assert_eq!(read("unexpected status"), TaskEnd::Unexpected);
        assert_eq!(
            read("unable to get last line from task log - x"),
            TaskEnd::Unexpected
        );
        assert_eq!(read("received interrupt"), TaskEnd::Aborted);
        assert_eq!(
            read("VM is locked (backup)"),
            TaskEnd::Failed("VM is locked (backup)".to_owned())
        );
        assert_eq!(TaskEnd::read(None), TaskEnd::Unexpected);
    }

    #[test]
    fn an_empty_log_has_no_lines() {
        let row = |json| serde_json::from_str::<LineRow>(json).unwrap();
        assert_eq!(line(&row(r#"{"n":1,"t":"no content"}"#)), None);
        assert_eq!(
            line(&row(r#"{"n":2,"t":"no content"}"#)).as_deref(),
            Some("no content")
        );
        assert_eq!(line(&row(r#"{"n":"3","t":""}"#)).as_deref(), Some(""));
    }
}
