//! Invented worlds for `properties`: people, roles, guests, rules, grants, past acts and a moment.
//!
//! Rules are built as `config` would read them, each on a line of its own, so that a line names a
//! rule wherever it is moved to.

pub mod plain;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use pve_steward::action::{Actor, GuestFacts, Right, Target, TargetKey};
use pve_steward::config::{
    self, AllowRule, AskRule, Bot, Cluster, Config, DenyRule, Discord, Hours, Limit, Place, Secret,
    Trust,
};
use pve_steward::ids::{
    ChannelId, GrantId, GuestRef, GuildId, Kind, NodeRef, RoleId, UserId, Vmid,
};
use pve_steward::permission::{Acts, Did, Giver, Grant, Law, Lockdown, Policy, Standing, Verdict};

const PEOPLE: [(&str, u64); 3] = [("ann", 10), ("ben", 11), ("cat", 12)];
const ROLES: [(&str, u64); 3] = [("friends", 20), ("staff", 21), ("night", 22)];
const ZONES: [&str; 3] = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"];

/// The rules of a policy, as written.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub allow: Vec<AllowRule>,
    pub deny: Vec<DenyRule>,
    pub ask: Vec<AskRule>,
}

/// Something done before, if it was allowed then.
#[derive(Debug, Clone)]
struct Past {
    by: usize,
    guest: usize,
    right: Right,
    seconds_ago: i64,
}

#[derive(Debug, Clone)]
pub struct World {
    pub rules: Rules,
    pub askers: Vec<Actor>,
    pub guests: Vec<GuestFacts>,
    pub node: NodeRef,
    pub grants: Vec<Arc<Grant>>,
    pub locked: bool,
    pub zone: &'static str,
    pub now: Timestamp,
    past: Vec<Past>,
}

impl Rules {
    /// Compiled, with the hours in that zone.
    pub fn policy(&self, zone: &str) -> Arc<Policy> {
        let config = configuration(self, zone);
        Arc::new(Policy::compile(&config).unwrap())
    }

    /// The same rules in another order.
    pub fn shuffled(&self, seed: usize) -> Self {
        let place = |place: &Place| (place.line * 2_654_435_761) ^ seed;
        let mut rules = self.clone();
        rules.allow.sort_by_key(|rule| place(&rule.place) % 9973);
        rules.deny.sort_by_key(|rule| place(&rule.place) % 9973);
        rules.ask.sort_by_key(|rule| place(&rule.place) % 9973);
        rules
    }
}

impl World {
    /// What holds now, the past acts counted.
    pub fn law(&self) -> Law {
        self.law_with(&self.rules, self.standing())
    }

    /// The same moment under other rules or with other grants.
    pub fn law_with(&self, rules: &Rules, standing: Standing) -> Law {
        Law::new(rules.policy(self.zone), Arc::new(standing), self.now)
    }

    /// Grants and lockdown, and the past acts as far as they were allowed when they were done.
    pub fn standing(&self) -> Standing {
        let policy = self.rules.policy(self.zone);
        let mut standing = Standing {
            grants: self.grants.clone(),
            lockdown: None,
            acts: Acts::default(),
        };
        for past in &self.past {
            let at = self.now - jiff::SignedDuration::from_secs(past.seconds_ago);
            let law = Law::new(policy.clone(), Arc::new(standing.clone()), at);
            let (asker, guest) = (&self.askers[past.by], &self.guests[past.guest]);
            if let Ok(verdict) = law.of(asker).decide(past.right, &Target::Guest(guest)) {
                standing
                    .acts
                    .add(did(asker, past.right, guest, &verdict, at));
            }
        }
        standing.lockdown = self.locked.then_some(Lockdown {
            by: UserId(10),
            reason: None,
            since: 0,
        });
        standing
    }

    pub fn targets(&self) -> Vec<Target<'_>> {
        let guests = self.guests.iter().map(Target::Guest);
        guests
            .chain([Target::Node(&self.node), Target::Bot])
            .collect()
    }

    /// Everything that can be asked in this world.
    pub fn questions(&self) -> Vec<(&Actor, Right, Target<'_>)> {
        let mut all = Vec::new();
        for asker in &self.askers {
            for target in self.targets() {
                all.extend(Right::ALL.map(|right| (asker, right, target)));
            }
        }
        all
    }
}

