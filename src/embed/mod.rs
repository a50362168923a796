//! Every sentence that the bot says. Data in, [`Reply`] out; nothing is fetched, nothing decided.

pub mod reply;

pub use reply::{Button, Card, Colour, File, Reply, Style};
