//! Run Proxmox VE from a Discord channel, and let trusted friends press exactly the buttons you
//! gave them.
//!
//! The folders stand in the order in which a command travels: `discord` turns an interaction into
//! a typed [`action::Request`]; `command` decides it, and `permission` is the one gate; `proxmox`
//! does it; `embed` puts the outcome into words; and back through `discord`. `ARCHITECTURE.md`
//! walks one command through the files, and `tests/layers.rs` holds who may import whom.

// What would end the process, or write past the log, has no place in what is released.
#![warn(
    unreachable_pub,
    clippy::dbg_macro,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::todo,
    clippy::unimplemented,
    clippy::unreachable,
    clippy::unwrap_used
)]

pub mod access;
pub mod action;
pub mod app;
pub mod audit;
pub mod cli;
pub mod command;
pub mod config;
pub mod discord;
pub mod embed;
pub mod errand;
pub mod follow;
pub mod health;
pub mod held;
pub mod ids;
pub mod logging;
pub mod permission;
pub mod privileges;
pub mod proxmox;
pub mod store;
pub mod until;
pub mod watch;
