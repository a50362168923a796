//! Laws that hold in every world: for invented policies, people, guests, grants and moments.
//!
//! The worlds are the same at every run, so that nobody meets a failure that they did not cause;
//! `PROPTEST_RNG_SEED=7 PROPTEST_CASES=5000 cargo test --test properties` looks at others.

#[path = "worlds/mod.rs"]
mod worlds;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngSeed, TestRunner};
use pve_steward::action::{Actor, GuestFacts, Right, Target};
use pve_steward::config::{AllowRule, DenyRule, Hours, Limit, Place};
use pve_steward::ids::{ChannelId, GuestRef, GuildId, Kind, RoleId, UserId, Vmid};
use pve_steward::permission::{
    Acts, Basis, Denied, Grant, Law, Policy, Rights, Standing, Verdict, check,
};
use worlds::{Rules, World, did, world};

/// So many worlds for each law.
fn worlds(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    let seed = match asked.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_261_124),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    ProptestConfig {
        // 256 is what proptest does unless it is told otherwise.
        cases: if asked.cases == 256 {
            cases
        } else {
            asked.cases
        },
        rng_seed: seed,
        // A case that was found becomes a test of its own.
        failure_persistence: None,
        ..asked
    }
}

/// A decision without the rule that made it, which the order may choose among equals.
fn kind(decision: &Result<Verdict, Denied>) -> (&'static str, bool, bool) {
    let no = match decision {
        Ok(verdict) => return ("yes", verdict.confirm, verdict.counts.is_some()),
        Err(Denied::NoRule) => "no rule",
        Err(Denied::OtherChannel(_)) => "other channel",
        Err(Denied::OutsideHours { .. }) => "outside hours",
        Err(Denied::UsedUp { .. }) => "used up",
        Err(Denied::Resting { .. }) => "resting",
        Err(Denied::ByRule(_)) => "by rule",
        Err(Denied::Lockdown) => "lockdown",
    };
    (no, false, false)
}

fn without_denies(rules: &Rules, keep: impl Fn(&DenyRule) -> bool) -> Rules {
    let mut rules = rules.clone();
    rules.deny.retain(keep);
    rules
}

/// The rule on that line and the denies. What is lent rests on its giver's `access`, too, which other
/// rules may give: of those just that is left.
fn only_allow(rules: &Rules, line: usize, lent: bool) -> Rules {
    let mut rules = rules.clone();
    let star = |words: &[String]| words.iter().any(|word| word == "*");
    rules.allow.retain_mut(|rule| {
        let here = rule.place.line == line;
        let named = rule.words.iter().any(|word| word == "access");
        let gives = named || (star(&rule.words) && star(&rule.guests) && star(&rule.nodes));
        if !here {
            rule.actions = vec![Right::Access];
            rule.words = vec!["access".to_owned()];
        }
        here || (lent && gives)
    });
    rules
}

/// The grants that mean this right on this target, worth something or not.
fn lent<'w>(world: &'w World, to: UserId, right: Right, target: &Target<'_>) -> Vec<&'w Grant> {
    let Target::Guest(guest) = target else {
        return Vec::new();
    };
    let means = |grant: &&Grant| {
        grant.to == to
            && right.can_be_lent()
            && grant.rights.contains(&right)
            && grant.guest == guest.guest
            && Some(&grant.guest_name) == guest.name.as_ref()
            && !grant.is_over(world.now.as_second())
    };
    world
        .grants
        .iter()
        .map(AsRef::as_ref)
        .filter(means)
        .collect()
}

/// Who lent it, standing where the one stands to whom it was lent.
fn giver(grant: &Grant, asker: &Actor) -> Actor {
    Actor {
        user: grant.giver.user,
        roles: grant.giver.roles.clone(),
        ..asker.clone()
    }
}

