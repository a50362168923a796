//! Which endpoint is asked, how long, and what is tried again.

use std::time::{Duration, Instant};

use fake_proxmox::{Fault, FaultKind, Match, Setup};
use futures_util::future::join_all;
use pve_steward::config::Cluster;
use pve_steward::ids::Kind;
use pve_steward::proxmox::{Client, Error, Limits, Why};

use crate::world::{client, client_with, config, home, limits, node, start, vmid};

fn why(error: &Error) -> Why {
    match error {
        Error::NotSent(failure) | Error::NoAnswer(failure) => failure.why,
        other => panic!("no failure of the transport: {other:?}"),
    }
}

fn asked(fake: &fake_proxmox::Cluster) -> Vec<String> {
    fake.requests()
        .into_iter()
        .map(|request| request.node)
        .collect()
}

#[tokio::test]
async fn the_next_endpoint_answers_and_the_dead_one_rests() {
    let fake = home().await;
    let client = client(&fake);
    fake.stop_node_listener("pve1").await;
    client.version().await.expect("pve2 answers");
    fake.start_node_listener("pve1").await.expect("back");
    client.version().await.expect("pve2 answers");
    assert_eq!(asked(&fake), ["pve2", "pve2"]);
    tokio::time::sleep(limits().aside).await;
    client.version().await.expect("pve1 answers");
    assert_eq!(asked(&fake), ["pve2", "pve2", "pve1"]);
}

#[tokio::test]
async fn a_connection_that_is_closed_at_once_counts_as_dead() {
    let fake = home().await;
    fake.fault(Fault::always(FaultKind::Refuse).on(Match::any().node("pve1")));
    client(&fake).version().await.expect("pve2 answers");
}

#[tokio::test]
async fn nobody_there_is_told_as_never_sent() {
    let fake = home().await;
    let client = client(&fake);
    fake.stop_node_listener("pve1").await;
    fake.stop_node_listener("pve2").await;
    let error = client.version().await.expect_err("nobody there");
    assert!(
        matches!(error, Error::NotSent(_)) && error.surely_not_done(),
        "{error}"
    );
    assert_eq!(why(&error), Why::Refused);
    // Set aside is not given up.
    fake.start_node_listener("pve2").await.expect("back");
    client.version().await.expect("pve2 answers");
}

#[tokio::test]
async fn one_that_does_not_get_as_far_as_tls_is_left_for_the_next() {
    let fake = home().await;
    // The kernel accepts, and nobody ever says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let quick = Limits {
        connect: Duration::from_millis(500),
        ..limits()
    };
    let mut cluster = config(&fake);
    cluster.endpoints.insert(0, format!("https://{address}"));
    let client = Client::with_limits(&cluster, quick).expect("a client");
    client.version().await.expect("pve1 answers");

    cluster.endpoints.truncate(1);
    let client = Client::with_limits(&cluster, quick).expect("a client");
    let error = client.version().await.expect_err("silence");
    assert!(matches!(error, Error::NotSent(_)), "{error:?}");
    assert_eq!(why(&error), Why::Time);
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_never_sent() {
    let fake = home().await;
    let endpoints = vec!["https://pve.invalid:8006".to_owned()];
    let cluster = Cluster {
        endpoints,
        ..config(&fake)
    };
    let client = Client::with_limits(&cluster, limits()).expect("a client");
    let error = client.version().await.expect_err("no such host");
    assert!(matches!(error, Error::NotSent(_)), "{error:?}");
}

#[tokio::test]
async fn a_cut_connection_is_tried_once_more() {
    let fake = home().await;
    let client = client(&fake);
    fake.fault(Fault::once(FaultKind::DropBeforeExecute));
    client.version().await.expect("the second try");
    assert_eq!(asked(&fake), ["pve1", "pve1"]);
    // A node that always cuts is left for the next.
    fake.forget_requests();
    fake.fault(Fault::always(FaultKind::DropBeforeExecute).on(Match::any().node("pve1")));
    client.version().await.expect("the other node");
    assert_eq!(asked(&fake), ["pve1", "pve1", "pve2"]);
}

