//! What `pve-steward setup` asks Discord: whose token it is, and which servers and channels there
//! are to choose from. Changes nothing there.

use serde_json::Value;
use serenity::http::{Http, LightMethod, Request, Route};
use serenity::model::Permissions;
use serenity::model::channel::{ChannelType, GuildChannel};
use serenity::model::id::{GuildId as SerenityGuild, UserId as SerenityUser};

use super::check::{Trouble, asked, causes, lacking};
use super::{Settings, rest};
use crate::config::Secret;
use crate::ids::{ChannelId, GuildId, UserId};

/// What the bot needs in a server.
const NEEDED: Permissions = Permissions::VIEW_CHANNEL
    .union(Permissions::SEND_MESSAGES)
    .union(Permissions::EMBED_LINKS)
    .union(Permissions::ATTACH_FILES);

/// As many as Discord tells at once.
const MOST_GUILDS: u64 = 200;

/// Discord, asked with one token.
pub struct LookUp {
    http: Http,
}

/// The bot, as its owner made it in the developer portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    pub bot: String,
    /// Who made it; of a team, its owner.
    pub owner: Option<(UserId, String)>,
    /// Adds the bot to a server, with the permissions that it needs and no more.
    pub invite: String,
    me: SerenityUser,
}

/// A channel in which one can write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    pub id: ChannelId,
    pub name: String,
    /// What the bot lacks in it, by the names that Discord shows.
    pub lacks: Vec<&'static str>,
}

/// Somebody in a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub bot: bool,
}

impl LookUp {
    pub fn new(token: Secret, api_url: Option<String>) -> Result<Self, Trouble> {
        let settings = Settings {
            token,
            guilds: Vec::new(),
            channels: Vec::new(),
            approvals_channel: None,
            api_url,
        };
        let http = rest::http(&settings);
        let http = http.map_err(|error| Trouble::NoAnswer(causes(&error.without_url())))?;
        Ok(Self { http })
    }

    pub async fn application(&self) -> Result<Application, Trouble> {
        let me = asked(async || self.http.get_current_user().await).await?;
        // As it comes: serenity demands fields of a team that Discord no longer sends.
        let made: Value = asked(async || self.http.fire(this_application()).await).await?;
        let id = made.get("id").and_then(Value::as_str);
        let id = id.ok_or_else(|| Trouble::NoAnswer("an application without an id".to_owned()))?;
        Ok(Application {
            bot: me.name.clone(),
            owner: owner_of_team(&made).or_else(|| user(made.get("owner")?)),
            invite: format!(
                "https://discord.com/oauth2/authorize?client_id={id}\
                 &scope=bot+applications.commands&permissions={}",
                NEEDED.bits()
            ),
            me: me.id,
        })
    }

    /// The servers that the bot was added to.
    pub async fn guilds(&self) -> Result<Vec<(GuildId, String)>, Trouble> {
        let guilds = asked(async || self.http.get_guilds(None, Some(MOST_GUILDS)).await).await?;
        let guilds = guilds.into_iter();
        Ok(guilds
            .map(|guild| (GuildId(guild.id.get()), guild.name))
            .collect())
    }

    /// `None`: the server has no such member.
    pub async fn member(&self, guild: GuildId, user: UserId) -> Result<Option<Member>, Trouble> {
        let (guild, user) = (SerenityGuild::new(guild.0), SerenityUser::new(user.0));
        match asked(async || self.http.get_member(guild, user).await).await {
            Ok(member) => Ok(Some(Member {
                name: member.user.name.clone(),
                bot: member.user.bot,
            })),
            Err(Trouble::NotThere) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// The text channels of a server, as they stand there.
    pub async fn rooms(&self, of: &Application, guild: GuildId) -> Result<Vec<Room>, Trouble> {
        let id = SerenityGuild::new(guild.0);
        let guild = asked(async || self.http.get_guild(id).await).await?;
        let me = asked(async || self.http.get_member(id, of.me).await).await?;
        let mut channels = asked(async || self.http.get_channels(id).await).await?;
        channels.retain(|it| matches!(it.kind, ChannelType::Text | ChannelType::News));
        channels.sort_by_key(|channel| (channel.position, channel.id));
        let room = |channel: GuildChannel| Room {
            id: ChannelId(channel.id.get()),
            lacks: lacking(&guild, &channel, &me),
            name: channel.name,
        };
        Ok(channels.into_iter().map(room).collect())
    }
}

fn this_application() -> Request<'static> {
    Request::new(Route::Oauth2ApplicationCurrent, LightMethod::Get)
}

/// `owner` is then a user that nobody is.
fn owner_of_team(made: &Value) -> Option<(UserId, String)> {
    let team = made.get("team")?;
    let id = team.get("owner_user_id")?.as_str()?;
    let members = team.get("members").and_then(Value::as_array);
    let users = members
        .into_iter()
        .flatten()
        .filter_map(|it| it.get("user"));
    let owner = users
        .filter_map(user)
        .find(|(user, _)| user.to_string() == id);
    owner.or_else(|| Some((id.parse().ok()?, team.get("name")?.as_str()?.to_owned())))
}

fn user(user: &Value) -> Option<(UserId, String)> {
    let id = user.get("id")?.as_str()?.parse().ok()?;
    Some((id, user.get("username")?.as_str()?.to_owned()))
}
