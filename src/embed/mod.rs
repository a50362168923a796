//! Every sentence that the bot says. Data in, [`Reply`] out; nothing is fetched, nothing decided.

pub mod access;
pub mod act;
pub mod ask;
pub mod audit;
pub mod check;
pub mod confirm;
mod deed;
pub mod edge;
pub mod fault;
pub mod guest;
pub mod help;
pub mod node;
pub mod policy;
pub mod problem;
pub mod pveum;
pub mod reload;
pub mod reply;
pub mod status;
pub mod terminal;
mod words;

pub use reply::{Button, Card, Colour, File, Reply, Style};
