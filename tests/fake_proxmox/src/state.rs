//! Everything the cluster knows, behind one lock; requests and tests see it one at a time.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use crate::access::Caller;
use crate::backup::Job;
use crate::certs::Certificate;
use crate::faults::Fault;
use crate::guest::{Guest, Kind};
use crate::ha::HaRule;
use crate::history;
use crate::marked;
use crate::node::Node;
use crate::node_power::NodeChange;
use crate::power;
use crate::pveum;
use crate::record::Recorded;
use crate::setup::{BackupJob, Clock, Setup};
use crate::storage::{self as backups, Storage};
use crate::tasks::{self, Effect, End, Task};
use crate::text;
use crate::users::UserCfg;

#[allow(clippy::struct_excessive_bools)]
pub(crate) struct State {
    pub name: String,
    pub version: (u8, u8),
    pub standalone: bool,
    pub quorate: bool,
    pub shutdown_policy: Option<String>,
    pub ha_rules: Vec<HaRule>,
    /// HA guests that had to leave their node, and which that is.
    pub displaced: BTreeMap<u32, String>,
    pub clock: Clock,
    pub unauthorized_delay: Duration,
    pub ha_delay: Duration,
    pub agent_wait: Duration,
    /// How long the answer to the request at hand takes.
    pub late: Duration,
    /// In the order of the setup: node ids count from it.
    pub nodes: Vec<Node>,
    pub guests: BTreeMap<u32, Guest>,
    pub storages: Vec<Storage>,
    pub cfg: UserCfg,
    /// What is to be backed up by itself; never run here.
    pub backup_jobs: Vec<BackupJob>,
    /// Running `vzdump` tasks, oldest first.
    pub jobs: Vec<Job>,
    pub tasks: Vec<Task>,
    /// Tasks that mark their guest, while they run.
    pub marking: Vec<marked::Job>,
    pub faults: Vec<Fault>,
    pub requests: VecDeque<Recorded>,
    /// How many of them are kept.
    pub remember: usize,
    pub ca: Certificate,
    pub certs: HashMap<String, Certificate>,
    /// HA guests with a request that is not carried out yet.
    pub ha_due: HashMap<u32, Instant>,
    /// Nodes whose API server is stopped while the node itself is up.
    pub closed: HashSet<String>,
    /// Nodes that will go down or come back.
    pub node_due: Vec<NodeChange>,
    /// Broken by name, to be mended with the faults.
    pub broken_node: bool,
    pub broken_quorum: bool,
    pub began: Instant,
    /// How many secrets were made.
    pub secrets: u32,
    next_pid: u32,
}

impl State {
    pub fn new(setup: &Setup, ca: Certificate, certs: HashMap<String, Certificate>) -> State {
        let mut state = State {
            name: setup.name.clone(),
            version: setup.version,
            standalone: setup.standalone,
            quorate: setup.quorate,
            shutdown_policy: setup.shutdown_policy.clone(),
            ha_rules: setup.ha_rules.clone(),
            displaced: BTreeMap::new(),
            clock: setup.clock,
            unauthorized_delay: setup.unauthorized_delay,
            ha_delay: setup.ha_delay,
            agent_wait: setup.agent_wait,
            late: Duration::ZERO,
            nodes: (1..)
                .zip(&setup.nodes)
                .map(|(number, name)| {
                    let mut node = Node::new(name, number);
                    node.wol = setup.wol.get(name).cloned();
                    node.updates = setup.updates.get(name).cloned().unwrap_or_default();
                    node
                })
                .collect(),
            guests: setup.guests.iter().map(|g| (g.vmid, g.clone())).collect(),
            storages: setup.storages.clone(),
            cfg: UserCfg::new(setup),
            backup_jobs: setup.backup_jobs.clone(),
            jobs: Vec::new(),
            tasks: Vec::new(),
            marking: Vec::new(),
            faults: Vec::new(),
            requests: VecDeque::new(),
            remember: setup.remember,
            ca,
            certs,
            ha_due: HashMap::new(),
            closed: HashSet::new(),
            node_due: Vec::new(),
            broken_node: false,
            broken_quorum: false,
            began: Instant::now(),
            secrets: 0,
            next_pid: 0x0001_C5A1,
        };
        for line in &setup.typed {
            if let Err(text) = pveum::run(&mut state, &Caller::root(), line) {
                panic!("{line}\n{text}");
            }
        }
        state.cfg.fill(setup);
        for past in &setup.history {
            history::add(&mut state, past);
        }
        for (storage, backup) in &setup.backups {
            backups::add(&mut state, storage, backup.clone());
        }
        state
    }

