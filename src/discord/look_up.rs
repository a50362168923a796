//! What `pve-steward setup` asks Discord: whose token it is, and which servers and channels there
//! are to choose from. Changes nothing there.

use serenity::http::Http;
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
        let made = asked(async || self.http.get_current_application_info().await).await?;
        let of_team = made.team.map(|team| {
            let owner = team.owner_user_id;
            let member = team.members.into_iter().find(|it| it.user.id == owner);
            let name = member.map_or_else(|| team.name.clone(), |it| it.user.name);
            (UserId(owner.get()), name)
        });
        let alone = made.owner.map(|owner| (UserId(owner.id.get()), owner.name));
        Ok(Application {
            bot: me.name.clone(),
            owner: of_team.or(alone),
            invite: format!(
                "https://discord.com/oauth2/authorize?client_id={}\
                 &scope=bot+applications.commands&permissions={}",
                made.id,
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
