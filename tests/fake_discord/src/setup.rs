//! The world a fake starts with: guilds, channels, roles, people, and Discord's own limits.

use std::time::Duration;

pub const HOME: u64 = 1_000_000_000_000_000_000;
pub const ELSEWHERE: u64 = 1_000_000_000_000_000_009;
pub const BOT_CHANNEL: u64 = 1_100_000_000_000_000_000;
pub const APPROVALS: u64 = 1_100_000_000_000_000_001;
pub const ALERTS: u64 = 1_100_000_000_000_000_002;
pub const AUDIT: u64 = 1_100_000_000_000_000_003;
pub const OTHER: u64 = 1_100_000_000_000_000_007;
pub const THREAD: u64 = 1_100_000_000_000_000_008;
/// A channel of the guild the bot must be deaf to.
pub const ELSEWHERE_CHANNEL: u64 = 1_100_000_000_000_000_009;
pub const FRIENDS: u64 = 290_926_798_626_357_299;

pub const VIEW_CHANNEL: u64 = 1 << 10;
pub const SEND_MESSAGES: u64 = 1 << 11;
pub const EMBED_LINKS: u64 = 1 << 14;
pub const ATTACH_FILES: u64 = 1 << 15;
pub const READ_HISTORY: u64 = 1 << 16;
pub const USE_COMMANDS: u64 = 1 << 31;
pub const SEND_IN_THREADS: u64 = 1 << 38;
pub const ADMINISTRATOR: u64 = 1 << 3;

#[derive(Clone, Debug)]
pub struct Setup {
    pub guilds: Vec<Guild>,
    pub channels: Vec<Channel>,
    pub roles: Vec<Role>,
    pub people: Vec<Member>,
    /// Guilds in which `bot_ready` waits for commands.
    pub registers_in: Vec<u64>,
    pub app_id: u64,
    pub bot_name: String,
    pub bot_token: String,
    /// The application belongs to a team, of which the first person is the owner; otherwise to that
    /// person.
    pub team: bool,
    pub heartbeat: Duration,
    pub identifies_remaining: u32,
    /// Two IDENTIFYs closer than this get op 9. Discord: 5 s; zero here, so that tests may restart the bot.
    pub identify_gap: Duration,
    /// The first answer to an interaction must come within this.
    pub answer_limit: Duration,
    /// How long an interaction's token is good for edits and follow-ups.
    pub token_life: Duration,
    /// How long the waiting calls of a test wait before they fail.
    pub patience: Duration,
    /// Close with 4009 a session whose heartbeats stop; otherwise that is only a violation.
    pub close_without_heartbeat: bool,
    pub gateway_sends_per_minute: usize,
    /// Enforce Discord's usual route limits (headers are sent either way).
    pub rate_limits: bool,
    pub port: u16,
}

#[derive(Clone, Debug)]
pub struct Guild {
    pub id: u64,
    pub name: String,
    pub owner: u64,
}

#[derive(Clone, Debug)]
pub struct Channel {
    pub id: u64,
    pub guild: u64,
    pub name: String,
    /// Set for a thread: the channel it belongs to.
    pub parent: Option<u64>,
    /// What the bot may do there; `None`: what its role gives it.
    pub bot_permissions: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct Role {
    pub id: u64,
    pub guild: u64,
    pub name: String,
    pub permissions: u64,
}

/// A person as Discord knows them; the handle that acts is `fake_discord::Person`.
#[derive(Clone, Debug)]
pub struct Member {
    pub id: u64,
    pub name: String,
    pub roles: Vec<u64>,
    /// Empty: every guild.
    pub guilds: Vec<u64>,
    pub accepts_direct_messages: bool,
}

impl Member {
    pub fn new(name: &str, id: u64, roles: &[u64]) -> Member {
        Member {
            id,
            name: name.into(),
            roles: roles.to_vec(),
            guilds: Vec::new(),
            accepts_direct_messages: true,
        }
    }

    pub(crate) fn is_in(&self, guild: u64) -> bool {
        self.guilds.is_empty() || self.guilds.contains(&guild)
    }
}

/// What a plain member and the bot's own role may do.
pub const ORDINARY: u64 = VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_HISTORY
    | USE_COMMANDS
    | SEND_IN_THREADS;

impl Setup {
    /// The house everybody's tests live in.
    pub fn home() -> Setup {
        let owner = 184_405_311_681_986_560;
        Setup {
            guilds: vec![
                Guild {
                    id: HOME,
                    name: "Homelab".into(),
                    owner,
                },
                Guild {
                    id: ELSEWHERE,
                    name: "Elsewhere".into(),
                    owner: 80_351_110_224_678_999,
                },
            ],
            channels: home_channels(),
            roles: vec![Role {
                id: FRIENDS,
                guild: HOME,
                name: "friends".into(),
                permissions: ORDINARY,
            }],
            people: vec![
                Member::new("owner", owner, &[]),
                Member::new("max", 80_351_110_224_678_912, &[FRIENDS]),
                Member::new("friend", 80_351_110_224_678_913, &[FRIENDS]),
                Member::new("stranger", 80_351_110_224_678_999, &[]),
            ],
            registers_in: vec![HOME],
            app_id: 1_200_000_000_000_000_001,
            bot_name: "steward".into(),
            bot_token: "MTIwMDAwMDAwMDAwMDAwMDAwMQ.Fake00.not-a-secret-only-for-tests-0123456789"
                .into(),
            team: false,
            heartbeat: Duration::from_millis(41_250),
            identifies_remaining: 1000,
            identify_gap: Duration::ZERO,
            answer_limit: Duration::from_secs(3),
            token_life: Duration::from_mins(15),
            patience: Duration::from_secs(10),
            close_without_heartbeat: false,
            gateway_sends_per_minute: 120,
            rate_limits: true,
            port: 0,
        }
    }
}

fn home_channels() -> Vec<Channel> {
    let channel = |id, guild, name: &str, parent| Channel {
        id,
        guild,
        name: name.into(),
        parent,
        bot_permissions: None,
    };
    vec![
        channel(BOT_CHANNEL, HOME, "bot", None),
        channel(APPROVALS, HOME, "approvals", None),
        channel(ALERTS, HOME, "alerts", None),
        channel(AUDIT, HOME, "audit", None),
        channel(OTHER, HOME, "other", None),
        channel(THREAD, HOME, "night-shift", Some(BOT_CHANNEL)),
        channel(ELSEWHERE_CHANNEL, ELSEWHERE, "general", None),
    ]
}
