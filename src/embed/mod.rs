//! Every sentence that the bot says. Data in, [`Reply`] out; nothing is fetched, nothing decided.

pub mod access;
pub mod act;
pub mod ask;
pub mod asked;
pub mod audit;
pub mod check;
pub mod confirm;
mod deed;
pub mod edge;
pub mod fault;
pub mod guest;
pub mod guest_details;
pub mod help;
pub mod node;
pub mod overview;
pub mod policy;
pub mod problem;
pub mod pveum;
pub mod reload;
pub mod reply;
pub mod setup;
pub mod several;
pub mod status;
pub mod terminal;
mod words;

pub use reply::{Button, Card, Colour, File, Reply, Style};
