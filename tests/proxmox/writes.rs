//! Writes: a permit for exactly that, and never twice.

use std::time::Duration;

use fake_proxmox::{Fault, FaultKind, Match};
use pve_steward::action::{Power, Right};
use pve_steward::ids::Kind;
use pve_steward::proxmox::{Error, Limits, Why};

use crate::world::{
    client, client_with, fault, guest, home, limits, node, permit, power, power_with,
};

#[tokio::test]
async fn each_power_is_one_post_without_parameters() {
    let fake = home().await;
    let client = client(&fake);
    let upid = power(&client, Power::Start, 101).await.expect("a task");
    assert_eq!((upid.kind(), upid.node().as_str()), ("qmstart", "pve1"));
    fake.finish(upid.as_str(), "OK");
    for (order, task) in [
        (Power::Reboot, "qmreboot"),
        (Power::Shutdown, "qmshutdown"),
        (Power::Stop, "qmstop"),
    ] {
        let upid = power(&client, order, 103).await.expect("a task");
        assert_eq!(upid.kind(), task);
        if order != Power::Stop {
            fake.finish_without_effect(upid.as_str(), "OK");
        }
    }
    let on = guest("home", 105);
    let permit = permit(Right::Start, &on);
    let started = power_with(&client, &permit, Power::Start, (&on, Kind::Ct, "pve2")).await;
    assert_eq!(started.expect("a task").kind(), "vzstart");
    let paths: Vec<String> = fake.writes().into_iter().map(|write| write.path).collect();
    assert_eq!(
        paths,
        [
            "/nodes/pve1/qemu/101/status/start",
            "/nodes/pve1/qemu/103/status/reboot",
            "/nodes/pve1/qemu/103/status/shutdown",
            "/nodes/pve1/qemu/103/status/stop",
            "/nodes/pve2/lxc/105/status/start",
        ]
    );
    assert!(
        fake.writes()
            .iter()
            .all(|write| write.body.is_empty() && write.query.is_empty())
    );
}

#[tokio::test]
async fn a_permit_for_something_else_opens_nothing() {
    let fake = home().await;
    let client = client(&fake);
    let (this, other) = (guest("home", 101), guest("home", 103));
    let elsewhere = guest("lab", 101);
    for (right, on, wanted) in [
        (Right::View, &this, &this),
        (Right::Stop, &this, &this),
        (Right::Start, &other, &this),
        (Right::Start, &elsewhere, &this),
        // Even if it fits itself: this client serves another cluster.
        (Right::Start, &elsewhere, &elsewhere),
    ] {
        let permit = permit(right, on);
        let tried = power_with(&client, &permit, Power::Start, (wanted, Kind::Vm, "pve1")).await;
        assert_eq!(
            tried,
            Err(Error::WrongPermit),
            "{right} on {on} for {wanted}"
        );
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_never_asked_for_again() {
    let fake = home().await;
    let client = client(&fake);
    for kind in [FaultKind::DropAfterRequest, FaultKind::DropBeforeExecute] {
        fake.fault(fault(kind.clone(), "POST"));
        let error = power(&client, Power::Start, 101).await.expect_err("cut");
        assert!(
            matches!(&error, Error::NoAnswer(failure) if failure.why == Why::Cut),
            "{error:?}"
        );
        assert!(!error.surely_not_done());
        assert_eq!(fake.writes().len(), 1, "{kind:?}");
        fake.clear_faults();
        fake.forget_requests();
    }
}

#[tokio::test]
async fn the_same_on_a_connection_that_was_in_use() {
    let fake = home().await;
    let client = client(&fake);
    client.version().await.expect("warm");
    fake.fault(fault(FaultKind::DropAfterRequest, "POST"));
    let error = power(&client, Power::Start, 101).await.expect_err("cut");
    assert!(!error.surely_not_done(), "{error}");
    assert_eq!(fake.writes().len(), 1);
}

#[tokio::test]
async fn a_write_that_hangs_is_left_and_not_repeated() {
    let fake = home().await;
    fake.fault(fault(FaultKind::Hang, "POST"));
    let client = client_with(
        &fake,
        Limits {
            protected: Duration::from_secs(1),
            ..limits()
        },
    );
    let error = power(&client, Power::Start, 101)
        .await
        .expect_err("no answer");
    assert!(
        matches!(&error, Error::NoAnswer(failure) if failure.why == Why::Time),
        "{error:?}"
    );
    assert_eq!(fake.writes().len(), 1);
}

#[tokio::test]
async fn a_write_goes_to_the_next_endpoint_if_it_was_never_sent() {
    let fake = home().await;
    let client = client(&fake);
    fake.fault(Fault::always(FaultKind::Refuse).on(Match::any().node("pve1")));
    let on = guest("home", 102);
    let permit = permit(Right::Shutdown, &on);
    let upid = power_with(&client, &permit, Power::Shutdown, (&on, Kind::Vm, "pve2")).await;
    assert_eq!(upid.expect("a task").kind(), "qmshutdown");
    let asked: Vec<String> = fake.writes().into_iter().map(|write| write.node).collect();
    assert_eq!(asked, ["pve2"]);
}

#[tokio::test]
async fn a_refused_write_is_not_tried_elsewhere() {
    let fake = home().await;
    fake.fault(fault(
        FaultKind::Status500("got no worker upid".to_owned()),
        "POST",
    ));
    let error = power(&client(&fake), Power::Start, 101)
        .await
        .expect_err("500");
    assert_eq!(error.reason(), Some("got no worker upid"));
    assert!(error.surely_not_done());
    assert_eq!(fake.writes().len(), 1);
}

#[tokio::test]
async fn reads_that_wait_do_not_keep_a_write_waiting() {
    let fake = home().await;
    fake.fault(fault(FaultKind::Hang, "GET"));
    let client = client(&fake);
    let pve1 = node("pve1");
    let reads = (0..8).map(|_| client.node_status(&pve1));
    let reads = futures_util::future::join_all(reads);
    let write = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        tokio::time::timeout(Duration::from_secs(1), power(&client, Power::Start, 101)).await
    };
    let (_, written) = futures_util::future::join(reads, write).await;
    written.expect("in time").expect("a task");
}

/// With the limits and the server as they are in life.
#[tokio::test]
async fn two_writes_five_seconds_apart() {
    let fake = home().await;
    let client = client_with(&fake, Limits::default());
    let upid = power(&client, Power::Start, 101).await.expect("a task");
    fake.finish(upid.as_str(), "OK");
    tokio::time::sleep(Duration::from_millis(4_995)).await;
    power(&client, Power::Shutdown, 101).await.expect("a task");
    assert_eq!(fake.writes().len(), 2);
}
