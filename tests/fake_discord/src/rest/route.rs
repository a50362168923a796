//! Paths to routes.

/// Which message of an interaction's webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Original,
    Id(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Gateway,
    GatewayBot,
    Me,
    MyGuilds,
    OpenDirect,
    Application,
    Guild(u64),
    GuildChannels(u64),
    GuildRoles(u64),
    Member(u64, u64),
    Channel(u64),
    Messages(u64),
    Message(u64, u64),
    Typing(u64),
    Commands {
        app: u64,
        guild: u64,
    },
    Command {
        app: u64,
        guild: u64,
        id: u64,
    },
    Callback {
        id: u64,
        token: String,
    },
    FollowUps {
        app: u64,
        token: String,
    },
    WebhookMessage {
        app: u64,
        token: String,
        which: Which,
    },
    /// A file's address, outside the API.
    File {
        id: u64,
    },
}

impl Route {
    /// Interaction tokens are a key of their own: no Authorization needed, no part in the global limit.
    pub(crate) fn carries_token(&self) -> Option<&str> {
        match self {
            Route::Callback { token, .. }
            | Route::FollowUps { token, .. }
            | Route::WebhookMessage { token, .. } => Some(token),
            _ => None,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.carries_token().is_some() || matches!(self, Route::Gateway | Route::File { .. })
    }
}

pub(crate) fn find(path: &str) -> Option<(Route, &'static str)> {
    if let Some(rest) = path.strip_prefix("/attachments/") {
        let id = rest.split('/').nth(1)?.parse().ok()?;
        return Some((Route::File { id }, "/attachments/{channel}/{id}/{name}"));
    }
    let path = path.strip_prefix("/api/v10/")?;
    let steps: Vec<&str> = path.split('/').collect();
    plain(&steps)
        .or_else(|| places(&steps))
        .or_else(|| interactions(&steps))
        .or_else(|| commands(&steps))
}

fn plain(steps: &[&str]) -> Option<(Route, &'static str)> {
    Some(match steps {
        ["gateway"] => (Route::Gateway, "/gateway"),
        ["gateway", "bot"] => (Route::GatewayBot, "/gateway/bot"),
        ["users", "@me"] => (Route::Me, "/users/@me"),
        ["users", "@me", "guilds"] => (Route::MyGuilds, "/users/@me/guilds"),
        ["users", "@me", "channels"] => (Route::OpenDirect, "/users/@me/channels"),
        ["applications", "@me"] => (Route::Application, "/applications/@me"),
        ["oauth2", "applications", "@me"] => (Route::Application, "/oauth2/applications/@me"),
        _ => return None,
    })
}

fn places(steps: &[&str]) -> Option<(Route, &'static str)> {
    Some(match steps {
        ["guilds", g] => (Route::Guild(id(g)?), "/guilds/{guild}"),
        ["guilds", g, "channels"] => (Route::GuildChannels(id(g)?), "/guilds/{guild}/channels"),
        ["guilds", g, "roles"] => (Route::GuildRoles(id(g)?), "/guilds/{guild}/roles"),
        ["guilds", g, "members", u] => (
            Route::Member(id(g)?, id(u)?),
            "/guilds/{guild}/members/{user}",
        ),
        ["channels", c] => (Route::Channel(id(c)?), "/channels/{channel}"),
        ["channels", c, "typing"] => (Route::Typing(id(c)?), "/channels/{channel}/typing"),
        ["channels", c, "messages"] => (Route::Messages(id(c)?), "/channels/{channel}/messages"),
        ["channels", c, "messages", m] => (
            Route::Message(id(c)?, id(m)?),
            "/channels/{channel}/messages/{message}",
        ),
        _ => return None,
    })
}

fn interactions(steps: &[&str]) -> Option<(Route, &'static str)> {
    Some(match steps {
        ["interactions", i, token, "callback"] => (
            Route::Callback {
                id: id(i)?,
                token: (*token).to_owned(),
            },
            "/interactions/{id}/{token}/callback",
        ),
        ["webhooks", app, token] => (
            Route::FollowUps {
                app: id(app)?,
                token: (*token).to_owned(),
            },
            "/webhooks/{app}/{token}",
        ),
        ["webhooks", app, token, "messages", "@original"] => (
            Route::WebhookMessage {
                app: id(app)?,
                token: (*token).to_owned(),
                which: Which::Original,
            },
            "/webhooks/{app}/{token}/messages/@original",
        ),
        ["webhooks", app, token, "messages", m] => (
            Route::WebhookMessage {
                app: id(app)?,
                token: (*token).to_owned(),
                which: Which::Id(id(m)?),
            },
            "/webhooks/{app}/{token}/messages/{message}",
        ),
        _ => return None,
    })
}

fn commands(steps: &[&str]) -> Option<(Route, &'static str)> {
    let ["applications", app, rest @ ..] = steps else {
        return None;
    };
    let app = id(app)?;
    Some(match rest {
        ["commands"] => (
            Route::Commands { app, guild: 0 },
            "/applications/{app}/commands",
        ),
        ["commands", c] => (
            Route::Command {
                app,
                guild: 0,
                id: id(c)?,
            },
            "/applications/{app}/commands/{command}",
        ),
        ["guilds", g, "commands"] => (
            Route::Commands { app, guild: id(g)? },
            "/applications/{app}/guilds/{guild}/commands",
        ),
        ["guilds", g, "commands", c] => (
            Route::Command {
                app,
                guild: id(g)?,
                id: id(c)?,
            },
            "/applications/{app}/guilds/{guild}/commands/{command}",
        ),
        _ => return None,
    })
}

fn id(step: &str) -> Option<u64> {
    step.parse().ok().filter(|id| *id > 0)
}
