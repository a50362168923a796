//! The tasks of a node as Proxmox lists them, what is remembered of such lists, and stopping one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::http::{Verb, Write};
use super::kept::Kept;
use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::task::TaskEnd;
use super::turns::Lane;
use super::{Client, Error};
use crate::action::{Right, TargetKey};
use crate::ids::{Kind, NodeName, Upid, Vmid};
use crate::permission::Permit;

/// Asked for of each node: enough for a list of fifteen, of which some are not for everybody.
const MOST: &str = "50";
/// How long a list serves everybody.
const AGE: Duration = Duration::from_secs(3);
/// While somebody types, an older one does; and one that could not be had is asked for no sooner.
const TYPING_REST: Duration = Duration::from_secs(10);
/// So many tasks are remembered.
const REMEMBERED: usize = 2000;

/// One task as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub upid: Upid,
    /// Unix seconds.
    pub started: i64,
    pub ended: Option<i64>,
    /// `None`: it runs.
    pub end: Option<TaskEnd>,
}

impl Listed {
    /// The guest that it is about, by its type and the id in its UPID. Ids of other tasks can be
    /// numbers too, so only types that are known to be about a guest count.
    #[must_use]
    pub fn guest(&self) -> Option<(Vmid, Option<Kind>)> {
        let kind = match self.upid.kind() {
            "vzdump" | "vncproxy" | "spiceproxy" | "move_volume" | "resize" => None,
            ha if ha.starts_with("ha") => None,
            vm if vm.starts_with("qm") => Some(Kind::Vm),
            ct if ct.starts_with("vz") => Some(Kind::Ct),
            _ => return None,
        };
        Some((self.upid.id().parse().ok()?, kind))
    }

    /// The guest that begins or ends with it, and the first second of which a task can be about the
    /// one that has the number afterwards. Failed or not: rather too late than too early. (A clone is
    /// a task of the guest that is copied.)
    fn tenure(&self) -> Option<(Vmid, i64)> {
        let since = match self.upid.kind() {
            "qmcreate" | "qmrestore" | "qmtunnel" | "vzcreate" | "vzrestore" | "vzmtunnel" => {
                self.started
            }
            "qmdestroy" | "vzdestroy" => self.started.saturating_add(1),
            _ => return None,
        };
        Some((self.upid.id().parse().ok()?, since))
    }
}

/// Since when each number is surely its guest's, as far as lists of tasks tell: before, it may have
/// been that of another.
#[derive(Debug, Clone, Default)]
pub struct Tenures(HashMap<Vmid, i64>);

impl Tenures {
    fn of<'a>(tasks: impl IntoIterator<Item = &'a Listed>) -> Self {
        let mut tenures: HashMap<Vmid, i64> = HashMap::new();
        for (vmid, since) in tasks.into_iter().filter_map(Listed::tenure) {
            let at = tenures.entry(vmid).or_insert(since);
            *at = since.max(*at);
        }
        Self(tenures)
    }

    /// Whether the task is older than the guest that has its number now.
    #[must_use]
    pub fn is_former(&self, task: &Listed) -> bool {
        let guest = task.guest();
        guest.is_some_and(|(vmid, _)| self.was_another(vmid, task.started))
    }

    /// Whether the number may have been another guest's then (unix seconds).
    #[must_use]
    pub fn was_another(&self, vmid: Vmid, then: i64) -> bool {
        self.0.get(&vmid).is_some_and(|since| then < *since)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    upid: Scalar,
    starttime: Scalar,
    endtime: Scalar,
    status: Scalar,
}

impl Row {
    /// Only what the node says of itself: a UPID names the node that can tell more.
    fn listed(&self, node: &NodeName) -> Option<Listed> {
        let upid: Upid = self.upid.parsed()?;
        let number = |scalar: &Scalar| scalar.whole().and_then(|n| i64::try_from(n).ok());
        let ended = number(&self.endtime);
        let end = match self.status.text() {
            // In lists the end stands where the state does.
            None if ended.is_none() => None,
            Some(word) if word == "RUNNING" || word == "running" => None,
            exit => Some(TaskEnd::read(exit.as_deref())),
        };
        (upid.node() == node).then_some(Listed {
            started: number(&self.starttime)?,
            upid,
            ended,
            end,
        })
    }
}

