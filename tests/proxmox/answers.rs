//! What Proxmox answers, read as it is meant.

use std::time::{Duration, Instant};

use fake_proxmox::{Fault, FaultKind, Match, Setup};
use pve_steward::action::Power;
use pve_steward::config::{Cluster, Secret};
use pve_steward::ids::Kind;
use pve_steward::proxmox::{Client, Error, Limits, Missing, RunState, fingerprint_text};

use crate::world::{client, client_with, config, fault, home, limits, node, power, start, vmid};

/// The server unescapes the header and ends it at a `;`.
const SECRET: &str = "we%69rd;secret";

#[tokio::test]
async fn the_token_arrives_whatever_is_in_it() {
    let fake = home().await;
    fake.add_token(&fake.token_id(), SECRET, true);
    let cluster = Cluster {
        token_secret: Secret::new(SECRET.to_owned()),
        ..config(&fake)
    };
    let client = Client::with_limits(&cluster, limits()).expect("a client");
    client.version().await.expect("a version");
}

#[tokio::test]
async fn the_token_is_never_printed() {
    let fake = home().await;
    let client = client(&fake);
    fake.stop_node_listener("pve1").await;
    fake.stop_node_listener("pve2").await;
    let error = client.version().await.expect_err("nobody there");
    let all = format!("{client:?} {client:#?} {error:?} {error}");
    assert!(!all.contains(&fake.token_secret()), "{all}");
    assert!(!all.contains("PVEAPIToken"), "{all}");

    let cluster = Cluster {
        token_secret: Secret::new("line\nbreak-secret".to_owned()),
        ..config(&fake)
    };
    let error = Client::new(&cluster).expect_err("no header can hold it");
    assert!(
        !format!("{error:?} {error}").contains("secret"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refused_login_is_waited_for_and_not_tried_again() {
    let fake = home().await;
    fake.remove_token(&fake.token_id());
    // The real delay of 3 s, with the real limits.
    let client = client_with(&fake, Limits::default());
    let began = Instant::now();
    let error = client.version().await.expect_err("no such token");
    assert!(began.elapsed() >= Duration::from_secs(3));
    assert!(error.unauthorised() && error.surely_not_done(), "{error}");
    assert_eq!(error.reason(), Some("Authentication failed!"));
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_missing_privilege_is_named() {
    let fake = home().await;
    for who in [fake.token_id(), "discord@pve".to_owned()] {
        fake.clear_acls(&who);
        fake.acl("/", &who, &["VM.Audit"], true);
    }
    let client = client(&fake);
    let error = power(&client, Power::Start, 101)
        .await
        .expect_err("not allowed");
    let missing = Missing {
        path: "/vms/101".to_owned(),
        privileges: vec!["VM.PowerMgmt".to_owned()],
        any: false,
    };
    assert_eq!(error.missing_privilege(), Some(missing));
    assert!(error.surely_not_done());
}

#[tokio::test]
async fn the_text_of_an_error_is_found_in_old_and_new_versions() {
    for version in [(8, 3), (9, 2)] {
        let fake = start(Setup {
            version,
            ..Setup::home()
        })
        .await;
        let client = client(&fake);
        let gone = client.guest_now(Kind::Vm, &node("pve1"), vmid(999)).await;
        let error = gone.expect_err("no such guest");
        assert_eq!(error.status(), Some(500));
        let reason = error.reason().expect("a reason");
        assert!(
            reason.contains("qemu-server/999.conf' does not exist"),
            "{version:?}: {reason}"
        );
        let big = client.version().await.expect("a version");
        assert_eq!(big.release, format!("{}.{}", version.0, version.1));
    }
}

#[tokio::test]
async fn a_node_that_cannot_be_reached_has_no_body_but_a_phrase() {
    let fake = home().await;
    fake.set_node("pve2", |node| node.online = false);
    let client = client(&fake);
    let error = client
        .node_status(&node("pve2"))
        .await
        .expect_err("offline");
    assert_eq!(
        (error.status(), error.reason()),
        (Some(595), Some("No route to host"))
    );
    assert!(error.unreachable_node() && !error.unreachable());

    let after = Duration::from_millis(50);
    fake.fault(Fault::once(FaultKind::Status596 { after }).on(Match::any().method("POST")));
    let error = power(&client, Power::Start, 101)
        .await
        .expect_err("no answer in time");
    assert!(
        error.unreachable_node() && !error.surely_not_done(),
        "{error}"
    );
    assert_eq!(fake.writes().len(), 1);
}

#[tokio::test]
async fn other_refusals_keep_their_status() {
    let fake = home().await;
    fake.fault(Fault::once(FaultKind::TooMany429));
    let client = client(&fake);
    let error = client.version().await.expect_err("429");
    assert_eq!(error.status(), Some(429));
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn nonsense_is_told_from_a_refusal() {
    let fake = home().await;
    let client = client(&fake);
    for kind in [FaultKind::BadJson, FaultKind::WrongBody] {
        fake.fault(fault(kind.clone(), "GET"));
        let read = client.version().await.expect_err("unreadable");
        assert!(matches!(read, Error::BadReply(_)), "{kind:?}: {read:?}");
        fake.clear_faults();
        fake.forget_requests();
        fake.fault(fault(kind.clone(), "POST"));
        let write = power(&client, Power::Start, 101)
            .await
            .expect_err("unreadable");
        assert!(matches!(write, Error::BadReply(_)), "{kind:?}: {write:?}");
        // The deed may well be done: nobody may say that it was not.
        assert!(!write.surely_not_done());
        assert_eq!(fake.writes().len(), 1);
        fake.clear_faults();
    }
}

#[tokio::test]
async fn an_answer_of_any_size_is_not_taken() {
    let fake = home().await;
    let patient = Limits {
        read: Duration::from_secs(20),
        protected: Duration::from_secs(20),
        write: Duration::from_secs(20),
        ..limits()
    };
    let client = client_with(&fake, patient);
    let look = async || client.guest_now(Kind::Vm, &node("pve2"), vmid(102)).await;
    fake.fault(Fault::once(FaultKind::Padded(500_000)));
    look().await.expect("half a megabyte is much, and read");
    // The fake packs what it sends: what counts is the size after unpacking.
    fake.fault(Fault::always(FaultKind::Padded(2_000_000)));
    let error = look().await.expect_err("too long");
    assert_eq!(error, Error::TooLong { most: 1 << 20 });
    // It was done, but nobody can read that from the answer.
    let error = power(&client, Power::Start, 101)
        .await
        .expect_err("too long");
    assert!(matches!(error, Error::TooLong { .. }) && !error.surely_not_done());
    assert_eq!(fake.writes().len(), 1);
    fake.clear_faults();
    // The text of a refusal is left out; it stays a refusal.
    fake.fault(Fault::once(FaultKind::Padded(2_000_000)));
    let gone = client.guest_now(Kind::Vm, &node("pve1"), vmid(999)).await;
    assert_eq!(gone.expect_err("no such guest").status(), Some(500));
}

#[tokio::test]
async fn guests_and_nodes_are_read() {
    let fake = home().await;
    let client = client(&fake);
    let vm = client
        .guest_now(Kind::Vm, &node("pve2"), vmid(102))
        .await
        .expect("a VM");
    assert_eq!(
        (vm.state(), vm.name.as_deref()),
        (&RunState::Running, Some("minecraft"))
    );
    assert_eq!(vm.tags, ["games"]);
    assert!(vm.pid.is_some() && vm.maxmem == Some(8 << 30));
    // `cpus` is a string here, because only a limit is set.
    let ct = client
        .guest_now(Kind::Ct, &node("pve1"), vmid(104))
        .await
        .expect("a container");
    assert_eq!((ct.state(), ct.cpus), (&RunState::Running, Some(2.0)));
    let ha = client
        .guest_now(Kind::Vm, &node("pve2"), vmid(108))
        .await
        .expect("a VM");
    assert!(ha.ha_managed);
    let status = client.node_status(&node("pve1")).await.expect("a node");
    assert!(
        status.load.is_some() && status.maxmem == Some(64 << 30),
        "{status:?}"
    );
    assert!(
        status.version.is_some() && status.kernel.is_some(),
        "{status:?}"
    );
}

#[tokio::test]
async fn a_state_that_nobody_knew_is_kept() {
    let fake = home().await;
    fake.set_guest(102, |guest| guest.state = "guest-panicked".to_owned());
    let now = client(&fake)
        .guest_now(Kind::Vm, &node("pve2"), vmid(102))
        .await
        .expect("a VM");
    assert_eq!(now.status, RunState::Running);
    assert_eq!(now.state(), &RunState::Other("guest-panicked".to_owned()));
}

#[tokio::test]
async fn the_token_knows_its_own_privileges() {
    let fake = home().await;
    let client = client(&fake);
    let all = client.permissions().await.expect("permissions");
    assert!(all.anywhere("VM.PowerMgmt") && !all.anywhere("VM.Allocate") && !all.is_empty());
    let here = client.privileges_on("/vms/101").await.expect("privileges");
    assert!(
        here.contains("VM.PowerMgmt") && here.contains("VM.Audit"),
        "{here:?}"
    );
    let there = client
        .privileges_on("/nodes/pve1")
        .await
        .expect("privileges");
    assert!(
        there.contains("Sys.Audit") && !there.contains("Sys.PowerMgmt"),
        "{there:?}"
    );

    fake.clear_acls(&fake.token_id());
    assert!(client.permissions().await.expect("permissions").is_empty());
    assert!(
        client
            .privileges_on("/vms/101")
            .await
            .expect("privileges")
            .is_empty()
    );
}

#[test]
fn fingerprints_look_as_in_the_web_interface() {
    let text = fingerprint_text(&[0xAB; 32]);
    assert_eq!((text.len(), &text[..8]), (95, "AB:AB:AB"));
}
