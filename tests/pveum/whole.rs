//! A page typed as it is printed, all of it, where the token was given too much before.

use crate::support::binary::{steward, told};
use crate::support::{Setup, World, run_without_bot};
use crate::{FAMILY, FRIENDS, GAMES, bare, given, narrow, printed, typed};

/// What the README gives for a start.
const README: [&str; 6] = [
    "pveum role add StewardRead -privs 'VM.Audit Sys.Audit Pool.Audit'",
    "pveum role add StewardPower -privs 'VM.Audit VM.PowerMgmt Pool.Audit'",
    "pveum acl modify / -user discord@pve -role StewardRead",
    "pveum acl modify / -token 'discord@pve!bot' -role StewardRead",
    "pveum acl modify /vms -user discord@pve -role StewardPower",
    "pveum acl modify /vms -token 'discord@pve!bot' -role StewardPower",
];

/// Every path with what the token has there.
fn held(world: &World) -> String {
    let asked = "pveum user token permissions discord@pve bot";
    world.px.pveum(asked).unwrap()
}

/// What it has where nothing was given too wide; that this is enough and no more, the other tests show.
fn exactly(rules: &str) -> String {
    let mut exact = String::new();
    run_without_bot(bare(rules), async |world| {
        given(world, &[]).await;
        exact = held(world);
    });
    exact
}

fn gives_exactly_what_is_needed(setup: Setup, rules: &str, before: &'static [&str]) {
    let exact = exactly(rules);
    run_without_bot(setup, async |world| {
        for line in before {
            world.px.pveum(line).unwrap();
        }
        let page = printed(world, &[]).await;
        typed(world, &page);
        // Which storages take backups it sees only then, and says so.
        typed(world, &printed(world, &[]).await);
        assert_eq!(held(world), exact, "{page}");
        let again = printed(world, &[]).await;
        let more = ["pveum acl delete", "pveum role "];
        let more = |line: &str| more.iter().any(|start| line.starts_with(start));
        assert!(!again.lines().any(more), "{again}");
        let (said, _) = told(&mut steward(world, &["check"])).await;
        let all = "can do all that rules allow anybody";
        assert!(said.contains(all), "{said}\n{page}");
    });
}

/// With the second token there is a role of the bot's for Sys.Audit, and another one gives it on `/`.
#[test]
fn what_the_page_gives_it_does_not_take_away_again() {
    for rules in [FRIENDS, FAMILY, &narrow(FAMILY), &narrow(GAMES)] {
        gives_exactly_what_is_needed(bare(rules).token_admin(), rules, &README);
        gives_exactly_what_is_needed(bare(rules), rules, &README);
    }
}

/// The bot's own role, given by hand without `-propagate 0`: the line that gives it mends that.
#[test]
fn an_entry_that_reached_too_far_is_mended_by_the_line_that_gives_it() {
    let wide: &[&str] = &[
        "pveum role add StewardSysAudit -privs Sys.Audit",
        "pveum role add StewardVMAudit -privs VM.Audit",
        "pveum acl modify / -user discord@pve -token 'discord@pve!bot' -role StewardSysAudit,StewardVMAudit",
    ];
    gives_exactly_what_is_needed(bare(FRIENDS), FRIENDS, wide);
}

/// A role of another name does, and which one it is the token cannot see.
#[test]
fn what_another_role_gives_as_well_is_said_and_left() {
    let exact = exactly(FRIENDS);
    run_without_bot(bare(FRIENDS).token_admin(), async |world| {
        let given =
            "pveum acl modify / -user discord@pve -token 'discord@pve!bot' -role PVEAuditor";
        world.px.pveum(given).unwrap();
        let page = printed(world, &[]).await;
        let (_, others) = page.split_once("roles of other names").unwrap();
        assert!(
            others.contains("# /: Sys.Audit, which reaches below it"),
            "{page}"
        );
        typed(world, &page);
        typed(
            world,
            "pveum acl delete / -user discord@pve -token 'discord@pve!bot' -role PVEAuditor",
        );
        assert_eq!(held(world), exact, "{page}");
    });
}

/// What only lets the token see more is given, too, until all is seen.
#[test]
fn a_role_with_which_more_is_seen_is_not_deleted_in_the_same_page() {
    let rules = FRIENDS.replace("\"106\", ", "").replace(", \"104\"", "");
    run_without_bot(bare(&rules), async |world| {
        let line = "pveum role add StewardVMAudit -privs VM.Audit";
        world.px.pveum(line).unwrap();
        let page = printed(world, &[]).await;
        assert!(page.contains("#   pveum acl modify /vms "), "{page}");
        assert!(!page.contains("role delete StewardVMAudit"), "{page}");
        assert!(!page.contains("nothing is needed"), "{page}");
        let all = printed(world, &["--remove"]).await;
        assert!(all.contains("role delete StewardVMAudit"), "{all}");
    });
}

/// The second token, its user and the roles of both.
#[test]
fn what_was_given_to_both_tokens_is_all_taken_away() {
    run_without_bot(bare(FRIENDS).token_admin(), async |world| {
        given(world, &[]).await;
        let offline = printed(world, &["--offline", "--remove"]).await;
        let all = printed(world, &["--remove"]).await;
        for role in ["StewardPermissionsModify", "StewardUserModify"] {
            let line = format!("pveum role delete {role}\n");
            assert!(
                all.contains(&line) && offline.contains(&line),
                "{all}{offline}"
            );
        }
        typed(world, &all);
        let lists = ["role list", "acl list", "user list"];
        let left = lists.map(|list| world.px.pveum(&format!("pveum {list}")).unwrap());
        let left = left.concat().to_ascii_lowercase();
        assert!(
            !left.contains("steward") && !left.contains("discord"),
            "{left}"
        );
    });
}
