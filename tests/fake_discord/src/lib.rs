//! A strict, stateful fake of Discord: REST and gateway on one local port, and people who use the bot.
//!
//! It shares no types with the bot. [`Discord`] is the whole of it, [`Person`] somebody who types and
//! presses, [`Answer`] what that person then sees, [`Message`] a message as its readers see it. What
//! real Discord would refuse is refused here, and said in words by [`Discord::violations`].

// Discord's guild object has more fields than `json!` may recurse by default.
#![recursion_limit = "256"]

mod answer;
mod client;
mod clock;
mod discord;
mod faults;
mod gateway;
mod interaction;
mod message;
mod message_object;
mod objects;
mod person;
mod record;
mod render;
mod rest;
mod rules;
mod server;
pub mod setup;
mod state;
mod touch;
mod typed_value;

pub use answer::{Ack, Answer};
pub use discord::Discord;
pub use faults::{GatewayFault, RestFault, RestFaultKind};
pub use message::{Attachment, Message};
pub use person::{Choice, Person};
pub use record::{GatewayEntry, GatewayEvent, Recorded};
pub use setup::{Channel, Guild, Member, Role, Setup};
