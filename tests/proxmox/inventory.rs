//! The snapshot: one request for all, never waiting, and honest about what it does not know.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fake_proxmox::{Fault, FaultKind, Guest, Match, Setup};
use futures_util::future::join_all;
use pve_steward::action::GuestFacts;
use pve_steward::proxmox::{
    Error, Inventory, Limits, NodeState, Quorum, RunState, Snapshot, StaleWhy, StorageState,
};

use crate::world::{client, client_with, home, limits, node, start, vmid};

const NOW: Duration = Duration::ZERO;
const TEN: Duration = Duration::from_secs(10);

fn inventory(fake: &fake_proxmox::Cluster) -> Arc<Inventory> {
    Inventory::new(Arc::new(client(fake)))
}

async fn read(inventory: &Arc<Inventory>) -> Arc<Snapshot> {
    inventory.fresh(NOW, TEN).await.expect("a snapshot")
}

fn count(fake: &fake_proxmox::Cluster, path: &str) -> usize {
    fake.requests()
        .iter()
        .filter(|request| request.path.ends_with(path))
        .count()
}

fn facts(snapshot: &Snapshot, number: u64) -> &GuestFacts {
    &snapshot.guests[&vmid(number)].facts
}

#[tokio::test]
async fn a_cluster_in_one_request() {
    let fake = home().await;
    // Power over the pool's guests replaces what is inherited there: the pool's name needs its own.
    for who in [fake.token_id(), "discord@pve".to_owned()] {
        fake.acl("/pool/friends", &who, &["Pool.Audit"], true);
    }
    let found = read(&inventory(&fake)).await;
    assert_eq!(found.guests.len(), 8);
    let valheim = &found.guests[&vmid(101)];
    assert_eq!(valheim.facts.name.as_deref(), Some("valheim"));
    assert_eq!(valheim.facts.pool.as_deref(), Some("friends"));
    assert_eq!(
        (&valheim.status, valheim.template),
        (&RunState::Stopped, false)
    );
    assert!(found.guests[&vmid(106)].template);
    assert_eq!(found.guests[&vmid(107)].lock.as_deref(), Some("backup"));
    assert_eq!(found.guests[&vmid(108)].ha.as_deref(), Some("stopped"));
    let minecraft = &found.guests[&vmid(102)];
    assert!(minecraft.uptime > Some(Duration::from_hours(1)) && minecraft.cpu.is_some());
    let pve1 = &found.nodes[&node("pve1")];
    assert_eq!(
        (&pve1.status, pve1.maxcpu),
        (&NodeState::Online, Some(16.0))
    );
    let nas = &found.storages[&(node("pve2"), "nas".to_owned())];
    assert!(nas.shared && nas.status == StorageState::Available && nas.maxdisk > nas.disk);
    assert_eq!(found.pools, ["friends"]);
    let quorum = Quorum {
        cluster: Some("home".to_owned()),
        quorate: true,
        nodes: 2,
        online: 2,
        answered_by: "pve1".parse().ok(),
    };
    assert_eq!(found.quorum, Some(quorum));
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test]
async fn ten_thousand_guests_fit_and_a_list_without_end_does_not() {
    let mut setup = Setup::home();
    let many = 1000..11_000;
    setup.guests.extend(many.map(|id| {
        Guest::vm(id, &format!("a-guest-with-a-name-{id}"), "pve1").tags(&["games", "lab"])
    }));
    let fake = start(setup).await;
    let patient = Limits {
        read: Duration::from_secs(30),
        ..limits()
    };
    let inventory = Inventory::new(Arc::new(client_with(&fake, patient)));
    let long = 3 * TEN;
    let found = inventory.fresh(NOW, long).await.expect("a snapshot");
    assert_eq!(found.guests.len(), 10_008);
    fake.fault(Fault::always(FaultKind::Padded(33 << 20)));
    let stale = inventory.fresh(NOW, long).await.expect_err("too long");
    assert!(
        matches!(stale.why, StaleWhy::Failed(error) if matches!(*error, Error::TooLong { .. }))
    );
}

#[tokio::test]
async fn twenty_people_are_one_request() {
    let fake = home().await;
    fake.fault(Fault::always(FaultKind::Slow(Duration::from_millis(200))));
    let inventory = inventory(&fake);
    let all = join_all((0..20).map(|_| inventory.fresh(TEN, TEN))).await;
    assert!(all.iter().all(Result::is_ok));
    inventory.fresh(TEN, TEN).await.expect("young enough");
    assert_eq!(count(&fake, "/cluster/resources"), 1);
    assert_eq!(count(&fake, "/cluster/status"), 1);
    // Older than asked for: one more, and the quorum is not asked again so soon.
    read(&inventory).await;
    assert_eq!(count(&fake, "/cluster/resources"), 2);
    assert_eq!(count(&fake, "/cluster/status"), 1);
}

