//! Interactions into typed requests. Nothing behind this file sees a string that a person typed,
//! but for what is being completed.

use serde::Deserialize;
use serde_json::Value as Json;
use serenity::model::application::{
    ActionRowComponent, CommandDataOption, CommandDataOptionValue, CommandDataResolved,
    CommandInteraction, CommandType, ComponentInteraction, Interaction, MessageInteractionMetadata,
    ModalInteraction,
};
use serenity::model::channel::{ChannelType, MessageFlags, PartialChannel};
use serenity::model::guild::Member;
use tokio::time::Instant;

use super::rest::{InteractionToken, Ticket};
use super::send::FORM_LINE;
use super::{Settings, custom_id};
use crate::action::{Action, Actor, Door, Person, Remark, Request, Ruling, Typing, Unclear};
use crate::command::{Desk, Field, Given, Row, Value};
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
pub(super) fn read(settings: &Settings, desk: &Desk, raw: Json) -> Option<Incoming> {
    let ticket = ticket(&raw)?;
    let place = match &raw["guild_id"] {
        Json::Null => Some(None),
        // A server that is not ours is not ours to answer, however the rest reads.
        id => id
            .as_str()
            .and_then(|id| id.parse().ok())
            .filter(|id| settings.guilds.contains(id))
            .map(Some),
    };
    let what = match (place, Interaction::deserialize(raw)) {
        (Some(Some(guild)), Ok(interaction)) => {
            understood((settings, desk), guild, ticket.id, &interaction)
        }
        (Some(None), Ok(interaction)) => direct(ticket.id, &interaction),
        (Some(Some(_)), Err(error)) => What::Unreadable(error.to_string()),
        (None, _) | (Some(None), Err(_)) => What::Deaf,
    };
    Some(Incoming { ticket, what })
}

/// In direct messages only requests are decided; everything else is for servers.
fn direct(id: InteractionId, interaction: &Interaction) -> What {
    let (user, channel, action) = match interaction {
        Interaction::Component(i) => (&i.user, i.channel_id, custom_id::decode(&i.data.custom_id)),
        Interaction::Modal(i) => (&i.user, i.channel_id, form(i)),
        _ => return What::Deaf,
    };
    let name = user.global_name.as_ref().unwrap_or(&user.name);
    What::Request(Request {
        id,
        actor: Actor {
            user: UserId(user.id.get()),
            name: name.clone(),
            roles: Vec::new(),
            guild: GuildId(0),
            channel: ChannelId(channel.get()),
            parent: None,
        },
        door: Door::Direct,
        action,
    })
}