/// One act more, as the store would count it.
pub fn did(
    asker: &Actor,
    right: Right,
    guest: &GuestFacts,
    verdict: &Verdict,
    at: Timestamp,
) -> Did {
    Did {
        user: asker.user,
        under: verdict.counts.map(|counts| counts.rule),
        on: TargetKey::Guest(guest.guest.clone()),
        right,
        at_ms: at.as_millisecond(),
    }
}

fn configuration(rules: &Rules, zone: &str) -> Config {
    let cluster = |name: &str| Cluster {
        name: name.parse().unwrap(),
        endpoints: vec!["https://127.0.0.1:8006".to_owned()],
        token_id: "discord@pve!bot".to_owned(),
        token_secret: Secret::new("s".to_owned()),
        admin_token: None,
        trust: Trust::SystemRoots,
    };
    let names = |list: [(&str, u64); 3]| list.map(|(name, id)| (name.to_owned(), id));
    Config {
        discord: Discord {
            token: Secret::new("t".to_owned()),
            guilds: vec![GuildId(1)],
            channels: Vec::new(),
            public_read_channels: Vec::new(),
            approvals_channel: None,
            alerts_channel: None,
            audit_channel: None,
            api_url: None,
        },
        bot: Bot {
            state_dir: "/nonexistent".into(),
            acts: config::Acts::Public,
            time_zone: Some(TimeZone::get(zone).unwrap()),
            grant_max: Duration::from_hours(168),
            ask_expires: Duration::from_mins(30),
        },
        clusters: vec![cluster("home"), cluster("lab")],
        people: BTreeMap::from(names(PEOPLE).map(|(name, id)| (name, UserId(id)))),
        roles: BTreeMap::from(names(ROLES).map(|(name, id)| (name, RoleId(id)))),
        allow: rules.allow.clone(),
        deny: rules.deny.clone(),
        ask: rules.ask.clone(),
    }
}

// How worlds are invented. Few names for everything: rules and questions shall meet.

pub fn world() -> impl Strategy<Value = World> {
    let askers = vec(actor(), 2..4);
    let guests = vec(guest(), 2..4);
    let past = vec(past(), 0..12);
    let when = (select(&ZONES[..]), 0..31_536_000_i64, any::<bool>());
    (rules(), askers, guests, node(), grants(), past, when, 0..5).prop_map(
        |(rules, askers, guests, node, grants, mut past, (zone, second, night), lock)| {
            for act in &mut past {
                act.by %= askers.len();
                act.guest %= guests.len();
            }
            past.sort_by_key(|act| std::cmp::Reverse(act.seconds_ago));
            let now = moment(zone, second, night);
            let lent = |(id, draft): (i64, Draft)| Arc::new(draft.grant(id, &askers, &guests, now));
            World {
                grants: (1..).zip(grants).map(lent).collect(),
                rules,
                node,
                locked: lock == 0,
                zone,
                now,
                past,
                askers,
                guests,
            }
        },
    )
}

/// Some second of 2026; half of them in the night in which the clocks are put back.
fn moment(zone: &str, second: i64, night: bool) -> Timestamp {
    let january = 1_767_225_600;
    let autumn = if zone == "Europe/Berlin" {
        1_792_886_400
    } else {
        1_793_491_200
    };
    let at = if night {
        autumn + second % 43_200
    } else {
        january + second
    };
    Timestamp::from_second(at).unwrap()
}

pub fn rules() -> impl Strategy<Value = Rules> {
    (vec(allow(), 1..7), vec(deny(), 0..3), vec(ask(), 0..3)).prop_map(|(allow, deny, ask)| {
        let mut rules = Rules { allow, deny, ask };
        let allow = rules.allow.iter_mut().map(|rule| &mut rule.place);
        let deny = rules.deny.iter_mut().map(|rule| &mut rule.place);
        let ask = rules.ask.iter_mut().map(|rule| &mut rule.place);
        for (line, place) in (1..).zip(allow.chain(deny).chain(ask)) {
            place.line = line;
        }
        rules
    })
}

fn place() -> Place {
    Place {
        file: "steward.toml".into(),
        line: 0,
    }
}

