//! Discord's JSON objects, complete as its documentation has them.

use serde_json::{Value, json};

use crate::setup::{ADMINISTRATOR, Channel, Guild, Member, ORDINARY, Role};
use crate::state::State;

/// Ids are strings; bots may also send them as numbers.
pub(crate) fn is_id(value: &Value, id: u64) -> bool {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()) == Some(id)
}

pub(crate) const EVERYTHING: u64 = (1 << 51) - 1;
const JOINED: &str = "2024-03-09T18:21:05.042000+00:00";

fn user(id: u64, name: &str, bot: bool) -> Value {
    let mut user = json!({
        "id": id.to_string(), "username": name, "avatar": null, "discriminator": if bot { "4242" } else { "0" },
        "public_flags": 0, "flags": 0, "banner": null, "accent_color": null,
        "global_name": if bot { Value::Null } else { json!(name) },
        "avatar_decoration_data": null, "collectibles": null, "display_name_styles": null,
        "banner_color": null, "clan": null, "primary_guild": null
    });
    if bot {
        user["bot"] = json!(true);
    }
    user
}

pub(crate) fn bot_user(state: &State) -> Value {
    user(state.setup.app_id, &state.setup.bot_name, true)
}

/// `/users/@me` and READY: the bot's user with what only it may see.
pub(crate) fn bot_self(state: &State) -> Value {
    let mut me = bot_user(state);
    for (key, value) in [
        ("mfa_enabled", json!(true)),
        ("locale", json!("en-US")),
        ("verified", json!(true)),
    ] {
        me[key] = value;
    }
    me["email"] = Value::Null;
    me["bio"] = json!("");
    me
}

pub(crate) fn person_user(state: &State, id: u64) -> Value {
    user(id, &state.person_name(id), false)
}

/// A member as REST shows it.
pub(crate) fn member(state: &State, id: u64, roles: &[u64]) -> Value {
    let user = if id == state.setup.app_id {
        bot_user(state)
    } else {
        person_user(state, id)
    };
    json!({
        "avatar": null, "banner": null, "communication_disabled_until": null, "flags": 0,
        "joined_at": JOINED, "nick": null, "pending": false, "premium_since": null,
        "roles": roles.iter().map(u64::to_string).collect::<Vec<_>>(),
        "user": user, "mute": false, "deaf": false, "avatar_decoration_data": null, "collectibles": null
    })
}

/// A member as an interaction shows it.
pub(crate) fn interaction_member(state: &State, id: u64, guild: u64, roles: &[u64]) -> Value {
    let mut member = member(state, id, roles);
    member["permissions"] = json!(permissions(state, id, guild, roles).to_string());
    member["unusual_dm_activity_until"] = Value::Null;
    member["display_name_styles"] = Value::Null;
    member
}

pub(crate) fn permissions(state: &State, person: u64, guild: u64, roles: &[u64]) -> u64 {
    if state
        .setup
        .guilds
        .iter()
        .any(|g| g.id == guild && g.owner == person)
    {
        return EVERYTHING;
    }
    let given = state
        .setup
        .roles
        .iter()
        .filter(|role| roles.contains(&role.id));
    let sum = given.fold(ORDINARY, |sum, role| sum | role.permissions);
    if sum & ADMINISTRATOR != 0 {
        EVERYTHING
    } else {
        sum
    }
}

pub(crate) fn bot_permissions(state: &State, channel: u64) -> u64 {
    let Some(found) = state.channel(channel) else {
        return ORDINARY;
    };
    let parent = found.parent.and_then(|parent| state.channel(parent));
    found
        .bot_permissions
        .or_else(|| parent?.bot_permissions)
        .unwrap_or(ORDINARY)
}

/// The role Discord makes for a bot when it is invited.
pub(crate) fn bot_role(state: &State, guild: u64) -> u64 {
    state.setup.app_id + guild % 1000 + 1000
}

fn role(role: &Role, position: usize, bot: Option<u64>) -> Value {
    let mut object = json!({
        "id": role.id.to_string(), "name": role.name, "permissions": role.permissions.to_string(),
        "position": position, "color": 0,
        "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
        "hoist": false, "managed": bot.is_some(), "mentionable": false, "icon": null,
        "unicode_emoji": null, "flags": 0, "description": null
    });
    if let Some(bot) = bot {
        object["tags"] = json!({"bot_id": bot.to_string()});
    }
    object
}