#[tokio::test]
async fn time_up_is_not_tried_again_but_remembered() {
    let fake = home().await;
    fake.fault(Fault::always(FaultKind::Hang).on(Match::any().node("pve1")));
    let client = client_with(
        &fake,
        Limits {
            read: Duration::from_secs(1),
            ..limits()
        },
    );
    let began = Instant::now();
    let error = client.version().await.expect_err("no answer");
    assert_eq!(why(&error), Why::Time);
    assert!(matches!(error, Error::NoAnswer(_)) && !error.surely_not_done());
    assert!(began.elapsed() < Duration::from_millis(1_900));
    client.version().await.expect("pve2 answers");
    assert_eq!(asked(&fake), ["pve1", "pve2"]);
}

#[tokio::test]
async fn one_look_at_a_node_at_a_time_and_a_waiting_one_keeps_its_limit() {
    let fake = home().await;
    fake.fault(Fault::always(FaultKind::Hang));
    let client = client_with(
        &fake,
        Limits {
            protected: Duration::from_secs(3),
            ..limits()
        },
    );
    let pve1 = node("pve1");
    let began = Instant::now();
    let reads = (0..5).map(|_| client.guest_now(Kind::Vm, &pve1, vmid(101)));
    let errors: Vec<Error> = join_all(reads)
        .await
        .into_iter()
        .map(|r| r.expect_err("hangs"))
        .collect();
    assert!(
        began.elapsed() < Duration::from_millis(5_500),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(fake.requests().len(), 1, "{errors:?}");
    let busy = errors
        .iter()
        .filter(|error| why(error) == Why::Busy)
        .count();
    assert_eq!(busy, 4);
}

#[tokio::test]
async fn a_node_that_hangs_takes_no_turns_of_the_others() {
    let fake = home().await;
    fake.fault(Fault::always(FaultKind::Hang).on(Match::any().path("/nodes/pve2/")));
    let client = client(&fake);
    let pve2 = node("pve2");
    let hanging = join_all((0..6).map(|_| client.guest_now(Kind::Vm, &pve2, vmid(102))));
    let others = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let began = Instant::now();
        client.version().await.expect("a version");
        let pve1 = node("pve1");
        let now = client.guest_now(Kind::Vm, &pve1, vmid(101)).await;
        now.expect("a guest of the node that answers");
        client.node_status(&pve1).await.expect("its node");
        began.elapsed()
    };
    let (looks, took) = futures_util::future::join(hanging, others).await;
    assert!(looks.iter().all(Result::is_err));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_node_that_hangs_is_not_the_endpoints_fault() {
    let fake = home().await;
    fake.fault(Fault::always(FaultKind::Hang).on(Match::any().path("/nodes/pve2/")));
    let client = client(&fake);
    let now = client.guest_now(Kind::Vm, &node("pve2"), vmid(102)).await;
    assert_eq!(why(&now.expect_err("hangs")), Why::Time);
    client.version().await.expect("a version");
    assert_eq!(asked(&fake), ["pve1", "pve1"]);
}

#[test]
fn a_read_of_a_node_is_given_up_long_before_proxmox_would() {
    let Limits { protected, .. } = Limits::default();
    // Not before a 401, which comes after 3 s.
    assert!((5..=8).contains(&protected.as_secs()), "{protected:?}");
}

#[tokio::test]
async fn a_connection_is_left_before_proxmox_closes_it() {
    // The proportions of the real thing, faster; the pauses fall where the server closes.
    let idle = Duration::from_millis(500);
    let fake = start(Setup {
        idle,
        ..Setup::home()
    })
    .await;
    let client = client_with(
        &fake,
        Limits {
            idle: Duration::from_millis(400),
            ..limits()
        },
    );
    for pause in [498, 499, 500, 501, 503] {
        client.version().await.expect("an answer");
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    // Not one had to be repeated.
    assert_eq!(fake.requests().len(), 5);
}

#[tokio::test]
async fn more_requests_than_a_connection_serves() {
    let fake = home().await;
    let client = client(&fake);
    for _ in 0..130 {
        client.version().await.expect("an answer");
    }
    assert_eq!(fake.requests().len(), 130);
}
