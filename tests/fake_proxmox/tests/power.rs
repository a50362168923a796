//! Power actions: errors come in two places, and HA only takes note.

mod support;

use std::time::Duration;

use fake_proxmox::{Clock, Cluster, Setup};
use support::{exit, get, home, post, power, quick, start, upid};

/// The exit text of an action that ends at once.
async fn ends(cluster: &Cluster, guest: &str, verb: &str) -> String {
    let upid = upid(&power(cluster, guest, verb).await);
    exit(cluster, &upid).await.expect("it has ended")
}

/// What the call itself says.
async fn says(cluster: &Cluster, guest: &str, verb: &str) -> String {
    power(cluster, guest, verb).await.said()
}

fn allow_all(cluster: &Cluster) {
    for who in ["discord@pve", "discord@pve!bot"] {
        cluster.acl("/vms", who, &["VM.Audit", "VM.PowerMgmt"], true);
    }
}

#[tokio::test]
async fn a_start_takes_effect_when_its_task_ends() {
    let cluster = home().await;
    let answer = power(&cluster, "pve1/qemu/101", "start").await;
    let waited = cluster.wait_task("qmstart", 101).await;
    assert_eq!(upid(&answer), waited);
    assert_eq!(exit(&cluster, &waited).await, None);
    assert_eq!(cluster.guest(101).expect("there").state, "stopped");
    cluster.finish(&waited, "WARNINGS: 2");
    assert_eq!(
        exit(&cluster, &waited).await.as_deref(),
        Some("WARNINGS: 2")
    );
    let guest = cluster.guest(101).expect("there");
    assert_eq!(guest.state, "running");
    assert!(guest.uptime() < 5);
}

#[tokio::test]
async fn a_task_that_fails_or_dies_changes_nothing() {
    let cluster = home().await;
    for exit in ["unexpected status", "received interrupt", "out of memory"] {
        let upid = upid(&power(&cluster, "pve1/qemu/101", "start").await);
        cluster.finish(&upid, exit);
        assert_eq!(
            cluster.guest(101).expect("there").state,
            "stopped",
            "{exit}"
        );
    }
    let upid = upid(&power(&cluster, "pve1/qemu/101", "start").await);
    cluster.finish_without_effect(&upid, "OK");
    assert_eq!(cluster.guest(101).expect("there").state, "stopped");
}

#[tokio::test]
async fn wrong_states_are_told_in_two_places() {
    let cluster = home().await;
    assert_eq!(
        ends(&cluster, "pve1/qemu/103", "start").await,
        "VM 103 already running"
    );
    assert_eq!(
        says(&cluster, "pve1/lxc/104", "start").await,
        "500 CT 104 already running"
    );
    assert_eq!(ends(&cluster, "pve1/qemu/101", "stop").await, "OK");
    assert_eq!(ends(&cluster, "pve1/qemu/101", "shutdown").await, "OK");
    assert_eq!(
        says(&cluster, "pve2/lxc/105", "stop").await,
        "500 CT 105 not running"
    );
    assert_eq!(
        says(&cluster, "pve2/lxc/105", "shutdown").await,
        "500 CT 105 not running"
    );
    assert_eq!(
        says(&cluster, "pve1/qemu/101", "reboot").await,
        "500 VM 101 not running"
    );
    assert_eq!(
        says(&cluster, "pve1/qemu/101", "reset").await,
        "500 VM 101 not running"
    );
    assert_eq!(
        says(&cluster, "pve1/qemu/101", "suspend").await,
        "500 VM 101 not running"
    );
    assert_eq!(
        says(&cluster, "pve2/lxc/105", "reboot").await,
        "500 VM 105 not running"
    );
}

#[tokio::test]
async fn missing_and_moved_guests() {
    let cluster = home().await;
    allow_all(&cluster);
    let no_vm = "unable to find configuration file for VM 999 on node 'pve1'";
    assert_eq!(
        ends(&cluster, "pve1/qemu/999", "start").await,
        "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist"
    );
    assert_eq!(
        ends(&cluster, "pve1/qemu/104", "start").await,
        "Configuration file 'nodes/pve1/qemu-server/104.conf' does not exist"
    );
    assert_eq!(
        ends(&cluster, "pve1/lxc/105", "start").await,
        "Configuration file 'nodes/pve1/lxc/105.conf' does not exist"
    );
    assert_eq!(ends(&cluster, "pve1/qemu/999", "stop").await, no_vm);
    assert_eq!(ends(&cluster, "pve1/qemu/999", "shutdown").await, no_vm);
    assert_eq!(
        says(&cluster, "pve1/qemu/999", "reboot").await,
        format!("500 {no_vm}")
    );
    assert_eq!(
        says(&cluster, "pve1/lxc/999", "stop").await,
        "500 CT 999 not running"
    );
    let current = get(&cluster, "/nodes/pve1/qemu/102/status/current").await;
    assert_eq!(
        current.said(),
        "500 Configuration file 'nodes/pve1/qemu-server/102.conf' does not exist"
    );
}

#[tokio::test]
async fn locks_and_templates() {
    let cluster = home().await;
    assert_eq!(
        ends(&cluster, "pve1/qemu/107", "start").await,
        "VM is locked (backup)"
    );
    assert_eq!(
        ends(&cluster, "pve1/qemu/106", "start").await,
        "you can't start a vm if it's a template"
    );
    cluster.set_guest(104, |guest| guest.lock = Some("backup".into()));
    assert_eq!(
        ends(&cluster, "pve1/lxc/104", "stop").await,
        "CT is locked (backup)"
    );
    cluster.set_guest(105, |guest| guest.template = true);
    assert_eq!(
        ends(&cluster, "pve2/lxc/105", "start").await,
        "you can't start a CT if it's a template"
    );
    cluster.set_guest(101, |guest| guest.config_busy = true);
    assert_eq!(
        ends(&cluster, "pve1/qemu/101", "start").await,
        "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"
    );
}