fn ticket(raw: &Json) -> Option<Ticket> {
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
    (settings, desk): (&Settings, &Desk),
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
    let listens =
        settings.channels.is_empty() || settings.channels.iter().any(|id| actor.is_in(*id));
    let (door, action) = match interaction {
        Interaction::Autocomplete(_) if !listens => return What::NothingToComplete,
        Interaction::Autocomplete(i) => return completion(desk, i, actor),
        Interaction::Command(i) => (Door::Slash, command(desk, i)),
        Interaction::Component(i) => (door(i, actor.user), custom_id::decode(&i.data.custom_id)),
        Interaction::Modal(i) => (Door::Slash, form(i)),
        _ => (Door::Slash, Action::Unclear(Unclear::Command)),
    };
    let decides = matches!(action, Action::Rule { .. } | Action::Decline(_));
    let for_approvals = settings.approvals_channel.is_some_and(|id| actor.is_in(id));
    let heard = listens || (decides && for_approvals);
    if !heard {
        return What::WrongChannel(actor);
    }
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

/// A form says what it is about in its custom id, and what was written in its one line.
fn form(filled: &ModalInteraction) -> Action {
    let rows = filled.data.components.iter();
    let line = rows
        .flat_map(|row| &row.components)
        .find_map(|part| match part {
            ActionRowComponent::InputText(line) if line.custom_id == FORM_LINE => {
                line.value.as_deref()
            }
            _ => None,
        });
    let text = line.unwrap_or_default();
    match custom_id::decode(&filled.data.custom_id) {
        Action::Rule {
            request,
            ruling: Ruling::No(_),
        } => Action::Rule {
            request,
            ruling: Ruling::No(Remark::new(text)),
        },
        _ => Action::Unclear(Unclear::Button),
    }
}

fn command(desk: &Desk, called: &CommandInteraction) -> Action {
    let found = match called.data.kind {
        CommandType::ChatInput => row(desk, &called.data.name, &called.data.options),
        _ => None,
    };
    let Some((row, options)) = found else {
        return Action::Unclear(Unclear::Command);
    };
    match given(row, options, &called.data.resolved) {
        Ok(given) => (row.action)(&given).unwrap_or(Action::Unclear(Unclear::Command)),
        Err(unclear) => Action::Unclear(unclear),
    }
}

fn given(
    row: &Row,
    options: &[CommandDataOption],
    resolved: &CommandDataResolved,
) -> Result<Given, Unclear> {
    let mut given = Given::default();
    for wanted in row.options {
        let Some(option) = options.iter().find(|option| option.name == wanted.name) else {
            if wanted.required {
                return Err(missing(wanted.field));
            }
            continue;
        };
        let value = match (&option.value, wanted.field) {
            (CommandDataOptionValue::User(id), Field::Person) => {
                Value::Person(person(*id, resolved))
            }
            (CommandDataOptionValue::Boolean(yes), Field::Flag) => Value::Flag(*yes),
            (CommandDataOptionValue::String(text), field) => field.parse(text)?,
            (_, field) => return Err(missing(field)),
        };
        given.0.push(value);
    }
    Ok(given)
}

/// Nothing where something must be, or something of another kind.
fn missing(field: Field) -> Unclear {
    match field {
        Field::Guest(_) => Unclear::Guest,
        Field::Guests(_) => Unclear::Guests,
        Field::Node => Unclear::Node,
        Field::Task => Unclear::Task,
        _ => Unclear::Command,
    }
}

/// The member that was picked, with the roles that Discord tells of them in this very interaction.
fn person(id: serenity::model::id::UserId, resolved: &CommandDataResolved) -> Person {
    let user = resolved.users.get(&id);
    let member = resolved.members.get(&id);
    let nick = member.and_then(|member| member.nick.clone());
    let called = || user.map(|user| user.global_name.as_ref().unwrap_or(&user.name).clone());
    Person {
        user: UserId(id.get()),
        name: nick.or_else(called).unwrap_or_else(|| id.to_string()),
        roles: member.map(|member| member.roles.iter().map(|role| RoleId(role.get())).collect()),
    }
}

fn completion(desk: &Desk, typed: &CommandInteraction, actor: Actor) -> What {
    let wanted = row(desk, &typed.data.name, &typed.data.options).and_then(|(row, options)| {
        let (wanted, text) = options.iter().find_map(|option| {
            let CommandDataOptionValue::Autocomplete { value, .. } = &option.value else {
                return None;
            };
            let known = row.options.iter().find(|known| known.name == option.name)?;
            Some((row.completion(known)?, value.clone()))
        })?;
        Some((wanted, text, so_far(row, options)))
    });
    match wanted {
        None => What::NothingToComplete,
        Some((wanted, text, given)) => What::Typing(Typing {
            actor,
            wanted,
            guest: given.guest(),
            user: given.user(),
            cluster: given.cluster(),
            text,
        }),
    }
}

/// What stands in the command already, where it can be read.
fn so_far(row: &Row, options: &[CommandDataOption]) -> Given {
    let read = row.options.iter().filter_map(|known| {
        let option = options.iter().find(|option| option.name == known.name)?;
        match &option.value {
            CommandDataOptionValue::String(text) => known.field.parse(text).ok(),
            _ => None,
        }
    });
    Given(read.collect())
}

/// The row of a command, and the options that are left once its subcommand is unpacked.
fn row<'a>(
    desk: &Desk,
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
    let row = desk.rows().find(|row| row.path == path)?;
    Some((row, options))
}
