//! Interactions into typed requests. Nothing behind this file sees a string that a person typed,
//! but for what is being completed.

use serde::Deserialize;
use serde_json::Value;
use serenity::model::application::{
    CommandDataOption, CommandDataOptionValue, CommandInteraction, CommandType,
    ComponentInteraction, Interaction, MessageInteractionMetadata,
};
use serenity::model::channel::{ChannelType, MessageFlags, PartialChannel};
use serenity::model::guild::Member;
use tokio::time::Instant;

use super::rest::{InteractionToken, Ticket};
use super::{Settings, custom_id};
use crate::action::{Action, Actor, Door, Request, Typing, Unclear};
use crate::command::{Argument, Row, TABLE, Wants};
use crate::ids::{ChannelId, GuildId, InteractionId, RoleId, UserId};

/// One interaction, and what to do with it.
pub(super) struct Incoming {
    pub ticket: Ticket,
    pub what: What,
}

pub(super) enum What {
    Request(Request),
    Typing(Typing),
    /// Something is typed that the bot does not complete.
    NothingToComplete,
    /// Asked where the bot does not listen, in a server where it does.
    WrongChannel(Actor),
    /// Not for us: a server that is not configured, or no server at all.
    Deaf,
    /// It has an id and a token and cannot be read.
    Unreadable(String),
}

/// Reads an interaction as it came. `None`: it cannot even be answered.
pub(super) fn read(settings: &Settings, raw: Value) -> Option<Incoming> {
    let ticket = ticket(&raw)?;
    // A server that is not ours is not ours to answer, however the rest reads.
    let guild = raw["guild_id"].as_str().and_then(|id| id.parse().ok());
    let Some(guild) = guild.filter(|id| settings.guilds.contains(id)) else {
        let what = What::Deaf;
        return Some(Incoming { ticket, what });
    };
    let what = match Interaction::deserialize(raw) {
        Ok(interaction) => understood(settings, guild, ticket.id, &interaction),
        Err(error) => What::Unreadable(error.to_string()),
    };
    Some(Incoming { ticket, what })
}

fn ticket(raw: &Value) -> Option<Ticket> {
    let number = |key: &str| raw[key].as_str()?.parse::<InteractionId>().ok();
    Some(Ticket {
        id: number("id")?,
        application: number("application_id")?.0,
        // Of Discord's own making, but it goes into an address.
        token: InteractionToken::new(raw["token"].as_str()?)?,
        received: Instant::now(),
    })
}

fn understood(
    settings: &Settings,
    guild: GuildId,
    id: InteractionId,
    interaction: &Interaction,
) -> What {
    let place = |channel: &Option<PartialChannel>, id: serenity::model::id::ChannelId| {
        (ChannelId(id.get()), channel.as_ref().and_then(parent))
    };
    let (member, (channel, parent)) = match interaction {
        Interaction::Command(i) | Interaction::Autocomplete(i) => {
            (i.member.as_deref(), place(&i.channel, i.channel_id))
        }
        Interaction::Component(i) => (i.member.as_ref(), place(&i.channel, i.channel_id)),
        Interaction::Modal(i) => (i.member.as_ref(), place(&i.channel, i.channel_id)),
        _ => return What::Deaf,
    };
    let Some(member) = member else {
        return What::Deaf;
    };
    let actor = actor(member, guild, channel, parent);
    let typing = matches!(interaction, Interaction::Autocomplete(_));
    let listens =
        settings.channels.is_empty() || settings.channels.iter().any(|id| actor.is_in(*id));
    if !listens {
        return if typing {
            What::NothingToComplete
        } else {
            What::WrongChannel(actor)
        };
    }
    let (door, action) = match interaction {
        Interaction::Autocomplete(i) => return completion(i, actor),
        Interaction::Command(i) => (Door::Slash, command(i)),
        Interaction::Component(i) => (door(i, actor.user), custom_id::decode(&i.data.custom_id)),
        // The bot shows no forms.
        _ => (Door::Slash, Action::Unclear(Unclear::Command)),
    };
    What::Request(Request {
        id,
        actor,
        door,
        action,
    })
}

