//! Everything the cluster knows, behind one lock; requests and tests see it one at a time.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use crate::access::{self, Acls};
use crate::certs::Certificate;
use crate::faults::Fault;
use crate::guest::{Guest, Kind};
use crate::marked::{self, Job};
use crate::node::{Node, Storage};
use crate::power;
use crate::record::Recorded;
use crate::setup::{Clock, Setup, Token};
use crate::tasks::{self, Effect, End, Task};
use crate::text;

#[allow(clippy::struct_excessive_bools)]
pub(crate) struct State {
    pub name: String,
    pub version: (u8, u8),
    pub standalone: bool,
    pub quorate: bool,
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
    pub pools: Vec<String>,
    pub tokens: Vec<Token>,
    pub acls: Acls,
    pub tasks: Vec<Task>,
    /// Tasks that mark their guest, while they run.
    pub jobs: Vec<Job>,
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
    /// Broken by name, to be mended with the faults.
    pub broken_node: bool,
    pub broken_quorum: bool,
    pub began: Instant,
    next_pid: u32,
}

impl State {
    pub fn new(setup: &Setup, ca: Certificate, certs: HashMap<String, Certificate>) -> State {
        let mut pools = setup.pools.clone();
        pools.extend(setup.guests.iter().filter_map(|guest| guest.pool.clone()));
        pools.sort();
        pools.dedup();
        let mut acls = Acls::new();
        for acl in &setup.acls {
            access::grant(&mut acls, acl);
        }
        State {
            name: setup.name.clone(),
            version: setup.version,
            standalone: setup.standalone,
            quorate: setup.quorate,
            clock: setup.clock,
            unauthorized_delay: setup.unauthorized_delay,
            ha_delay: setup.ha_delay,
            agent_wait: setup.agent_wait,
            late: Duration::ZERO,
            nodes: (1..)
                .zip(&setup.nodes)
                .map(|(number, name)| Node::new(name, number))
                .collect(),
            guests: setup.guests.iter().map(|g| (g.vmid, g.clone())).collect(),
            storages: setup.storages.clone(),
            pools,
            tokens: setup.tokens.clone(),
            acls,
            tasks: Vec::new(),
            jobs: Vec::new(),
            faults: Vec::new(),
            requests: VecDeque::new(),
            remember: setup.remember,
            ca,
            certs,
            ha_due: HashMap::new(),
            closed: HashSet::new(),
            broken_node: false,
            broken_quorum: false,
            began: Instant::now(),
            next_pid: 0x0001_C5A1,
        }
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

    /// Keeps a request for tests to look at, and forgets the oldest beyond the limit.
    pub fn record(&mut self, request: Recorded) {
        self.requests.push_back(request);
        while self.requests.len() > self.remember {
            self.requests.pop_front();
        }
    }

    pub fn add_pool(&mut self, pool: Option<String>) {
        self.pools.extend(pool);
        self.pools.sort();
        self.pools.dedup();
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
        self.next_pid += 7;
        let started = text::epoch();
        let id = effect.id();
        let pstart = 0x05_00_00_00 + u32::try_from(started % 0x00FF_FFFF).unwrap_or(0);
        let upid = format!(
            "UPID:{node}:{:08X}:{pstart:08X}:{started:08X}:{kind}:{id}:{user}:",
            self.next_pid
        );
        self.tasks.push(Task {
            upid: upid.clone(),
            node: node.into(),
            kind: kind.into(),
            id,
            user: user.into(),
            pid: self.next_pid,
            pstart,
            starttime: started,
            started: Instant::now(),
            log: Vec::new(),
            effect,
            end,
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