impl Client {
    /// The newest tasks of a node, or of one guest there; those that run come first. Without
    /// `Sys.Audit` on `/nodes/{node}` Proxmox lists the token's own alone, and does not say so.
    async fn tasks(&self, node: &NodeName, of: Option<Vmid>) -> Result<Vec<Listed>, Error> {
        let of = of.map(|vmid| vmid.to_string());
        let mut query = vec![("source", "all"), ("limit", MOST)];
        query.extend(of.as_deref().map(|vmid| ("vmid", vmid)));
        let path = ApiPath::new(&["nodes", node.as_str(), "tasks"]).query(&query);
        let rows: Vec<Object<Row>> = self.get_protected(Lane::Look(node), &path).await?;
        let read = |row: Object<Row>| row.0?.listed(node);
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Breaks a task off. Whether it ends, only its state tells. Needs nothing for the token's own
    /// tasks, else `Sys.Modify` on `/nodes/{node}`.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPermit`] unless `permit` is for that on `target`; else see
    /// [`Error::surely_not_done`].
    pub async fn stop_task(
        &self,
        permit: &Permit,
        target: TargetKey,
        upid: &Upid,
    ) -> Result<(), Error> {
        let write = Write {
            right: Right::TaskStop,
            target,
            verb: Verb::Delete,
            path: ApiPath::new(&["nodes", upid.node().as_str(), "tasks", upid.as_str()]),
            form: &[],
        };
        let _: IgnoredAny = self.write(permit, write).await?;
        Ok(())
    }
}

type Key = (NodeName, Option<Vmid>);

/// The lists of one cluster, each read once for all who ask, and the tasks that stood in them: only
/// such a task is ever asked about again, whatever somebody types.
#[derive(Debug)]
pub(super) struct TaskLists {
    lists: Kept<Key, Vec<Listed>>,
    seen: Arc<Mutex<HashMap<Upid, Listed>>>,
}

impl Default for TaskLists {
    fn default() -> Self {
        Self {
            lists: Kept::new(TYPING_REST),
            seen: Arc::default(),
        }
    }
}

impl TaskLists {
    pub(super) async fn get(
        &self,
        client: &Arc<Client>,
        node: &NodeName,
        of: Option<Vmid>,
    ) -> Result<Arc<Vec<Listed>>, Error> {
        let key = (node.clone(), of);
        let fetch = || self.fetch(client, &key);
        let got = self.lists.get(key.clone(), AGE, fetch).await;
        let held = got.map_err(|error| Error::clone(&error))?;
        // An end may have been seen since the list was read.
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let list = &held.value;
        if list.iter().all(|task| ended(&seen, task).is_none()) {
            return Ok(Arc::clone(list));
        }
        let newest = list.iter().map(|task| ended(&seen, task).unwrap_or(task));
        Ok(Arc::new(newest.cloned().collect()))
    }

    /// Without waiting for it.
    pub(super) fn refresh(&self, client: &Arc<Client>, node: &NodeName) {
        let key = (node.clone(), None);
        let fetch = || self.fetch(client, &key);
        drop(self.lists.now_and_later(key.clone(), fetch));
    }

    fn fetch(
        &self,
        client: &Arc<Client>,
        key: &Key,
    ) -> impl Future<Output = Result<Vec<Listed>, Error>> + Send + 'static {
        let (client, seen) = (Arc::clone(client), Arc::clone(&self.seen));
        let (node, of) = key.clone();
        async move {
            let list = client.tasks(&node, of).await?;
            remember(
                &mut seen.lock().unwrap_or_else(PoisonError::into_inner),
                &list,
            );
            Ok(list)
        }
    }

    /// What is known of it is newer than the list in which it stood.
    pub(super) fn note_end(&self, upid: &Upid, end: &TaskEnd) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.ok().and_then(|now| i64::try_from(now.as_secs()).ok());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = seen.get_mut(upid).filter(|task| task.end.is_none()) {
            task.end = Some(end.clone());
            task.ended = now;
        }
    }

    pub(super) fn tenures(&self) -> Tenures {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Tenures::of(seen.values())
    }

    /// All that stood in a list of late.
    pub(super) fn seen(&self) -> Vec<Listed> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.values().cloned().collect()
    }
}

/// What is known of a task that the list has as running. What has ended never runs again.
fn ended<'s>(seen: &'s HashMap<Upid, Listed>, task: &Listed) -> Option<&'s Listed> {
    let known = seen.get(&task.upid).filter(|known| known.end.is_some())?;
    task.end.is_none().then_some(known)
}