fn who() -> impl Strategy<Value = Vec<String>> {
    let names: Vec<&str> = PEOPLE.iter().chain(&ROLES).map(|(name, _)| *name).collect();
    subsequence(names, 1..4).prop_map(texts)
}

fn texts(words: Vec<&str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

/// Words for actions, and the rights that they mean.
fn actions() -> impl Strategy<Value = (Vec<String>, Vec<Right>)> {
    let words = vec![
        "view", "start", "shutdown", "reboot", "stop", "access", "audit", "power", "force", "*",
        // Once more, because most rules give these.
        "*", "access",
    ];
    subsequence(words, 1..4).prop_map(|words| {
        let mut rights: Vec<Right> = words
            .iter()
            .filter_map(|w| Right::named(w))
            .flatten()
            .collect();
        rights.sort_unstable();
        rights.dedup();
        (texts(words), rights)
    })
}

const GUEST_WORDS: [&str; 17] = [
    "*",
    "home/101",
    "lab/102",
    "name:web-*",
    "name:*",
    "name:db?",
    "tag:games",
    "tag:prod",
    "pool:games",
    "pool:prod",
    "node:pve1",
    "node:lab/pve*",
    "node:cluster:home",
    "vm",
    "ct",
    "cluster:home",
    "cluster:lab",
];
const NODE_WORDS: [&str; 5] = ["*", "pve1", "pve*", "home/pve2", "cluster:lab"];

fn guest_words() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        1 => Just(texts(vec!["*"])),
        3 => subsequence(&GUEST_WORDS[..], 1..4).prop_map(texts),
    ]
}

fn node_words() -> impl Strategy<Value = Vec<String>> {
    subsequence(&NODE_WORDS[..], 1..3).prop_map(texts)
}

fn allow() -> impl Strategy<Value = AllowRule> {
    let lists = (
        option::weighted(0.9, guest_words()),
        option::weighted(0.3, node_words()),
    );
    let channels = prop_oneof![
        3 => Just(Vec::new()),
        1 => subsequence(vec![1, 2, 3], 1..3),
    ];
    let confirm = subsequence(&Right::ALL[..], 0..4);
    let when = (
        option::weighted(0.3, hours()),
        option::weighted(0.3, limit()),
        option::weighted(0.2, select(&[20_u64, 300, 3600][..])),
    );
    (who(), actions(), lists, channels, confirm, when).prop_map(
        |(who, (words, actions), (guests, nodes), channels, confirm, (hours, limit, rest))| {
            AllowRule {
                place: place(),
                who,
                actions,
                guests: guests.unwrap_or_default(),
                nodes: nodes.unwrap_or_default(),
                channels: channels.into_iter().map(ChannelId).collect(),
                confirm,
                hours,
                limit,
                cooldown: rest.map(Duration::from_secs),
                words,
            }
        },
    )
}

pub fn deny() -> impl Strategy<Value = DenyRule> {
    let lists = (
        option::weighted(0.9, guest_words()),
        option::weighted(0.3, node_words()),
    );
    (who(), actions(), lists).prop_map(|(who, (_, actions), (guests, nodes))| DenyRule {
        place: place(),
        who,
        actions,
        guests,
        nodes,
    })
}

fn ask() -> impl Strategy<Value = AskRule> {
    (who(), actions(), guest_words()).prop_map(|(who, (_, mut actions), guests)| {
        actions.retain(|right| right.can_be_lent() && *right != Right::View);
        AskRule {
            place: place(),
            who,
            actions,
            guests,
        }
    })
}

/// Half of them begin or end in the night, where clocks are changed.
pub fn hours() -> impl Strategy<Value = Hours> {
    let minute = || prop_oneof![0..300_i16, 0..1440_i16];
    let time = |minute: i16| {
        let (hour, minute) = (minute / 60, minute % 60);
        Time::new(
            i8::try_from(hour).unwrap(),
            i8::try_from(minute).unwrap(),
            0,
            0,
        )
        .unwrap()
    };
    let bounds = (minute(), prop_oneof![1..120_i16, 1..1440_i16]);
    bounds.prop_map(move |(from, length)| Hours {
        from: time(from),
        to: time((from + length) % 1440),
    })
}