#[tokio::test]
async fn the_impatient_leave_and_the_snapshot_still_comes() {
    let fake = home().await;
    fake.fault(Fault::always(FaultKind::Slow(Duration::from_millis(300))));
    let inventory = inventory(&fake);
    let stale = inventory
        .fresh(TEN, Duration::from_millis(50))
        .await
        .expect_err("too slow");
    assert!(matches!(stale.why, StaleWhy::Slow) && stale.latest.is_none());
    assert!(inventory.latest().is_none());
    inventory.fresh(TEN, TEN).await.expect("the same flight");
    assert_eq!(count(&fake, "/cluster/resources"), 1);
}

#[tokio::test]
async fn refreshing_does_not_wait() {
    let fake = home().await;
    fake.fault(Fault::always(FaultKind::Slow(Duration::from_millis(200))));
    let inventory = inventory(&fake);
    let began = Instant::now();
    inventory.refresh();
    inventory.refresh();
    assert!(began.elapsed() < Duration::from_millis(100));
    inventory.fresh(TEN, TEN).await.expect("the same flight");
    assert_eq!(count(&fake, "/cluster/resources"), 1);
}

#[tokio::test]
async fn when_proxmox_is_gone_the_last_snapshot_stays() {
    let fake = home().await;
    let inventory = inventory(&fake);
    let before = read(&inventory).await;
    assert!(inventory.last_error().is_none());
    fake.fault(Fault::always(FaultKind::Refuse));
    let stale = inventory.fresh(NOW, TEN).await.expect_err("gone");
    let StaleWhy::Failed(error) = stale.why else {
        panic!("slow")
    };
    assert!(error.unreachable(), "{error}");
    assert!(Arc::ptr_eq(&stale.latest.expect("the last"), &before));
    assert!(Arc::ptr_eq(&inventory.latest().expect("the last"), &before));
    assert!(inventory.last_error().is_some());
    fake.clear_faults();
    read(&inventory).await;
    assert!(inventory.last_error().is_none());
}

#[tokio::test]
async fn an_unreadable_list_is_an_error_and_not_an_empty_one() {
    let fake = home().await;
    let inventory = inventory(&fake);
    for kind in [FaultKind::BadJson, FaultKind::WrongBody] {
        fake.fault(Fault::always(kind).on(Match::any().path("/cluster/resources")));
        inventory.fresh(NOW, TEN).await.expect_err("unreadable");
        fake.clear_faults();
    }
}

#[tokio::test]
async fn what_the_token_may_not_see_looks_empty() {
    let fake = home().await;
    fake.clear_acls(&fake.token_id());
    let inventory = inventory(&fake);
    let found = read(&inventory).await;
    assert!(found.guests.is_empty() && found.storages.is_empty() && found.pools.is_empty());
    // The nodes are there, but say nothing of their load; and the quorum is not shown.
    let pve1 = &found.nodes[&node("pve1")];
    assert_eq!(
        (&pve1.status, pve1.cpu, pve1.maxmem),
        (&NodeState::Online, None, None)
    );
    assert_eq!(found.quorum, None);
    assert!(inventory.last_error().is_none());
    // Why, only the privileges tell.
    assert!(
        inventory
            .client()
            .permissions()
            .await
            .expect("permissions")
            .is_empty()
    );
}

#[tokio::test]
async fn a_lost_quorum_and_a_single_node() {
    let fake = home().await;
    fake.set_quorate(false);
    let found = read(&inventory(&fake)).await;
    assert!(!found.quorum.as_ref().expect("visible").quorate);

    let alone = start(Setup {
        standalone: true,
        ..Setup::home_on(&["pve1"])
    })
    .await;
    let found = read(&inventory(&alone)).await;
    let quorum = Quorum {
        cluster: None,
        quorate: true,
        nodes: 1,
        online: 1,
        answered_by: "pve1".parse().ok(),
    };
    assert_eq!(found.quorum, Some(quorum));
}

/// Its minute is not waited for when a node went, and what cannot be read again is not called good.
#[tokio::test]
async fn a_node_that_went_is_looked_at_for_the_quorum_at_once() {
    let fake = home().await;
    let inventory = inventory(&fake);
    assert!(
        read(&inventory)
            .await
            .quorum
            .as_ref()
            .expect("visible")
            .quorate
    );
    fake.set_node("pve2", |node| node.online = false);
    fake.set_quorate(false);
    let found = read(&inventory).await;
    let quorum = found.quorum.as_ref().expect("read again");
    assert_eq!((quorum.quorate, quorum.online), (false, 1));
    assert_eq!(count(&fake, "/cluster/status"), 2);
    read(&inventory).await;
    assert_eq!(count(&fake, "/cluster/status"), 2, "nothing has changed");
    fake.set_node("pve2", |node| node.online = true);
    fake.set_quorate(true);
    let refused = FaultKind::Status500("no".into());
    fake.fault(Fault::always(refused).on(Match::any().path("/cluster/status")));
    assert_eq!(read(&inventory).await.quorum, None);
    fake.clear_faults();
    let found = read(&inventory).await;
    assert!(found.quorum.as_ref().expect("read at last").quorate);
}