/// The channel that a thread hangs under. Of other channels `parent_id` is the category.
fn parent(channel: &PartialChannel) -> Option<ChannelId> {
    let thread = matches!(
        channel.kind,
        ChannelType::NewsThread | ChannelType::PublicThread | ChannelType::PrivateThread
    );
    channel
        .parent_id
        .filter(|_| thread)
        .map(|id| ChannelId(id.get()))
}

fn actor(member: &Member, guild: GuildId, channel: ChannelId, parent: Option<ChannelId>) -> Actor {
    let user = &member.user;
    let name = member
        .nick
        .as_ref()
        .or(user.global_name.as_ref())
        .unwrap_or(&user.name);
    Actor {
        user: UserId(user.id.get()),
        name: name.clone(),
        roles: member.roles.iter().map(|role| RoleId(role.get())).collect(),
        guild,
        channel,
        parent,
    }
}

fn door(press: &ComponentInteraction, by: UserId) -> Door {
    let flags = press.message.flags.unwrap_or_default();
    let asker = press
        .message
        .interaction_metadata
        .as_deref()
        .and_then(|asked| match asked {
            MessageInteractionMetadata::Command(asked) => Some(asked.user.id),
            MessageInteractionMetadata::Component(asked) => Some(asked.user.id),
            MessageInteractionMetadata::ModalSubmit(asked) => Some(asked.user.id),
            _ => None,
        });
    Door::Button {
        private: flags.contains(MessageFlags::EPHEMERAL),
        own: asker.is_some_and(|id| id.get() == by.0),
    }
}

fn command(called: &CommandInteraction) -> Action {
    let found = match called.data.kind {
        CommandType::ChatInput => row(&called.data.name, &called.data.options),
        _ => None,
    };
    let Some((row, options)) = found else {
        return Action::Unclear(Unclear::Command);
    };
    match argument(row.wants, options) {
        Ok(argument) => (row.action)(argument).unwrap_or(Action::Unclear(Unclear::Command)),
        Err(unclear) => Action::Unclear(unclear),
    }
}

fn argument(wants: Wants, options: &[CommandDataOption]) -> Result<Argument, Unclear> {
    let text = wants.option().and_then(|name| {
        let option = options.iter().find(|option| option.name == name)?;
        option.value.as_str()
    });
    match (wants, text) {
        (Wants::Nothing, _) => Ok(Argument::Nothing),
        (Wants::Guest(_), text) => text
            .and_then(|text| text.parse().ok())
            .map(Argument::Guest)
            .ok_or(Unclear::Guest),
        (Wants::Node, text) => text
            .and_then(|text| text.parse().ok())
            .map(Argument::Node)
            .ok_or(Unclear::Node),
    }
}

fn completion(typed: &CommandInteraction, actor: Actor) -> What {
    let wanted = row(&typed.data.name, &typed.data.options).and_then(|(row, options)| {
        let option = options
            .iter()
            .find(|option| Some(option.name.as_str()) == row.wants.option())?;
        let CommandDataOptionValue::Autocomplete { value, .. } = &option.value else {
            return None;
        };
        Some((row.completion()?, value.clone()))
    });
    match wanted {
        None => What::NothingToComplete,
        Some((wanted, text)) => What::Typing(Typing {
            actor,
            wanted,
            text,
        }),
    }
}

/// The row of a command, and the options that are left once its subcommand is unpacked.
fn row<'a>(
    name: &'a str,
    options: &'a [CommandDataOption],
) -> Option<(&'static Row, &'a [CommandDataOption])> {
    let mut path = vec![name];
    let mut options = options;
    while let [
        CommandDataOption {
            name,
            value:
                CommandDataOptionValue::SubCommand(inner)
                | CommandDataOptionValue::SubCommandGroup(inner),
            ..
        },
    ] = options
    {
        path.push(name);
        options = inner;
    }
    let row = TABLE.iter().find(|row| row.path == path)?;
    Some((row, options))
}