fn remember(seen: &mut HashMap<Upid, Listed>, list: &[Listed]) {
    for task in list {
        if ended(seen, task).is_none() {
            seen.insert(task.upid.clone(), task.clone());
        }
    }
    if seen.len() > REMEMBERED {
        // The oldest half goes at once, so that this is seldom done.
        let mut starts: Vec<i64> = seen.values().map(|task| task.started).collect();
        starts.sort_unstable();
        let oldest = starts[starts.len() - REMEMBERED / 2];
        seen.retain(|_, task| task.end.is_none() || task.started >= oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<Listed> {
        let rows: Vec<Object<Row>> = serde_json::from_str(json).unwrap();
        let node = "pve1".parse().unwrap();
        rows.into_iter()
            .filter_map(|row| row.0?.listed(&node))
            .collect()
    }

    fn upid(kind: &str, id: &str, number: u32) -> String {
        format!("UPID:pve1:0000{number:04X}:00000001:65000000:{kind}:{id}:root@pam:")
    }

    #[test]
    fn a_list_is_read_as_far_as_it_can_be() {
        let running = upid("vzdump", "", 1);
        let done = upid("qmstart", "101", 2);
        let archived = upid("qmstop", "101", 3);
        let elsewhere = done.replace("pve1", "pve2");
        let list = read(&format!(
            r#"[{{"upid":"{running}","starttime":"10","status":"RUNNING"}},
            {{"upid":"{done}","starttime":9,"endtime":12,"status":"WARNINGS: 2"}},
            {{"upid":"{archived}","starttime":8,"endtime":9,"status":"got timeout"}},
            {{"upid":"{elsewhere}","starttime":9,"endtime":12,"status":"OK"}},
            {{"upid":"nonsense","starttime":1}}, null, {{"upid":"{done}"}}]"#
        ));
        let ends: Vec<Option<TaskEnd>> = list.iter().map(|task| task.end.clone()).collect();
        assert_eq!(
            ends,
            [
                None,
                Some(TaskEnd::Warnings(2)),
                Some(TaskEnd::Failed("got timeout".to_owned()))
            ]
        );
        assert_eq!((list[0].started, list[1].ended), (10, Some(12)));
    }

    #[test]
    fn only_known_types_are_about_a_guest() {
        let guest = |kind: &str, id: &str| {
            let json = format!(r#"[{{"upid":"{}","starttime":1}}]"#, upid(kind, id, 1));
            read(&json)[0]
                .guest()
                .map(|(vmid, kind)| (vmid.get(), kind))
        };
        assert_eq!(guest("qmstart", "101"), Some((101, Some(Kind::Vm))));
        assert_eq!(guest("vzshutdown", "105"), Some((105, Some(Kind::Ct))));
        assert_eq!(guest("vzdump", "105"), Some((105, None)));
        assert_eq!(guest("hastart", "108"), Some((108, None)));
        assert_eq!(guest("vzdump", ""), None);
        assert_eq!(guest("cephdestroyosd", "101"), None);
        assert_eq!(guest("qmstart", "99"), None);
    }

    #[test]
    fn a_number_is_its_guests_since_the_newest_creation_or_deletion() {
        let task = |kind: &str, id: &str, started| Listed {
            upid: upid(kind, id, 1).parse().unwrap(),
            started,
            ended: None,
            end: None,
        };
        let all = [
            task("vzdestroy", "101", 10),
            task("qmcreate", "101", 20),
            task("vzdestroy", "105", 30),
            task("qmclone", "102", 40),
        ];
        let tenures = Tenures::of(&all);
        for (kind, id, started, former) in [
            ("qmstart", "101", 19, true),
            ("qmcreate", "101", 20, false),
            ("vzdump", "105", 30, true),
            ("vzdestroy", "105", 30, true),
            ("vzstart", "105", 31, false),
            // Its number is that of the guest that was copied.
            ("qmstart", "102", 1, false),
            ("aptupdate", "", 1, false),
        ] {
            let task = task(kind, id, started);
            assert_eq!(tenures.is_former(&task), former, "{kind} {id} {started}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_runs_stays() {
        let task = |n: u32, end: Option<TaskEnd>| Listed {
            upid: upid("qmstart", "101", n).parse().unwrap(),
            started: i64::from(n),
            ended: None,
            end,
        };
        let mut seen = HashMap::new();
        let mut list = vec![task(0, None)];
        list.extend((1..=2500).map(|n| task(n, Some(TaskEnd::Ok))));
        remember(&mut seen, &list);
        assert!(seen.len() <= REMEMBERED, "{}", seen.len());
        assert!(seen.contains_key(&list[0].upid) && seen.contains_key(&list[2500].upid));
        // A list that was read before the end of a task was seen brings it to life no more.
        remember(&mut seen, &[task(2500, None)]);
        assert_eq!(seen[&list[2500].upid].end, Some(TaskEnd::Ok));
    }
}