proptest! {
    #![proptest_config(worlds(300))]

    #[test]
    fn a_deny_beats_all_but_lockdown(world in world()) {
        let law = world.law();
        for (asker, right, target) in world.questions() {
            if !world.rules.denying(asker, right, &target).is_empty() {
                let decision = law.of(asker).decide(right, &target);
                prop_assert!(matches!(decision, Err(Denied::ByRule(_) | Denied::Lockdown)), "{decision:?}");
            }
        }
    }

    #[test]
    fn what_no_rule_and_no_grant_gives_is_refused(world in world()) {
        let law = world.law();
        for (asker, right, target) in world.questions() {
            let given = !world.rules.allowing(asker, right, &target).is_empty();
            if !given && lent(&world, asker.user, right, &target).is_empty() {
                let decision = law.of(asker).decide(right, &target);
                let no = [Err(Denied::NoRule), Err(Denied::Lockdown)];
                let denied = matches!(decision, Err(Denied::ByRule(_)));
                prop_assert!(denied || no.contains(&decision), "{decision:?}");
            }
        }
    }

    #[test]
    fn what_is_lent_is_never_more_than_its_giver_has(world in world()) {
        let law = world.law();
        let alone = law.rules_alone();
        for (asker, right, target) in world.questions() {
            let Ok(verdict) = law.of(asker).decide(right, &target) else { continue };
            let Basis::Grant { id, by, .. } = &verdict.basis else { continue };
            let means = lent(&world, asker.user, right, &target);
            let grant = means.iter().find(|grant| grant.id == *id).unwrap();
            prop_assert_eq!(grant.giver.user, *by);
            prop_assert_ne!(asker.user, *by);
            let giver = giver(grant, asker);
            prop_assert!(alone.of(&giver).has_by_rule(Right::Access, &target).is_ok());
            prop_assert!(alone.of(&giver).has_by_rule(right, &target).is_ok());
            prop_assert!(world.rules.denying(&giver, right, &target).is_empty());
        }
    }

    /// A confirmation or a limit falls away only where another source is without it.
    #[test]
    fn conditions_bind_the_one_to_whom_it_is_lent(world in world()) {
        let law = world.law();
        let alone = law.rules_alone();
        for (asker, right, target) in world.questions() {
            let Ok(verdict) = law.of(asker).decide(right, &target) else { continue };
            let own = alone.of(asker).has_by_rule(right, &target);
            let givers = lent(&world, asker.user, right, &target).into_iter().map(|grant| {
                alone.of(&giver(grant, asker)).has_by_rule(right, &target)
            });
            let sources: Vec<Verdict> = givers.chain([own]).flatten().collect();
            prop_assert!(verdict.confirm || sources.iter().any(|source| !source.confirm));
            prop_assert!(verdict.counts.is_some() || sources.iter().any(|source| source.counts.is_none()));
        }
    }

    #[test]
    fn the_order_of_rules_never_matters(world in world(), seed in any::<usize>()) {
        let standing = world.standing();
        let before = world.law_with(&world.rules, standing.clone());
        let after = world.law_with(&world.rules.shuffled(seed), standing);
        for (asker, right, target) in world.questions() {
            let (before, after) = (before.of(asker), after.of(asker));
            let first = before.decide(right, &target);
            let second = after.decide(right, &target);
            prop_assert_eq!(kind(&first), kind(&second));
            prop_assert_eq!(first.err().and_then(|no| no.until()), second.err().and_then(|no| no.until()));
            prop_assert_eq!(before.see(&target), after.see(&target));
            prop_assert_eq!(before.know(&target), after.know(&target));
            let asks = |mine: &Rights<'_>| mine.may_ask(right, &target).is_some();
            prop_assert_eq!(asks(&before), asks(&after));
        }
    }

    #[test]
    fn a_deny_more_or_an_allow_less_gives_nothing(
        world in world(), deny in worlds::deny(), which in any::<prop::sample::Index>()
    ) {
        let standing = world.standing();
        let before = world.law_with(&world.rules, standing.clone());
        let mut denied = world.rules.clone();
        denied.deny.push(deny);
        let mut fewer = world.rules.clone();
        fewer.allow.remove(which.index(fewer.allow.len()));
        for rules in [denied, fewer] {
            let after = world.law_with(&rules, standing.clone());
            for (asker, right, target) in world.questions() {
                let (before, after) = (before.of(asker), after.of(asker));
                let may = |mine: &Rights<'_>| mine.decide(right, &target).is_ok();
                prop_assert!(may(&before) || !may(&after));
                prop_assert!(before.see(&target) || !after.see(&target));
                prop_assert!(before.know(&target) || !after.know(&target));
            }
        }
    }

    #[test]
    fn a_permit_is_for_what_was_decided_and_nothing_else(world in world()) {
        let law = world.law();
        for (asker, right, target) in world.questions() {
            let decision = law.of(asker).decide(right, &target);
            match check(&law, asker, right, &target) {
                Err(denied) => prop_assert_eq!(Err(denied), decision),
                Ok(permit) => {
                    let verdict = decision.unwrap();
                    prop_assert_eq!(permit.basis(), &verdict.basis);
                    prop_assert_eq!(permit.needs_confirmation(), verdict.confirm);
                    prop_assert_eq!(permit.counts(), verdict.counts);
                    prop_assert_eq!(permit.user(), asker.user);
                    for (_, other, elsewhere) in world.questions() {
                        let same = other == right && elsewhere.key() == target.key();
                        prop_assert_eq!(permit.covers(other, &elsewhere.key()), same);
                    }
                }
            }
        }
    }

    #[test]
    fn nobody_asks_for_what_they_have_or_are_denied(world in world()) {
        let law = world.law();
        for (asker, right, target) in world.questions() {
            let mine = law.of(asker);
            let Some(rule) = mine.may_ask(right, &target) else { continue };
            let decision = mine.decide(right, &target);
            prop_assert!(decision.is_err());
            prop_assert!(world.rules.denying(asker, right, &target).is_empty());
            // Lockdown binds nobody who has access there.
            let bound = mine.has_by_rule(Right::Access, &target).is_err();
            prop_assert!(!world.locked || !bound);
            let asking = world.rules.asking(asker, right, &target);
            prop_assert!(asking.iter().any(|ask| ask.place == rule.place));
            prop_assert!(mine.know(&target));
        }
    }

    #[test]
    fn what_nothing_speaks_of_is_neither_seen_nor_known(world in world()) {
        let law = world.law();
        for asker in &world.askers {
            for target in world.targets() {
                let covers = |right: Right| {
                    !world.rules.allowing(asker, right, &target).is_empty()
                        || !world.rules.asking(asker, right, &target).is_empty()
                        || !lent(&world, asker.user, right, &target).is_empty()
                };
                let open = |right: Right| {
                    covers(right) && world.rules.denying(asker, right, &target).is_empty()
                };
                let mine = law.of(asker);
                if !Right::ALL.into_iter().any(open) {
                    prop_assert!(!mine.see(&target) && !mine.know(&target));
                }
                prop_assert!(!mine.see(&target) || mine.know(&target));
                let may = |right: Right| mine.decide(right, &target).is_ok();
                prop_assert!(mine.see(&target) || !Right::ALL.into_iter().any(may));
            }
        }
    }

    #[test]
    fn no_act_hides_a_guest(world in world()) {
        let standing = world.standing();
        let rested = Standing { acts: Acts::default(), ..standing.clone() };
        let (tired, rested) = (world.law_with(&world.rules, standing), world.law_with(&world.rules, rested));
        for asker in &world.askers {
            for target in world.targets() {
                prop_assert_eq!(tired.of(asker).see(&target), rested.of(asker).see(&target));
                prop_assert_eq!(tired.of(asker).know(&target), rested.of(asker).know(&target));
            }
        }
    }

    /// The matrix shows what is held at some time here, and only that.
    #[test]
    fn the_matrix_and_the_decisions_agree(world in world()) {
        let mut open = world.clone();
        open.locked = false;
        let law = open.law();
        for (asker, right, target) in open.questions() {
            let mine = law.of(asker);
            let decision = mine.decide(right, &target);
            match mine.terms(right, &target) {
                None => prop_assert!(matches!(decision, Err(Denied::NoRule | Denied::OtherChannel(_) | Denied::ByRule(_)))),
                Some(terms) if terms.ask => prop_assert!(mine.may_ask(right, &target).is_some()),
                Some(terms) => {
                    let kind = kind(&decision).0;
                    // The giver's access may have hours of its own.
                    let closed = ["no rule", "other channel"].contains(&kind);
                    let lent = terms.lent_until.is_some() && closed;
                    prop_assert!(lent || !["by rule", "no rule", "other channel"].contains(&kind), "{}", kind);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(worlds(300))]

    /// The rule that is named decides by itself, the denies aside.
    #[test]
    fn the_rule_that_is_named_decides(world in world()) {
        let standing = world.standing();
        let law = world.law_with(&world.rules, standing.clone());
        let mut alone: BTreeMap<(bool, usize), Law> = BTreeMap::new();
        for (asker, right, target) in world.questions() {
            let decision = law.of(asker).decide(right, &target);
            match &decision {
                Ok(Verdict { basis, .. }) => {
                    let (line, by_grant) = (basis.rule().place.line, basis.giver().is_some());
                    let of_rule = alone.entry((by_grant, line)).or_insert_with(|| {
                        let rules = only_allow(&world.rules, line, by_grant);
                        let mut standing = standing.clone();
                        if !by_grant {
                            standing.grants.clear();
                        }
                        standing.lockdown = None;
                        world.law_with(&rules, standing)
                    });
                    prop_assert!(of_rule.of(asker).decide(right, &target).is_ok());
                }
                Err(Denied::ByRule(rule)) => {
                    let without = without_denies(&world.rules, |deny| deny.place != rule.place);
                    let only = without_denies(&world.rules, |deny| deny.place == rule.place);
                    let decide = |rules: &Rules| world.law_with(rules, standing.clone()).of(asker).decide(right, &target);
                    prop_assert_ne!(&decide(&without), &decision);
                    prop_assert_eq!(kind(&decide(&only)).0, "by rule");
                }
                Err(_) => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(worlds(120))]

    /// Minute by minute: they are closed until the moment that a refusal names, and open then.
    #[test]
    fn hours_begin_when_the_refusal_says(
        hours in worlds::hours(), zone in 0..NIGHTS.len(), before in -7200..93_600_i64
    ) {
        let (zone, change) = NIGHTS[zone];
        let policy = policy_of_hours(hours, zone);
        let now = change - before;
        let friend = friend();
        let facts = facts();
        let target = Target::Guest(&facts);
        let decide = |unix: i64| at(&policy, unix).of(&friend).decide(Right::Start, &target);
        let Err(denied) = decide(now) else { return Ok(()) };
        let until = denied.until().unwrap();
        let first = (now / 60 + 1) * 60;
        prop_assert!(first <= until && until < now + 50 * 3600, "until {}", until);
        for minute in (first..until).step_by(60) {
            let open = decide(minute).is_ok();
            prop_assert!(!open, "from {} on, not {}", at(&policy, minute).now(), at(&policy, until).now());
        }
        prop_assert!(decide(until).is_ok(), "closed at {}", at(&policy, until).now());
    }

    /// However somebody hurries, and whatever they are told about when to come back.
    #[test]
    fn no_stretch_of_time_has_more_acts_than_the_limit(
        limits in vec(worlds::limit(), 1..3), pauses in vec(prop_oneof![0..5_000_i64, 0..900_000_i64], 1..80)
    ) {
        let rules = Rules { allow: limits.iter().map(|limit| allow(None, Some(*limit))).collect(), ..Rules::default() };
        let policy = rules.policy("UTC");
        let (friend, facts) = (friend(), facts());
        let (mut acts, mut now) = (Acts::default(), 1_767_225_600_000_i64);
        let mut done: BTreeMap<_, (_, Vec<i64>)> = BTreeMap::new();
        for pause in pauses {
            now += pause;
            let decide = |ms: i64| {
                let standing = Standing { acts: acts.clone(), ..Standing::default() };
                let law = Law::new(policy.clone(), Arc::new(standing), Timestamp::from_millisecond(ms).unwrap());
                law.of(&friend).decide(Right::Start, &Target::Guest(&facts))
            };
            match decide(now) {
                Ok(verdict) => {
                    let counts = verdict.counts.unwrap();
                    done.entry(counts.rule).or_insert((counts.limit, Vec::new())).1.push(now);
                    acts.add(did(&friend, Right::Start, &facts, &verdict, Timestamp::from_millisecond(now).unwrap()));
                }
                Err(Denied::UsedUp { until, .. }) => {
                    prop_assert!(decide(until * 1000).is_ok());
                    prop_assert!(decide(until * 1000 - 1000).is_err() || until * 1000 - 1000 < now);
                }
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }
        for (limit, times) in done.into_values() {
            let per = i64::try_from(limit.per.as_millis()).unwrap();
            for window in times.windows(limit.most as usize + 1) {
                prop_assert!(window[limit.most as usize] - window[0] >= per, "{window:?}");
            }
        }
    }
}

/// Laws over worlds in which nothing ever happens would prove nothing.
#[test]
fn every_kind_of_decision_is_met() {
    let mut runner = TestRunner::new(worlds(300));
    let mut met: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..300 {
        let world = world().new_tree(&mut runner).unwrap().current();
        let law = world.law();
        for (asker, right, target) in world.questions() {
            let decision = law.of(asker).decide(right, &target);
            let lent = matches!(&decision, Ok(verdict) if verdict.basis.giver().is_some());
            let kind = if lent { "lent" } else { kind(&decision).0 };
            *met.entry(kind).or_default() += 1;
        }
    }
    println!("{met:?}");
    assert_eq!(met.len(), 9, "{met:?}");
    assert!(met.values().all(|times| *times >= 10), "{met:?}");
}

/// Zones, and in unix seconds when their clocks are changed.
const NIGHTS: [(&str, i64); 6] = [
    ("Europe/Berlin", 1_774_746_000),
    ("Europe/Berlin", 1_792_890_000),
    ("America/New_York", 1_772_953_200),
    ("America/New_York", 1_793_512_800),
    // By half an hour.
    ("Australia/Lord_Howe", 1_775_314_800),
    ("Australia/Lord_Howe", 1_791_041_400),
];

fn allow(hours: Option<Hours>, limit: Option<Limit>) -> AllowRule {
    AllowRule {
        place: Place {
            file: "steward.toml".into(),
            line: 1,
        },
        who: vec!["friends".to_owned()],
        actions: vec![Right::Start],
        guests: vec!["*".to_owned()],
        nodes: Vec::new(),
        channels: Vec::new(),
        confirm: Vec::new(),
        hours,
        limit,
        cooldown: None,
        words: vec!["start".to_owned()],
    }
}

fn policy_of_hours(hours: Hours, zone: &str) -> Arc<Policy> {
    let rules = Rules {
        allow: vec![allow(Some(hours), None)],
        ..Rules::default()
    };
    rules.policy(zone)
}

/// The same rules at another moment. Compiling them anew would be most of the time.
fn at(policy: &Arc<Policy>, unix: i64) -> Law {
    let now = Timestamp::from_second(unix).unwrap();
    Law::new(policy.clone(), Arc::default(), now)
}

fn friend() -> Actor {
    Actor {
        user: UserId(99),
        name: "somebody".to_owned(),
        roles: vec![RoleId(20)],
        guild: GuildId(1),
        channel: ChannelId(1),
        parent: None,
    }
}

fn facts() -> GuestFacts {
    GuestFacts {
        guest: GuestRef {
            cluster: "home".parse().unwrap(),
            vmid: Vmid::new(101).unwrap(),
        },
        kind: Kind::Vm,
        node: "pve1".parse().unwrap(),
        name: None,
        pool: None,
        pools_seen: [].into(),
        tags: Vec::new(),
    }
}
