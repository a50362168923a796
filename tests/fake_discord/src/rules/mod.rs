//! Discord's limits on what a bot sends, and our house rules. Nothing here changes state.

pub(crate) mod command;
pub(crate) mod components;
pub(crate) mod embeds;
pub(crate) mod message;
pub(crate) mod modal;
