//! The endpoints, one file per area of the API.

pub(crate) mod access;
pub(crate) mod acl;
pub(crate) mod agent;
pub(crate) mod backup;
pub(crate) mod cluster;
pub(crate) mod config;
pub(crate) mod guests;
pub(crate) mod ha;
pub(crate) mod node_power;
pub(crate) mod nodes;
pub(crate) mod pools;
pub(crate) mod roles;
pub(crate) mod snapshots;
pub(crate) mod storage;
pub(crate) mod tasks;
pub(crate) mod tokens;
pub(crate) mod users;

use serde_json::Value;

use crate::answer::{Refusal, Reply};
use crate::state::State;
use crate::users::UserCfg;

/// Changes `user.cfg` under its lock; what goes wrong is said with what was tried.
fn change(
    state: &mut State,
    what: &str,
    change: impl FnOnce(&mut UserCfg) -> Result<(), String>,
) -> Result<Reply, Refusal> {
    no_quorum(state, what)?;
    change(&mut state.cfg).map_err(|text| Refusal::within(what, &text))?;
    Ok(Value::Null.into())
}

/// Without a majority nobody gets the lock.
fn no_quorum(state: &State, what: &str) -> Result<(), Refusal> {
    if state.quorate {
        return Ok(());
    }
    let text = "cfs-lock 'file-user_cfg' error: no quorum!";
    Err(Refusal::within(what, text))
}