pub fn limit() -> impl Strategy<Value = Limit> {
    (1..4_u32, select(&[30_u64, 600, 3600][..])).prop_map(|(most, seconds)| Limit {
        most,
        per: Duration::from_secs(seconds),
    })
}

fn actor() -> impl Strategy<Value = Actor> {
    let roles = subsequence(vec![20, 21, 22], 0..3);
    let channel = (1..4_u64, option::weighted(0.2, 1..4_u64));
    (10..14_u64, roles, channel).prop_map(|(user, roles, (channel, parent))| Actor {
        user: UserId(user),
        name: "somebody".to_owned(),
        roles: roles.into_iter().map(RoleId).collect(),
        guild: GuildId(1),
        channel: ChannelId(channel),
        parent: parent.map(ChannelId),
    })
}

fn node() -> impl Strategy<Value = NodeRef> {
    (select(&["home", "lab"][..]), select(&["pve1", "pve2"][..])).prop_map(|(cluster, node)| {
        NodeRef {
            cluster: cluster.parse().unwrap(),
            node: node.parse().unwrap(),
        }
    })
}

fn guest() -> impl Strategy<Value = GuestFacts> {
    let name = option::weighted(0.8, select(&["web-1", "web-2", "db1"][..]));
    let pool = option::of(select(&["games", "prod", "prod/db"][..]));
    let seen = subsequence(vec!["games", "prod", "prod/db"], 0..4);
    let tags = subsequence(vec!["Games", "prod"], 0..3);
    let kind = select(&[Kind::Vm, Kind::Ct][..]);
    (101..104_u64, kind, node(), name, pool, seen, tags).prop_map(
        |(vmid, kind, node, name, pool, seen, tags)| GuestFacts {
            guest: GuestRef {
                cluster: node.cluster,
                vmid: Vmid::new(vmid).unwrap(),
            },
            kind,
            node: node.node,
            name: name.map(str::to_owned),
            pool: pool.map(str::to_owned),
            pools_seen: texts(seen).into(),
            tags: texts(tags),
        },
    )
}

fn past() -> impl Strategy<Value = Past> {
    let right = select(&[Right::Start, Right::Shutdown, Right::Reboot, Right::Stop][..]);
    let ago = prop_oneof![1..40_i64, 1..7200_i64];
    (0..4_usize, 0..4_usize, right, ago).prop_map(|(by, guest, right, seconds_ago)| Past {
        by,
        guest,
        right,
        seconds_ago,
    })
}

/// A grant before it is known who and what there is.
#[derive(Debug, Clone)]
struct Draft {
    to: usize,
    guest: usize,
    other_name: bool,
    rights: Vec<Right>,
    giver: u64,
    roles: Vec<u64>,
    ends: i64,
}

fn grants() -> impl Strategy<Value = Vec<Draft>> {
    let places = (0..4_usize, 0..4_usize, proptest::bool::weighted(0.1));
    // Not only what can be lent: what the store holds is not believed either.
    let rights = subsequence(&Right::ALL[..], 1..6);
    let giver = (10..14_u64, subsequence(vec![20, 21, 22], 0..4));
    let ends = prop_oneof![1 => -100..1_i64, 9 => 1..90_000_i64];
    let draft = (places, rights, giver, ends).prop_map(
        |((to, guest, other_name), rights, (giver, roles), ends)| Draft {
            to,
            guest,
            other_name,
            rights,
            giver,
            roles,
            ends,
        },
    );
    vec(draft, 0..4)
}

impl Draft {
    fn grant(self, id: i64, askers: &[Actor], guests: &[GuestFacts], now: Timestamp) -> Grant {
        let guest = &guests[self.guest % guests.len()];
        let name = guest.name.clone().filter(|_| !self.other_name);
        Grant {
            id: GrantId(id),
            to: askers[self.to % askers.len()].user,
            rights: self.rights,
            guest: guest.guest.clone(),
            guest_name: name.unwrap_or_else(|| "another".to_owned()),
            giver: Giver {
                user: UserId(self.giver),
                roles: self.roles.into_iter().map(RoleId).collect(),
                guild: GuildId(1),
            },
            since: now.as_second() - 60,
            ends: now.as_second() + self.ends,
        }
    }
}