pub(crate) fn guild_roles(state: &State, guild: u64) -> Vec<Value> {
    let everyone = Role {
        id: guild,
        guild,
        name: "@everyone".into(),
        permissions: ORDINARY,
    };
    let own = Role {
        id: bot_role(state, guild),
        guild,
        name: state.setup.bot_name.clone(),
        permissions: ORDINARY,
    };
    let mut roles = vec![
        role(&everyone, 0, None),
        role(&own, 1, Some(state.setup.app_id)),
    ];
    let others = state.setup.roles.iter().filter(|r| r.guild == guild);
    roles.extend(others.enumerate().map(|(n, r)| role(r, n + 2, None)));
    roles
}

pub(crate) fn role_by_id(state: &State, guild: u64, id: u64) -> Option<Value> {
    guild_roles(state, guild)
        .into_iter()
        .find(|role| is_id(&role["id"], id))
}

pub(crate) fn channel(state: &State, channel: &Channel) -> Value {
    let common = json!({
        "id": channel.id.to_string(), "guild_id": channel.guild.to_string(), "name": channel.name,
        "flags": 0, "last_message_id": null, "last_pin_timestamp": null, "rate_limit_per_user": 0
    });
    let mut object = common;
    if let Some(parent) = channel.parent {
        let owner = state
            .setup
            .guilds
            .iter()
            .find(|g| g.id == channel.guild)
            .map_or(0, |g| g.owner);
        object["type"] = json!(11);
        object["parent_id"] = json!(parent.to_string());
        object["owner_id"] = json!(owner.to_string());
        object["thread_metadata"] = thread_metadata();
        for count in ["message_count", "member_count", "total_message_sent"] {
            object[count] = json!(1);
        }
        return object;
    }
    let position = state
        .setup
        .channels
        .iter()
        .position(|c| c.id == channel.id)
        .unwrap_or_default();
    object["type"] = json!(0);
    object["parent_id"] = Value::Null;
    object["position"] = json!(position);
    object["topic"] = Value::Null;
    object["nsfw"] = json!(false);
    object["permission_overwrites"] = json!(overwrites(state, channel));
    object
}

fn thread_metadata() -> Value {
    json!({"archived": false, "archive_timestamp": JOINED, "auto_archive_duration": 1440, "locked": false,
           "create_timestamp": JOINED})
}

/// `bot_permissions` of a channel, said in Discord's way: an overwrite for the bot.
fn overwrites(state: &State, channel: &Channel) -> Vec<Value> {
    let Some(wanted) = channel.bot_permissions else {
        return Vec::new();
    };
    let (allow, deny) = (wanted & !ORDINARY, ORDINARY & !wanted);
    vec![json!({"id": state.setup.app_id.to_string(), "type": 1,
                "allow": allow.to_string(), "deny": deny.to_string()})]
}

pub(crate) fn direct_channel(state: &State, channel: u64, person: u64) -> Value {
    json!({"id": channel.to_string(), "type": 1, "flags": 0, "last_message_id": null,
           "last_pin_timestamp": null, "recipients": [person_user(state, person)]})
}

/// The channel in an interaction: fewer fields than REST, plus permissions of the person.
pub(crate) fn interaction_channel(state: &State, id: u64, permissions: u64) -> Value {
    let Some(found) = state.channel(id) else {
        let person = state.person_of_direct(id).unwrap_or_default();
        return direct_channel(state, id, person);
    };
    let mut object = channel(state, found);
    if let Some(object) = object.as_object_mut() {
        for key in [
            "permission_overwrites",
            "owner_id",
            "message_count",
            "member_count",
            "total_message_sent",
        ] {
            object.remove(key);
        }
    }
    object["permissions"] = json!(permissions.to_string());
    object
}

