//! Pausing, suspending to disk, and what stops a shutdown that is not heard.

mod support;

use std::time::Duration;

use fake_proxmox::{Clock, Cluster, Setup};
use support::{Answer, exit, get, home, post, power, quick, start, upid};

const VM: &str = "/nodes/pve1/qemu/103/status";

async fn ends(cluster: &Cluster, answer: &Answer) -> String {
    exit(cluster, &upid(answer)).await.expect("it has ended")
}

fn state(cluster: &Cluster, vmid: u32) -> String {
    cluster.guest(vmid).expect("there").state
}

fn allow(cluster: &Cluster, path: &str, privs: &[&str]) {
    for who in ["discord@pve", "discord@pve!bot"] {
        cluster.acl(path, who, privs, true);
    }
}

#[tokio::test]
async fn a_vm_is_paused_and_goes_on() {
    let cluster = home().await;
    let task = upid(&power(&cluster, "pve1/qemu/103", "suspend").await);
    assert!(task.contains(":qmpause:103:"), "{task}");
    cluster.finish(&task, "OK");
    assert_eq!(state(&cluster, 103), "paused");
    let task = upid(&power(&cluster, "pve1/qemu/103", "resume").await);
    assert!(task.contains(":qmresume:103:"), "{task}");
    cluster.finish(&task, "OK");
    assert_eq!(state(&cluster, 103), "running");
    // One that runs already needs nothing, even when it is locked.
    cluster.set_guest(103, |guest| guest.lock = Some("migrate".into()));
    let task = upid(&power(&cluster, "pve1/qemu/103", "resume").await);
    cluster.finish(&task, "OK");
    cluster.set_guest(103, |guest| guest.state = "paused".into());
    let locked = power(&cluster, "pve1/qemu/103", "resume").await;
    assert_eq!(ends(&cluster, &locked).await, "VM is locked (migrate)");
    let stopped = power(&cluster, "pve1/qemu/101", "resume").await;
    assert_eq!(stopped.said(), "500 VM 101 not running");
    // A backup does not keep a VM from being paused.
    cluster.set_guest(103, |guest| guest.lock = Some("backup".into()));
    let task = upid(&power(&cluster, "pve1/qemu/103", "resume").await);
    cluster.finish(&task, "OK");
    assert_eq!(state(&cluster, 103), "running");
}

#[tokio::test]
async fn to_disk_is_another_task_and_ends_stopped_and_locked() {
    let cluster = home().await;
    let path = format!("{VM}/suspend");
    assert_eq!(
        post(&cluster, &path, "todisk=1").await.said(),
        "403 Permission check failed (/vms/103, VM.Config.Disk)"
    );
    allow(&cluster, "/vms/103", &["VM.Config.Disk"]);
    assert_eq!(
        post(&cluster, &path, "todisk=1").await.said(),
        "403 Permission check failed (/storage/local-lvm, Datastore.AllocateSpace)"
    );
    allow(&cluster, "/storage", &["Datastore.AllocateSpace"]);
    let alone = post(&cluster, &path, "statestorage=nas").await;
    assert_eq!(
        alone.error("todisk"),
        "missing property required by 'statestorage'"
    );
    let task = upid(&post(&cluster, &path, "todisk=1").await);
    assert!(task.contains(":qmsuspend:103:"), "{task}");
    let guest = cluster.guest(103).expect("there");
    assert_eq!(
        (guest.state.as_str(), guest.lock.as_deref()),
        ("running", Some("suspending"))
    );
    cluster.finish(&task, "OK");
    let guest = cluster.guest(103).expect("there");
    assert_eq!(
        (guest.state.as_str(), guest.lock.as_deref()),
        ("stopped", Some("suspended"))
    );
    // Waking it is a start under another name.
    let task = upid(&power(&cluster, "pve1/qemu/103", "resume").await);
    assert!(task.contains(":qmresume:103:"), "{task}");
    cluster.finish(&task, "OK");
    let guest = cluster.guest(103).expect("there");
    assert_eq!((guest.state.as_str(), guest.lock), ("running", None));
    allow(&cluster, "/vms/108", &["VM.Config.Disk"]);
    cluster.set_guest(108, |guest| guest.state = "running".into());
    let ha = post(&cluster, "/nodes/pve2/qemu/108/status/suspend", "todisk=1").await;
    assert_eq!(ha.said(), "500 Cannot suspend HA managed VM to disk");
}

/// The tool for it is not part of Proxmox VE.
#[tokio::test]
async fn containers_cannot_be_suspended() {
    let cluster = home().await;
    let failed = power(&cluster, "pve1/lxc/104", "suspend").await;
    assert_eq!(
        ends(&cluster, &failed).await,
        "command 'lxc-checkpoint -n 104 -s -D /var/lib/vz/dump' failed: exit code 1"
    );
    assert_eq!(state(&cluster, 104), "running");
    let failed = power(&cluster, "pve2/lxc/105", "resume").await;
    assert_eq!(
        ends(&cluster, &failed).await,
        "command 'lxc-checkpoint -n 105 -r --foreground -D /var/lib/vz/dump' failed: exit code 1"
    );
    assert_eq!(
        power(&cluster, "pve1/lxc/104", "resume").await.said(),
        "500 CT 104 already running"
    );
    assert_eq!(
        power(&cluster, "pve2/lxc/105", "suspend").await.said(),
        "500 CT 105 not running"
    );
    assert_eq!(power(&cluster, "pve1/lxc/104", "reset").await.status, 501);
}

#[tokio::test]
async fn only_ones_own_shutdown_is_overruled() {
    let cluster = home().await;
    cluster.add_token("discord@pve!other", "0a1b2c3d", true);
    cluster.acl("/vms/103", "discord@pve!other", &["VM.PowerMgmt"], true);
    let hung = upid(&power(&cluster, "pve1/qemu/103", "shutdown").await);
    let header = support::token_line("discord@pve!other", "0a1b2c3d");
    let text = format!(
        "POST /api2/json{VM}/stop HTTP/1.1\r\nHost: x\r\n{header}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 19\r\n\r\noverrule-shutdown=1"
    );
    let stop = support::raw(&cluster, "pve1", &text)
        .await
        .expect("an answer");
    let stop = upid(&stop);
    assert_eq!(exit(&cluster, &hung).await, None, "another's goes on");
    cluster.finish(
        &stop,
        "can't lock file '/var/lock/qemu-server/lock-103.conf' - got timeout",
    );
    let stop = upid(&post(&cluster, &format!("{VM}/stop"), "overrule-shutdown=1").await);
    assert_eq!(
        exit(&cluster, &hung).await.as_deref(),
        Some("received interrupt")
    );
    let log = format!("/nodes/pve1/tasks/{}/log", stop.replace(':', "%3A"));
    let log = get(&cluster, &log).await.data();
    assert_eq!(log[0]["t"], format!("overruled qmshutdown tasks: {hung}"));
}

#[tokio::test]
async fn the_startup_option_limits_a_shutdown() {
    let cluster = start(Setup {
        clock: Clock::Auto {
            task: Duration::from_millis(10),
        },
        ..quick()
    })
    .await;
    cluster.ignore_shutdown(103, true);
    cluster.set_config(103, "startup", "order=2,up=5,down=0");
    let unheard = power(&cluster, "pve1/qemu/103", "shutdown").await;
    assert_eq!(
        ends(&cluster, &unheard).await,
        "VM quit/powerdown failed - got timeout"
    );
}