    /// At least this version: what came later is left out by older ones.
    pub fn since(&self, major: u8, minor: u8) -> bool {
        self.version >= (major, minor)
    }

    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The guest if it is of that kind and on that node, as the configuration file's path demands.
    pub fn guest_on(&self, node: &str, kind: Kind, vmid: u32) -> Option<&Guest> {
        self.guests
            .get(&vmid)
            .filter(|guest| guest.kind == kind && guest.node == node)
    }

    /// Where the guests' disks are: the first storage that holds any.
    pub fn disk_storage(&self) -> Option<&String> {
        let first = self.storages.iter().find(|storage| storage.holds("images"));
        first.map(|storage| &storage.name)
    }

    /// The volume that is the guest's disk.
    pub fn disk(&self, guest: &Guest) -> String {
        let storage = self.disk_storage().map_or("local", String::as_str);
        format!("{storage}:vm-{}-disk-0", guest.vmid)
    }

    /// A line for a task's log.
    pub fn log(&mut self, upid: &str, line: &str) {
        if let Some(task) = self.tasks.iter_mut().find(|task| task.upid == upid) {
            task.log.push(line.into());
        }
    }

    /// Keeps a request for tests to look at, and forgets the oldest beyond the limit.
    pub fn record(&mut self, request: Recorded) {
        self.requests.push_back(request);
        while self.requests.len() > self.remember {
            self.requests.pop_front();
        }
    }

    pub fn mend(&mut self) {
        self.faults.clear();
        self.mend_quorum();
        self.mend_node();
    }

    /// False when it was not broken by name.
    pub fn mend_quorum(&mut self) -> bool {
        self.quorate |= self.broken_quorum;
        std::mem::take(&mut self.broken_quorum)
    }

    pub fn mend_node(&mut self) -> bool {
        if let (true, Some(last)) = (self.broken_node, self.nodes.last_mut()) {
            last.online = true;
        }
        std::mem::take(&mut self.broken_node)
    }

    /// Begins a task that ends as `end` says and answers its UPID.
    pub fn begin(
        &mut self,
        node: &str,
        user: &str,
        kind: &str,
        effect: Effect,
        end: End,
    ) -> String {
        let upid = self.begin_as(node, user, kind, &effect.id(), effect);
        if let Some(task) = self.tasks.last_mut() {
            task.end = end;
        }
        upid
    }

    /// One that is about something else than one guest, or nothing at all; it ends when told.
    pub fn begin_as(
        &mut self,
        node: &str,
        user: &str,
        kind: &str,
        id: &str,
        effect: Effect,
    ) -> String {
        self.next_pid += 7;
        let started = text::epoch();
        let pstart = 0x05_00_00_00 + u32::try_from(started % 0x00FF_FFFF).unwrap_or(0);
        let upid = format!(
            "UPID:{node}:{:08X}:{pstart:08X}:{started:08X}:{kind}:{id}:{user}:",
            self.next_pid
        );
        self.tasks.push(Task {
            upid: upid.clone(),
            node: node.into(),
            kind: kind.into(),
            id: id.into(),
            user: user.into(),
            pid: self.next_pid,
            pstart,
            starttime: started,
            started: Instant::now(),
            log: Vec::new(),
            effect,
            end: End::Told,
            ended: None,
        });
        upid
    }

    /// Ends a running task, with its effect on the guest if `exit` is a success and `effective`.
    pub fn end_task(&mut self, upid: &str, exit: &str, effective: bool) {
        let Some(task) = self.tasks.iter_mut().find(|task| task.upid == upid) else {
            return;
        };
        if !task.running() {
            return;
        }
        task.ended = Some((exit.into(), text::epoch()));
        match exit {
            // Its process died: nobody wrote the last line.
            "unexpected status" => {}
            "OK" => task.log.push("TASK OK".into()),
            _ if exit.starts_with("WARNINGS: ") => task.log.push(format!("TASK {exit}")),
            _ => task.log.push(format!("TASK ERROR: {exit}")),
        }
        let effect = task.effect;
        if effective && tasks::is_success(exit) {
            power::apply(self, effect);
        }
        marked::ended(self, upid, exit, effective);
    }
}
