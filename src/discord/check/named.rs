//! People, roles and channels that the configuration names: whether Discord knows them, and whether
//! the bot can speak where it shall.

use std::collections::BTreeMap;

use serenity::http::Http;
use serenity::model::Permissions;
use serenity::model::channel::{Channel, GuildChannel};
use serenity::model::guild::{Member, PartialGuild};
use serenity::model::id::{
    ChannelId as SerenityChannel, RoleId as SerenityRole, UserId as SerenityUser,
};

use super::{Trouble, asked};
use crate::config::Config;
use crate::ids::{ChannelId, RoleId, UserId};

/// Something that is named and does not help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Useless {
    pub what: What,
    pub why: WhyUseless,
}

/// By the name that the configuration gives it; a channel by the keys and rules that name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Person(String, UserId),
    Role(String, RoleId),
    Channel(ChannelId, Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyUseless {
    /// In none of the servers.
    NotThere,
    /// In a server in which the bot is deaf.
    Elsewhere,
    /// It is there, and the bot lacks these permissions in it.
    Lacks(Vec<&'static str>),
    /// It could not be looked up.
    Unknown(Trouble),
}

/// What the bot needs in a channel, by the names that Discord shows.
const NEEDED: [(Permissions, &str); 3] = [
    (Permissions::VIEW_CHANNEL, "View Channel"),
    (Permissions::SEND_MESSAGES, "Send Messages"),
    (Permissions::EMBED_LINKS, "Embed Links"),
];

/// Where the bot is.
pub(super) struct Place<'a> {
    pub http: &'a Http,
    pub me: SerenityUser,
    pub guilds: &'a [PartialGuild],
}

impl Place<'_> {
    pub(super) async fn useless(&self, config: &Config) -> Vec<Useless> {
        let mut useless = Vec::new();
        for (name, id) in &config.people {
            if let Err(why) = self.person(*id).await {
                let what = What::Person(name.clone(), *id);
                useless.push(Useless { what, why });
            }
        }
        for (name, id) in &config.roles {
            let role = SerenityRole::new(id.0);
            if !self
                .guilds
                .iter()
                .any(|guild| guild.roles.contains_key(&role))
            {
                let what = What::Role(name.clone(), *id);
                let why = WhyUseless::NotThere;
                useless.push(Useless { what, why });
            }
        }
        for (id, named_by) in channels(config) {
            if let Err(why) = self.channel(id).await {
                let what = What::Channel(id, named_by);
                useless.push(Useless { what, why });
            }
        }
        useless
    }

    /// A member of any of the servers.
    async fn person(&self, id: UserId) -> Result<(), WhyUseless> {
        let mut why = WhyUseless::NotThere;
        for guild in self.guilds {
            match self.member(guild, SerenityUser::new(id.0)).await {
                Ok(_) => return Ok(()),
                Err(Trouble::NotThere) => {}
                Err(trouble) => why = WhyUseless::Unknown(trouble),
            }
        }
        Err(why)
    }

    async fn member(&self, guild: &PartialGuild, id: SerenityUser) -> Result<Member, Trouble> {
        asked(async || self.http.get_member(guild.id, id).await).await
    }

    async fn channel(&self, id: ChannelId) -> Result<(), WhyUseless> {
        let id = SerenityChannel::new(id.0);
        let mut channel = self.guild_channel(id).await?;
        // A thread has the permissions of the channel that it hangs under.
        if channel.thread_metadata.is_some()
            && let Some(parent) = channel.parent_id
        {
            channel = self.guild_channel(parent).await?;
        }
        let guild = self
            .guilds
            .iter()
            .find(|guild| guild.id == channel.guild_id);
        let guild = guild.ok_or(WhyUseless::Elsewhere)?;
        let me = self.member(guild, self.me).await;
        let lacking = lacking(guild, &channel, &me.map_err(WhyUseless::Unknown)?);
        if lacking.is_empty() {
            return Ok(());
        }
        Err(WhyUseless::Lacks(lacking))
    }

    async fn guild_channel(&self, id: SerenityChannel) -> Result<GuildChannel, WhyUseless> {
        match asked(async || self.http.get_channel(id).await).await {
            Ok(Channel::Guild(channel)) => Ok(channel),
            // A direct message: nobody else is there.
            Ok(_) => Err(WhyUseless::Elsewhere),
            Err(Trouble::NotThere) => Err(WhyUseless::NotThere),
            Err(Trouble::Hidden) => Err(WhyUseless::Lacks(vec![NEEDED[0].1])),
            Err(trouble) => Err(WhyUseless::Unknown(trouble)),
        }
    }
}

/// What the bot cannot do in a channel and must, by the names that Discord shows.
pub(in crate::discord) fn lacking(
    guild: &PartialGuild,
    channel: &GuildChannel,
    me: &Member,
) -> Vec<&'static str> {
    let held = guild.user_permissions_in(channel, me);
    let lacking = NEEDED.iter().filter(|(needed, _)| !held.contains(*needed));
    lacking.map(|(_, name)| *name).collect()
}

/// Every channel that is named, once, with the keys and rules that name it.
fn channels(config: &Config) -> BTreeMap<ChannelId, Vec<String>> {
    let discord = &config.discord;
    let lists = [
        (&discord.channels, "channels"),
        (&discord.public_read_channels, "public_read_channels"),
    ];
    let single = [
        (discord.approvals_channel, "approvals_channel"),
        (discord.alerts_channel, "alerts_channel"),
        (discord.audit_channel, "audit_channel"),
    ];
    let of_lists = lists
        .into_iter()
        .flat_map(|(ids, key)| ids.iter().map(move |id| (*id, key.to_owned())));
    let of_single = single
        .into_iter()
        .filter_map(|(id, key)| Some((id?, key.to_owned())));
    let of_rules = config.allow.iter().flat_map(|rule| {
        let place = rule.place.to_string();
        rule.channels.iter().map(move |id| (*id, place.clone()))
    });
    let mut named: BTreeMap<ChannelId, Vec<String>> = BTreeMap::new();
    for (id, by) in of_lists.chain(of_single).chain(of_rules) {
        named.entry(id).or_default().push(by);
    }
    named
}