#[tokio::test]
async fn a_quorum_that_does_not_answer_keeps_nobody_waiting() {
    let fake = home().await;
    fake.fault(Fault::always(FaultKind::Hang).on(Match::any().path("/cluster/status")));
    let patient = Limits {
        protected: Duration::from_secs(30),
        ..limits()
    };
    let inventory = Inventory::new(Arc::new(client_with(&fake, patient)));
    let began = Instant::now();
    let found = read(&inventory).await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert_eq!((found.quorum.as_ref(), found.guests.len()), (None, 8));
}

#[tokio::test]
async fn the_guests_of_a_node_that_is_down_keep_their_names() {
    let fake = home().await;
    let inventory = inventory(&fake);
    read(&inventory).await;
    fake.set_node("pve2", |node| node.online = false);
    let found = read(&inventory).await;
    assert_eq!(found.nodes[&node("pve2")].status, NodeState::Offline);
    let minecraft = &found.guests[&vmid(102)];
    assert_eq!(
        (&minecraft.status, minecraft.maxmem),
        (&RunState::Unknown, None)
    );
    assert_eq!(minecraft.facts.name.as_deref(), Some("minecraft"));
    assert_eq!(minecraft.facts.tags, ["games"]);

    // Tags come from the configuration even now: taken away is taken away.
    fake.set_guest(102, |guest| guest.tags.clear());
    assert!(facts(&*read(&inventory).await, 102).tags.is_empty());
}

#[tokio::test]
async fn a_name_is_not_kept_for_another_guest() {
    let fake = home().await;
    let inventory = inventory(&fake);
    read(&inventory).await;
    fake.set_node("pve2", |node| node.online = false);
    // Gone, and its number given to another.
    let old = fake.guest(102).expect("a guest");
    fake.remove_guest(102);
    read(&inventory).await;
    fake.add_guest(Guest::vm(102, "secret", "pve2"));
    assert_eq!(facts(&*read(&inventory).await, 102).name, None);
    // The other kind under a known number, without a gap in between.
    fake.add_guest(old);
    fake.set_node("pve2", |node| node.online = true);
    read(&inventory).await;
    fake.set_node("pve2", |node| node.online = false);
    fake.add_guest(Guest::ct(102, "secret", "pve2"));
    assert_eq!(facts(&*read(&inventory).await, 102).name, None);
}

#[tokio::test]
async fn a_guest_is_looked_at_once_for_all_who_ask() {
    let fake = home().await;
    let inventory = inventory(&fake);
    let found = read(&inventory).await;
    let minecraft = facts(&found, 102);
    let looks = join_all((0..10).map(|_| inventory.guest_now(minecraft))).await;
    assert!(looks.iter().all(|now| {
        now.as_ref()
            .is_ok_and(|now| now.state() == &RunState::Running)
    }));
    assert_eq!(count(&fake, "/102/status/current"), 1);
    fake.set_guest(102, |guest| guest.state = "paused".to_owned());
    let shared = inventory.guest_now(minecraft).await.expect("shared");
    assert_eq!(shared.state(), &RunState::Running);
    let fresh = inventory.guest_now_fresh(minecraft).await.expect("fresh");
    assert_eq!(fresh.state(), &RunState::Paused);
    let shared = inventory.guest_now(minecraft).await.expect("shared");
    assert_eq!(shared.state(), &RunState::Paused);
    assert_eq!(count(&fake, "/102/status/current"), 2);
}

#[tokio::test]
async fn an_act_does_not_wait_behind_those_who_only_look() {
    let fake = home().await;
    let inventory = inventory(&fake);
    let found = read(&inventory).await;
    // Another guest of its node hangs, and somebody looks at that one, then somebody at this one.
    fake.fault(Fault::always(FaultKind::Hang).on(Match::any().path("/108/status/current")));
    let looks = async {
        let hanging = inventory.guest_now(facts(&found, 108));
        let waiting = inventory.guest_now(facts(&found, 102));
        futures_util::future::join(hanging, waiting).await
    };
    let act = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let began = Instant::now();
        let now = inventory.guest_now_fresh(facts(&found, 102)).await;
        now.expect("the guest");
        began.elapsed()
    };
    let ((hanging, _), took) = futures_util::future::join(looks, act).await;
    hanging.expect_err("hangs");
    assert!(took < Duration::from_millis(700), "{took:?}");
}

#[tokio::test]
async fn a_guest_that_cannot_be_read_is_an_error_for_each() {
    let fake = home().await;
    let inventory = inventory(&fake);
    let found = read(&inventory).await;
    fake.remove_guest(102);
    let error = inventory
        .guest_now(facts(&found, 102))
        .await
        .expect_err("gone");
    assert_eq!(error.status(), Some(500));
}
