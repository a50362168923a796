//! Every sentence that the bot says. Data in, [`Reply`] out; nothing is fetched, nothing decided.

pub mod access;
pub mod act;
pub mod ask;
pub mod asked;
pub mod audit;
pub mod backup;
pub mod check;
pub mod confirm;
mod deed;
pub mod edge;
pub mod fault;
pub mod guest;
pub mod guest_details;
pub mod help;
pub mod node;
pub mod node_act;
pub mod notify;
pub mod overview;
pub mod policy;
pub mod problem;
pub mod refused;
pub mod reload;
pub mod reply;
pub mod setup;
pub mod several;
pub mod snapshot;
pub mod status;
pub mod storage;
pub mod task;
pub mod task_stop;
pub mod task_words;
pub mod terminal;
pub mod unclear;
pub mod why;
mod words;

pub use reply::{Button, Card, Colour, File, Reply, Style};