pub(crate) fn guild(state: &State, guild: &Guild) -> Value {
    json!({
        "id": guild.id.to_string(), "name": guild.name, "icon": null, "description": null,
        "home_header": null, "splash": null, "discovery_splash": null, "features": [], "banner": null,
        "owner_id": guild.owner.to_string(), "application_id": null, "region": "europe",
        "afk_channel_id": null, "afk_timeout": 300, "system_channel_id": null, "system_channel_flags": 0,
        "widget_enabled": false, "widget_channel_id": null, "verification_level": 0,
        "roles": guild_roles(state, guild.id), "default_message_notifications": 0, "mfa_level": 0,
        "explicit_content_filter": 0, "max_presences": null, "max_members": 25_000_000,
        "max_stage_video_channel_users": 50, "max_video_channel_users": 25, "vanity_url_code": null,
        "premium_tier": 0, "premium_subscription_count": 0, "preferred_locale": "en-US",
        "rules_channel_id": null, "safety_alerts_channel_id": null, "public_updates_channel_id": null,
        "premium_progress_bar_enabled": false, "premium_progress_bar_enabled_user_updated_at": null,
        "nsfw": false, "nsfw_level": 0, "emojis": [], "stickers": [], "incidents_data": null,
        "hub_type": null, "latest_onboarding_question_id": null
    })
}

pub(crate) fn my_guild(guild: &Guild) -> Value {
    json!({"id": guild.id.to_string(), "name": guild.name, "icon": null, "banner": null,
           "owner": false, "permissions": ORDINARY.to_string(), "features": []})
}

/// `GUILD_CREATE`, which only sessions with the GUILDS intent get.
pub(crate) fn guild_create(state: &State, found: &Guild) -> Value {
    let mut object = guild(state, found);
    let (threads, channels): (Vec<&Channel>, Vec<&Channel>) = state
        .setup
        .channels
        .iter()
        .filter(|c| c.guild == found.id)
        .partition(|c| c.parent.is_some());
    let list = |of: Vec<&Channel>| {
        of.into_iter()
            .map(|c| channel(state, c))
            .collect::<Vec<_>>()
    };
    object["channels"] = json!(list(channels));
    object["threads"] = json!(list(threads));
    object["joined_at"] = json!(JOINED);
    object["large"] = json!(false);
    object["unavailable"] = json!(false);
    object["member_count"] = json!(state.setup.people.len() + 1);
    object["members"] = json!([member(
        state,
        state.setup.app_id,
        &[bot_role(state, found.id)]
    )]);
    for empty in [
        "voice_states",
        "presences",
        "stage_instances",
        "guild_scheduled_events",
        "soundboard_sounds",
    ] {
        object[empty] = json!([]);
    }
    object
}

pub(crate) fn application(state: &State) -> Value {
    let maker = state.setup.people.first().map_or(0, |person| person.id);
    // Of a team, the owner is a user of its own that no person is.
    let owner = if state.setup.team {
        user(TEAM, &format!("team{TEAM}"), false)
    } else {
        person_user(state, maker)
    };
    json!({
        "id": state.setup.app_id.to_string(), "name": state.setup.bot_name, "icon": null, "description": "",
        "type": null, "bot": bot_user(state), "bot_public": false, "bot_require_code_grant": false,
        "verify_key": "0".repeat(64), "flags": 0, "flags_new": "0", "redirect_uris": [],
        "interactions_endpoint_url": null, "role_connections_verification_url": null,
        "owner": owner, "approximate_guild_count": state.setup.guilds.len(),
        "approximate_user_install_count": 0, "approximate_user_authorization_count": 0,
        "event_webhooks_url": null, "event_webhooks_status": 1, "explicit_content_filter": 0,
        "integration_types_config": {"0": {}}, "tags": [],
        "team": if state.setup.team { team(state, maker) } else { Value::Null },
        "eligible_oauth2_scopes": ["applications.commands", "bot"]
    })
}

const TEAM: u64 = 1_250_000_000_000_000_001;

fn team(state: &State, maker: u64) -> Value {
    let id = TEAM.to_string();
    let member = json!({"user": person_user(state, maker), "team_id": id, "membership_state": 2,
                        "role": "admin", "permissions": ["*"]});
    json!({"id": id, "icon": null, "name": "House", "owner_user_id": maker.to_string(),
           "members": [member]})
}

pub(crate) fn owners(guild: Option<u64>) -> Value {
    json!({"0": guild.unwrap_or_default().to_string()})
}

/// What one member's roles are in one guild, as REST tells them.
pub(crate) fn roles_in(state: &State, person: &Member, guild: u64) -> Vec<u64> {
    let here = state.setup.roles.iter().filter(|role| role.guild == guild);
    here.map(|role| role.id)
        .filter(|id| person.roles.contains(id))
        .collect()
}