#[tokio::test]
async fn a_vm_that_runs_for_its_backup_goes_on() {
    let cluster = home().await;
    cluster.set_guest(107, |guest| guest.state = "prelaunch".into());
    let upid = upid(&power(&cluster, "pve1/qemu/107", "start").await);
    cluster.finish(&upid, "OK");
    assert_eq!(cluster.guest(107).expect("there").state, "running");
}

#[tokio::test]
async fn a_paused_vm_cannot_be_shut_down() {
    let cluster = home().await;
    cluster.set_guest(103, |guest| guest.state = "paused".into());
    let said = "500 VM is paused - cannot shutdown";
    assert_eq!(says(&cluster, "pve1/qemu/103", "shutdown").await, said);
    assert_eq!(says(&cluster, "pve1/qemu/103", "reboot").await, said);
    let rows = get(&cluster, "/cluster/resources?type=vm").await.data();
    assert_eq!(rows[2]["status"], "paused");
    let current = get(&cluster, "/nodes/pve1/qemu/103/status/current")
        .await
        .data();
    assert_eq!(
        (&current["status"], &current["qmpstatus"]),
        (&"running".into(), &"paused".into())
    );
    let resumed = upid(&power(&cluster, "pve1/qemu/103", "resume").await);
    cluster.finish(&resumed, "OK");
    assert_eq!(cluster.guest(103).expect("there").state, "running");
}

#[tokio::test]
async fn ha_only_queues() {
    let cluster = home().await;
    let queued = upid(&power(&cluster, "pve2/qemu/108", "start").await);
    assert!(queued.contains(":hastart:108:"), "{queued}");
    assert_eq!(exit(&cluster, &queued).await.as_deref(), Some("OK"));
    assert_eq!(cluster.guest(108).expect("there").state, "stopped");
    let path = "/nodes/pve2/qemu/108/status/current";
    let ha = get(&cluster, path).await.data()["ha"].clone();
    assert_eq!(
        ha,
        serde_json::json!({"managed": 1, "state": "request_start"})
    );
    cluster.ha_settle(108);
    assert_eq!(cluster.guest(108).expect("there").state, "running");
    let queued = upid(&power(&cluster, "pve2/qemu/108", "shutdown").await);
    assert!(queued.contains(":hastop:108:"), "{queued}");
    cluster.ha_settle(108);
    let guest = cluster.guest(108).expect("there");
    assert_eq!(
        (guest.state.as_str(), guest.ha.as_deref()),
        ("stopped", Some("stopped"))
    );
    let path = "/nodes/pve2/qemu/108/status/stop";
    let answer = post(&cluster, path, "overrule-shutdown=1").await;
    assert_eq!(
        answer.error("overrule-shutdown"),
        "Not applicable for HA resources."
    );
}

#[tokio::test]
async fn a_hung_shutdown_is_overruled() {
    let cluster = home().await;
    let hung = upid(&power(&cluster, "pve1/qemu/103", "shutdown").await);
    let stop = post(
        &cluster,
        "/nodes/pve1/qemu/103/status/stop",
        "overrule-shutdown=1",
    )
    .await;
    assert_eq!(
        exit(&cluster, &hung).await.as_deref(),
        Some("received interrupt")
    );
    cluster.finish(&upid(&stop), "OK");
    assert_eq!(cluster.guest(103).expect("there").state, "stopped");
}

#[tokio::test]
async fn without_quorum_nothing_starts() {
    let cluster = home().await;
    cluster.set_quorate(false);
    let said = "500 cluster not ready - no quorum?";
    assert_eq!(says(&cluster, "pve1/qemu/101", "start").await, said);
    let status = get(&cluster, "/cluster/status").await.data();
    assert_eq!(status[0]["quorate"], 0);
}

async fn automatic(task: u64) -> Cluster {
    start(Setup {
        clock: Clock::Auto {
            task: Duration::from_millis(task),
        },
        ha_delay: Duration::from_millis(200),
        ..quick()
    })
    .await
}

async fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..200 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn on_the_automatic_clock_things_end_by_themselves() {
    let cluster = automatic(100).await;
    power(&cluster, "pve1/qemu/101", "start").await;
    power(&cluster, "pve2/qemu/108", "start").await;
    until("started", || {
        cluster.guest(101).expect("there").state == "running"
    })
    .await;
    until("HA acted", || {
        cluster.guest(108).expect("there").state == "running"
    })
    .await;
    let before = cluster.guest(102).expect("there").uptime();
    power(&cluster, "pve2/qemu/102", "reboot").await;
    until("down", || {
        cluster.guest(102).expect("there").state == "stopped"
    })
    .await;
    until("up", || {
        cluster.guest(102).expect("there").state == "running"
    })
    .await;
    assert!(cluster.guest(102).expect("there").uptime() < before);
}

#[tokio::test]
async fn a_guest_may_not_hear_the_shutdown() {
    let cluster = automatic(10).await;
    cluster.set_guest(103, |guest| guest.ignores_shutdown = true);
    let path = "/nodes/pve1/qemu/103/status/shutdown";
    let unheard = upid(&post(&cluster, path, "timeout=0").await);
    let exit_text = exit(&cluster, &unheard).await;
    assert_eq!(
        exit_text.as_deref(),
        Some("VM quit/powerdown failed - got timeout")
    );
    let forced = upid(&post(&cluster, path, "timeout=0&forceStop=1").await);
    assert_eq!(exit(&cluster, &forced).await.as_deref(), Some("OK"));
    assert_eq!(cluster.guest(103).expect("there").state, "stopped");
}
