//! Tasks are followed to their true end.

use std::time::Duration;

use fake_proxmox::{Fault, FaultKind, Match};
use pve_steward::action::Power;
use pve_steward::proxmox::{Followed, Patience, TaskEnd, TaskState, follow};

use crate::world::{client, home, power};

fn patience(seconds: u64) -> Patience {
    Patience {
        silence: Duration::from_secs(seconds),
        ..Patience::default()
    }
}

#[tokio::test]
async fn every_end_is_read_as_it_is_meant() {
    let fake = home().await;
    let client = client(&fake);
    for (exit, end) in [
        (
            "VM 101 already running",
            TaskEnd::Failed("VM 101 already running".to_owned()),
        ),
        ("unexpected status", TaskEnd::Unexpected),
        ("received interrupt", TaskEnd::Aborted),
        ("WARNINGS: 2", TaskEnd::Warnings(2)),
        ("OK", TaskEnd::Ok),
    ] {
        let upid = power(&client, Power::Start, 101).await.expect("a task");
        assert_eq!(client.task_status(&upid).await, Ok(TaskState::Running));
        fake.finish_without_effect(upid.as_str(), exit);
        assert_eq!(
            follow(&client, &upid, patience(60)).await,
            Followed::Ended(end),
            "{exit}"
        );
    }
}

#[tokio::test]
async fn a_look_that_fails_is_not_the_tasks_failure() {
    let fake = home().await;
    let client = client(&fake);
    let upid = power(&client, Power::Start, 101).await.expect("a task");
    let looks = Match::any().path("/tasks/");
    for kind in [
        FaultKind::DropBeforeExecute,
        FaultKind::Status595,
        FaultKind::Status500("interrupted".to_owned()),
    ] {
        fake.fault(Fault::once(kind).on(looks.clone()));
    }
    let finishing = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        fake.finish(upid.as_str(), "OK");
    };
    let following = follow(&client, &upid, patience(60));
    let (followed, ()) = futures_util::future::join(following, finishing).await;
    assert_eq!(followed, Followed::Ended(TaskEnd::Ok));
}

#[tokio::test]
async fn a_look_that_hangs_is_followed_by_the_next() {
    let fake = home().await;
    let client = client(&fake);
    let upid = power(&client, Power::Start, 101).await.expect("a task");
    fake.fault(Fault::once(FaultKind::Hang).on(Match::any().path("/tasks/")));
    fake.finish(upid.as_str(), "OK");
    let following = follow(&client, &upid, patience(60));
    let followed = tokio::time::timeout(Duration::from_secs(6), following).await;
    assert_eq!(followed, Ok(Followed::Ended(TaskEnd::Ok)));
}

#[tokio::test]
async fn silence_is_not_waited_out_for_ever() {
    let fake = home().await;
    let client = client(&fake);
    let upid = power(&client, Power::Start, 101).await.expect("a task");
    fake.fault(Fault::always(FaultKind::Hang).on(Match::any().path("/tasks/")));
    let following = follow(&client, &upid, patience(2));
    let followed = tokio::time::timeout(Duration::from_secs(4), following).await;
    assert_eq!(followed, Ok(Followed::Lost));
}

#[tokio::test]
async fn a_task_that_never_ends_is_lost_in_the_end() {
    let fake = home().await;
    let client = client(&fake);
    let upid = power(&client, Power::Start, 101).await.expect("a task");
    let whole = Duration::from_secs(1);
    let followed = follow(
        &client,
        &upid,
        Patience {
            whole,
            ..Patience::default()
        },
    )
    .await;
    assert_eq!(followed, Followed::Lost);
}

#[tokio::test]
async fn the_end_of_a_log_however_long() {
    let fake = home().await;
    let client = client(&fake);
    let upid = power(&client, Power::Start, 101).await.expect("a task");
    let before = fake.tasks().last().expect("a task").log.len();
    for number in before..1_200 {
        fake.log_line(upid.as_str(), &format!("line {number}"));
    }
    for (last, first) in [(1, 1_199), (30, 1_170), (700, 500), (1_150, 50)] {
        let log = client.task_log(&upid, last).await.expect("a log");
        let wanted: Vec<String> = (first..1_200)
            .map(|number| format!("line {number}"))
            .collect();
        assert_eq!(log, wanted);
    }
    assert_eq!(
        client.task_log(&upid, 5_000).await.expect("a log").len(),
        1_200
    );
    assert!(client.task_log(&upid, 0).await.expect("a log").is_empty());
    // A long path of colons, `@` and `!` stays one segment.
    let read = fake.requests().pop().expect("a request");
    assert!(
        read.raw_path.contains("UPID%3Apve1%3A"),
        "{}",
        read.raw_path
    );
}
