//! A stateful Proxmox VE cluster over HTTPS for tests and the demo: as strict and as odd as the real one.
//!
//! A request travels `serve` (TCP, TLS, keep-alive) → `http` (reading) → `gate` (faults, login, routing,
//! permission, parameters) → `api` (one file per area) and comes back as an `answer`, which `respond` writes. All state is in
//! `state`, behind one lock. It shares no types with the bot: a wrong type shared agrees with itself.

// Handlers share one signature, and figures are rough.
#![allow(clippy::unnecessary_wraps, clippy::cast_precision_loss)]

mod access;
mod agent;
mod answer;
mod api;
mod backup;
mod backup_log;
mod backup_turn;
mod certs;
mod clock;
mod cluster;
mod config;
mod controls;
mod controls_more;
mod faults;
mod figures;
mod formats;
mod fresh;
mod gate;
mod guest;
mod ha;
mod hibernate;
mod history;
mod http;
mod marked;
mod node;
mod node_power;
mod notes;
mod params;
mod power;
mod privileges;
mod pveum;
mod record;
mod respond;
mod retention;
mod routes;
mod routes_access;
mod routes_node;
mod serve;
mod setup;
mod snapshot;
mod state;
mod storage;
mod table;
mod tasks;
mod text;
mod users;

pub use agent::{Agent, Interface};
pub use cluster::Cluster;
pub use faults::{Fault, FaultKind, Match, fault_names};
pub use guest::{Guest, Kind};
pub use ha::{HaRule, HaRuleKind};
pub use history::Past;
pub use node::{Node, Update};
pub use record::Recorded;
pub use setup::{Acl, BackupJob, Clock, Setup, Token};
pub use snapshot::Snapshot;
pub use storage::{Backup, File, Storage};
pub use tasks::TaskView;
