//! The endpoints, one file per area of the API.

pub(crate) mod access;
pub(crate) mod agent;
pub(crate) mod cluster;
pub(crate) mod config;
pub(crate) mod guests;
pub(crate) mod nodes;
pub(crate) mod snapshots;
pub(crate) mod tasks;
