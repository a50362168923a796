//! Snapshots: what is refused where, the locks while a task runs, and what is left behind.

mod support;

use std::time::Duration;

use fake_proxmox::{Clock, Cluster, Fault, FaultKind, Setup, Snapshot, Storage};
use serde_json::{Value, json};
use support::{Answer, delete, exit, get, home, post, power, quick, start, upid};

const VM: &str = "/nodes/pve1/qemu/101/snapshot";
const CT: &str = "/nodes/pve1/lxc/104/snapshot";

async fn take(cluster: &Cluster, path: &str, form: &str) -> String {
    upid(&post(cluster, path, form).await)
}

/// Takes it, and the task succeeds.
async fn taken(cluster: &Cluster, path: &str, form: &str) {
    let upid = take(cluster, path, form).await;
    cluster.finish(&upid, "OK");
}

/// The exit text of a task that ends at once.
async fn ends(cluster: &Cluster, answer: &Answer) -> String {
    let ended = exit(cluster, &upid(answer)).await;
    ended.expect("it has ended")
}

async fn row(cluster: &Cluster, path: &str, name: &str) -> Option<Value> {
    let rows = get(cluster, path).await.data();
    let rows = rows.as_array().expect("a list");
    rows.iter().find(|row| row["name"] == name).cloned()
}

fn lock(cluster: &Cluster, vmid: u32) -> Option<String> {
    cluster.guest(vmid).expect("there").lock
}

fn state(cluster: &Cluster, vmid: u32) -> String {
    cluster.guest(vmid).expect("there").state
}

#[tokio::test]
async fn the_list_is_a_tree_and_ends_where_one_is() {
    let cluster = home().await;
    let rows = get(&cluster, VM).await.data();
    let rows = rows.as_array().expect("a list");
    assert_eq!(rows.len(), 4);
    let last = &rows[3];
    assert_eq!(last["name"], "current");
    assert_eq!(last["description"], "You are here!");
    assert_eq!(
        (&last["running"], &last["parent"]),
        (&json!(0), &json!("update-0-220"))
    );
    assert_eq!(last["digest"].as_str().map(str::len), Some(40));
    assert_eq!(last.get("snaptime"), None);
    let first = row(&cluster, VM, "fresh-install").await.expect("there");
    assert_eq!(first.get("parent"), None);
    assert_eq!(
        (&first["vmstate"], &first["description"]),
        (&json!(0), &json!("Debian and the server, no world yet"))
    );
    let ram = row(&cluster, VM, "before-mods").await.expect("there");
    assert_eq!(
        (&ram["vmstate"], &ram["parent"]),
        (&json!(1), &json!("fresh-install"))
    );
    let update = row(&cluster, VM, "update-0-220").await.expect("there");
    assert_eq!(
        (&update["parent"], &update["description"]),
        (&json!("fresh-install"), &json!(""))
    );
}

#[tokio::test]
async fn a_snapshot_is_prepared_taken_and_where_one_is() {
    let cluster = home().await;
    let task = take(&cluster, VM, "snapname=one&description=Before+it+all").await;
    assert!(task.contains(":qmsnapshot:101:discord@pve!bot:"), "{task}");
    assert_eq!(lock(&cluster, 101).as_deref(), Some("snapshot"));
    let begun = row(&cluster, VM, "one").await.expect("prepared");
    assert_eq!(begun["snapstate"], "prepare");
    // Nothing waits for it: the file is not locked, the guest is.
    let began = power(&cluster, "pve1/qemu/101", "start").await;
    assert_eq!(ends(&cluster, &began).await, "VM is locked (snapshot)");
    let second = post(&cluster, VM, "snapname=two").await;
    assert_eq!(ends(&cluster, &second).await, "VM is locked (snapshot)");
    cluster.finish(&task, "OK");
    assert_eq!(lock(&cluster, 101), None);
    let done = row(&cluster, VM, "one").await.expect("taken");
    assert_eq!(done.get("snapstate"), None);
    assert_eq!(done["description"], "Before it all");
    assert_eq!(done["parent"], "update-0-220");
    assert_eq!(
        row(&cluster, VM, "current").await.expect("there")["parent"],
        "one"
    );
}

#[tokio::test]
async fn memory_is_kept_only_of_a_vm_that_runs() {
    let cluster = home().await;
    taken(&cluster, VM, "snapname=off&vmstate=1").await;
    assert_eq!(row(&cluster, VM, "off").await.expect("there")["vmstate"], 0);
    let running = "/nodes/pve1/qemu/103/snapshot";
    taken(&cluster, running, "snapname=on&vmstate=1").await;
    assert_eq!(
        row(&cluster, running, "on").await.expect("there")["vmstate"],
        1
    );
    let refused = post(&cluster, CT, "snapname=on&vmstate=1").await;
    assert_eq!(
        refused.error("vmstate"),
        "property is not defined in schema and the schema does not allow additional properties"
    );
}

#[tokio::test]
async fn names_are_checked_as_proxmox_does() {
    let cluster = home().await;
    for name in ["1st", "a", "with+space", "a.b", "%C3%A4rger", "", "-x"] {
        let refused = post(&cluster, VM, &format!("snapname={name}")).await;
        let said = refused.error("snapname");
        assert!(
            said.starts_with("invalid format - invalid configuration ID '"),
            "{said}"
        );
    }
    let long = format!("snapname=a{}", "b".repeat(40));
    assert_eq!(
        post(&cluster, VM, &long).await.error("snapname"),
        "value may only be 40 characters long"
    );
    assert_eq!(
        post(&cluster, VM, "").await.error("snapname"),
        "property is missing and it is not optional"
    );
    for (path, name, said) in [
        (VM, "current", "current"),
        (VM, "PENDING", "pending"),
        (CT, "current", "current"),
        (CT, "vzdump", "vzdump"),
    ] {
        let refused = post(&cluster, path, &format!("snapname={name}")).await;
        assert_eq!(
            refused.said(),
            format!("500 unable to use snapshot name '{said}' (reserved name)")
        );
    }
    taken(&cluster, CT, "snapname=pending").await;
    taken(&cluster, VM, &format!("snapname=A{}", "_-9".repeat(13))).await;
    let again = post(&cluster, CT, "snapname=pending").await;
    assert_eq!(
        ends(&cluster, &again).await,
        "snapshot name 'pending' already used"
    );
    // Not the same name to Proxmox.
    taken(&cluster, CT, "snapname=Pending").await;
}

#[tokio::test]
async fn what_cannot_be_snapshot_fails_in_the_task() {
    let cluster = home().await;
    let template = post(&cluster, "/nodes/pve1/qemu/106/snapshot", "snapname=one").await;
    assert_eq!(
        ends(&cluster, &template).await,
        "you can't take a snapshot if it's a template"
    );
    let locked = post(&cluster, "/nodes/pve1/qemu/107/snapshot", "snapname=one").await;
    assert_eq!(ends(&cluster, &locked).await, "VM is locked (backup)");
    cluster.set_guest(104, |guest| guest.lock = Some("backup".into()));
    let locked = post(&cluster, CT, "snapname=one").await;
    assert_eq!(ends(&cluster, &locked).await, "CT is locked (backup)");
    cluster.set_guest(104, |guest| guest.lock = None);
    for (key, value) in [
        ("mp0", "/mnt/films,mp=/films"),
        ("mp0", "nas:104/vm-104-disk-1.raw,mp=/films,size=8G"),
    ] {
        cluster.set_config(104, key, value);
        let refused = post(&cluster, CT, "snapname=one").await;
        assert_eq!(
            ends(&cluster, &refused).await,
            "snapshot feature is not available"
        );
    }
    cluster.set_config(104, "mp0", "gone:vm-104-disk-1,mp=/films,size=8G");
    let refused = post(&cluster, CT, "snapname=one").await;
    assert_eq!(
        ends(&cluster, &refused).await,
        "storage 'gone' does not exist"
    );
    cluster.set_config(104, "mp0", "nas:104/vm-104-disk-1.qcow2,mp=/films,size=8G");
    cluster.set_storage("nas", |storage| storage.available = false);
    let refused = post(&cluster, CT, "snapname=one").await;
    assert_eq!(
        ends(&cluster, &refused).await,
        "storage 'nas' is not online"
    );
    assert_eq!(
        (lock(&cluster, 104), cluster.snapshots(104)),
        (None, Vec::new())
    );
    cluster.set_guest(101, |guest| guest.config_busy = true);
    let refused = post(&cluster, VM, "snapname=one").await;
    assert_eq!(
        ends(&cluster, &refused).await,
        "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"
    );
}

#[tokio::test]
async fn a_guest_that_is_not_here_is_told_in_two_places() {
    let cluster = home().await;
    let moved = "Configuration file 'nodes/pve1/qemu-server/102.conf' does not exist";
    let path = "/nodes/pve1/qemu/102/snapshot";
    assert_eq!(get(&cluster, path).await.said(), format!("500 {moved}"));
    assert_eq!(
        post(&cluster, path, "snapname=one").await.said(),
        format!("500 {moved}")
    );
    let rollback = post(&cluster, &format!("{path}/one/rollback"), "").await;
    assert_eq!(ends(&cluster, &rollback).await, moved);
    let removal = delete(&cluster, &format!("{path}/one")).await;
    assert_eq!(ends(&cluster, &removal).await, moved);
    let container = post(&cluster, "/nodes/pve1/lxc/105/snapshot", "snapname=one").await;
    assert_eq!(
        ends(&cluster, &container).await,
        "Configuration file 'nodes/pve1/lxc/105.conf' does not exist"
    );
}

#[tokio::test]
async fn children_of_a_deleted_snapshot_move_up() {
    let cluster = home().await;
    taken(&cluster, VM, "snapname=leaf").await;
    let middle = upid(&delete(&cluster, &format!("{VM}/update-0-220")).await);
    cluster.finish(&middle, "OK");
    let leaf = row(&cluster, VM, "leaf").await.expect("there");
    assert_eq!(leaf["parent"], "fresh-install");
    let task = upid(&delete(&cluster, &format!("{VM}/fresh-install?force=1")).await);
    assert!(task.contains(":qmdelsnapshot:101:"), "{task}");
    assert_eq!(lock(&cluster, 101).as_deref(), Some("snapshot-delete"));
    let going = row(&cluster, VM, "fresh-install")
        .await
        .expect("still there");
    assert_eq!(going["snapstate"], "delete");
    cluster.finish(&task, "OK");
    assert_eq!(lock(&cluster, 101), None);
    assert_eq!(row(&cluster, VM, "fresh-install").await, None);
    for name in ["before-mods", "leaf"] {
        assert_eq!(
            row(&cluster, VM, name).await.expect("there").get("parent"),
            None
        );
    }
    let task = upid(&delete(&cluster, &format!("{VM}/leaf")).await);
    cluster.finish(&task, "OK");
    assert_eq!(
        row(&cluster, VM, "current")
            .await
            .expect("there")
            .get("parent"),
        None
    );
    let gone = delete(&cluster, &format!("{VM}/leaf")).await;
    assert_eq!(
        ends(&cluster, &gone).await,
        "snapshot 'leaf' does not exist"
    );
    cluster.set_guest(101, |guest| guest.lock = Some("migrate".into()));
    let locked = delete(&cluster, &format!("{VM}/before-mods")).await;
    assert_eq!(ends(&cluster, &locked).await, "VM is locked (migrate)");
}

#[tokio::test]
async fn a_rollback_without_memory_leaves_the_guest_stopped() {
    let cluster = home().await;
    let path = "/nodes/pve1/qemu/103/snapshot";
    taken(&cluster, path, "snapname=one").await;
    cluster.set_config(103, "memory", "2048");
    cluster.set_config(103, "tags", "later");
    cluster.set_config(103, "description", "stays");
    taken(&cluster, path, "snapname=two").await;
    let task = upid(&post(&cluster, &format!("{path}/one/rollback"), "").await);
    assert!(task.contains(":qmrollback:103:"), "{task}");
    assert_eq!(lock(&cluster, 103).as_deref(), Some("rollback"));
    assert_eq!(state(&cluster, 103), "stopped");
    let meanwhile = power(&cluster, "pve1/qemu/103", "start").await;
    assert_eq!(ends(&cluster, &meanwhile).await, "VM is locked (rollback)");
    cluster.finish(&task, "OK");
    let guest = cluster.guest(103).expect("there");
    assert_eq!((guest.state.as_str(), guest.lock), ("stopped", None));
    assert_eq!(
        (guest.maxmem, guest.tags),
        (8 << 30, vec!["prod".to_owned()])
    );
    assert_eq!(guest.options["description"], "stays");
    assert_eq!(guest.parent.as_deref(), Some("one"));
    assert!(
        row(&cluster, path, "two").await.is_some(),
        "later ones stay"
    );
}

#[tokio::test]
async fn a_rollback_with_memory_goes_on_where_it_was() {
    let cluster = home().await;
    let task = upid(&post(&cluster, &format!("{VM}/before-mods/rollback"), "").await);
    cluster.finish(&task, "OK");
    assert_eq!(state(&cluster, 101), "running");
    assert_eq!(
        row(&cluster, VM, "current").await.expect("there")["running"],
        1
    );
}

#[tokio::test]
async fn a_start_after_the_rollback_is_a_task_of_its_own() {
    let cluster = home().await;
    taken(&cluster, CT, "snapname=one").await;
    let task = upid(&post(&cluster, &format!("{CT}/one/rollback"), "start=1").await);
    assert!(task.contains(":vzrollback:104:"), "{task}");
    cluster.finish(&task, "OK");
    assert_eq!(state(&cluster, 104), "stopped");
    let start = cluster.wait_task("vzstart", 104).await;
    cluster.finish(&start, "OK");
    assert_eq!(state(&cluster, 104), "running");
}

#[tokio::test]
async fn what_cannot_be_rolled_back_fails_in_the_task() {
    let mut setup = quick();
    let mut zfs = Storage::new("tank", &setup.nodes, "zfspool", "images,rootdir");
    zfs.shared = false;
    setup.storages.push(zfs);
    let cluster = start(setup).await;
    let unknown = post(&cluster, &format!("{VM}/none/rollback"), "").await;
    assert_eq!(
        ends(&cluster, &unknown).await,
        "snapshot 'none' does not exist"
    );
    cluster.set_guest(101, |guest| guest.lock = Some("backup".into()));
    let locked = post(&cluster, &format!("{VM}/before-mods/rollback"), "").await;
    assert_eq!(ends(&cluster, &locked).await, "VM is locked (backup)");
    cluster.set_guest(101, |guest| {
        guest.lock = None;
        guest.template = true;
    });
    let template = post(&cluster, &format!("{VM}/before-mods/rollback"), "").await;
    assert_eq!(
        ends(&cluster, &template).await,
        "you can't rollback if vm is a template"
    );
    cluster.set_guest(101, |guest| guest.template = false);
    cluster.set_config(101, "scsi0", "tank:vm-101-disk-0,size=64G");
    let older = post(&cluster, &format!("{VM}/before-mods/rollback"), "").await;
    assert_eq!(
        ends(&cluster, &older).await,
        "can't rollback, 'before-mods' is not most recent snapshot on 'tank:vm-101-disk-0'"
    );
}

#[tokio::test]
async fn a_killed_task_leaves_its_mark_and_a_stopped_one_clears_up() {
    let cluster = home().await;
    let task = take(&cluster, VM, "snapname=one").await;
    delete(
        &cluster,
        &format!("/nodes/pve1/tasks/{}", task.replace(':', "%3A")),
    )
    .await
    .data();
    assert_eq!(
        exit(&cluster, &task).await.as_deref(),
        Some("received interrupt")
    );
    assert_eq!(
        (lock(&cluster, 101), row(&cluster, VM, "one").await),
        (None, None)
    );

    let task = take(&cluster, VM, "snapname=two").await;
    cluster.finish(&task, "unexpected status");
    assert_eq!(lock(&cluster, 101).as_deref(), Some("snapshot"));
    assert_eq!(
        row(&cluster, VM, "two").await.expect("left")["snapstate"],
        "prepare"
    );
    cluster.set_guest(101, |guest| guest.lock = None);
    let half = post(&cluster, &format!("{VM}/two/rollback"), "").await;
    assert_eq!(
        ends(&cluster, &half).await,
        "unable to rollback to incomplete snapshot (snapstate = prepare)"
    );

    cluster.fault(Fault::once(FaultKind::TaskFails("lvremove failed".into())));
    let failed = delete(&cluster, &format!("{VM}/before-mods")).await;
    assert_eq!(ends(&cluster, &failed).await, "lvremove failed");
    assert_eq!(lock(&cluster, 101).as_deref(), Some("snapshot-delete"));
    assert_eq!(
        row(&cluster, VM, "before-mods").await.expect("left")["snapstate"],
        "delete"
    );
}

#[tokio::test]
async fn a_snapshot_waits_for_the_configuration_file() {
    let cluster = home().await;
    let shutdown = upid(&power(&cluster, "pve1/qemu/103", "shutdown").await);
    let path = "/nodes/pve1/qemu/103/snapshot";
    let task = take(&cluster, path, "snapname=one").await;
    assert_eq!(lock(&cluster, 103), None);
    cluster.finish(&shutdown, "OK");
    assert_eq!(lock(&cluster, 103).as_deref(), Some("snapshot"));
    cluster.finish(&task, "OK");
    assert!(row(&cluster, path, "one").await.is_some());
}

#[tokio::test]
async fn privileges() {
    let cluster = home().await;
    let allow = |privs: &[&str]| {
        for who in ["discord@pve", "discord@pve!bot"] {
            cluster.clear_acls(who);
            cluster.acl("/vms/101", who, privs, true);
        }
    };
    let rollback = format!("{VM}/before-mods/rollback");
    allow(&["VM.Audit", "VM.PowerMgmt"]);
    let said = "403 Permission check failed (/vms/101, VM.Snapshot)";
    assert_eq!(post(&cluster, VM, "snapname=one").await.said(), said);
    assert_eq!(
        delete(&cluster, &format!("{VM}/before-mods")).await.said(),
        said
    );
    assert_eq!(
        post(&cluster, &rollback, "").await.said(),
        "403 Permission check failed (/vms/101, VM.Snapshot|VM.Snapshot.Rollback)"
    );
    allow(&["VM.Snapshot.Rollback"]);
    assert_eq!(
        get(&cluster, VM).await.said(),
        "403 Permission check failed (/vms/101, VM.Audit)"
    );
    assert_eq!(
        post(&cluster, &rollback, "start=1").await.said(),
        "403 Permission check failed (/vms/101, VM.PowerMgmt)"
    );
    cluster.finish(&upid(&post(&cluster, &rollback, "").await), "OK");
    assert_eq!(post(&cluster, VM, "snapname=one").await.said(), said);
}

#[tokio::test]
async fn before_9_2_whoever_rolls_back_may_start() {
    let cluster = start(Setup {
        version: (8, 4),
        ..quick()
    })
    .await;
    for who in ["discord@pve", "discord@pve!bot"] {
        cluster.clear_acls(who);
        cluster.acl("/vms/101", who, &["VM.Snapshot.Rollback"], true);
    }
    let path = format!("{VM}/fresh-install/rollback");
    let task = upid(&post(&cluster, &path, "start=1").await);
    cluster.finish(&task, "OK");
    cluster.wait_task("qmstart", 101).await;
}

#[tokio::test]
async fn without_quorum_nothing_is_written() {
    let cluster = home().await;
    cluster.set_quorate(false);
    let task = post(&cluster, VM, "snapname=one").await;
    let said = ends(&cluster, &task).await;
    let file = "unable to open file '/etc/pve/nodes/pve1/qemu-server/101.conf.tmp.";
    assert!(
        said.starts_with(file) && said.ends_with("' - Permission denied"),
        "{said}"
    );
    assert_eq!(
        (lock(&cluster, 101), row(&cluster, VM, "one").await),
        (None, None)
    );
    assert!(row(&cluster, VM, "before-mods").await.is_some());
}

#[tokio::test]
async fn on_the_automatic_clock_a_snapshot_ends_by_itself() {
    let cluster = start(Setup {
        clock: Clock::Auto {
            task: Duration::from_millis(20),
        },
        ..quick()
    })
    .await;
    let task = take(&cluster, VM, "snapname=one").await;
    for _ in 0..200 {
        if exit(&cluster, &task).await.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(exit(&cluster, &task).await.as_deref(), Some("OK"));
    assert_eq!(cluster.snapshots(101).last().expect("one").name, "one");
}

#[tokio::test]
async fn ha_starts_again_what_a_rollback_stopped() {
    let cluster = home().await;
    cluster.set_guest(108, |guest| {
        guest.ha = Some("started".into());
        guest.state = "running".into();
    });
    cluster.add_snapshot(108, Snapshot::new("one").hours_ago(2));
    let path = "/nodes/pve2/qemu/108/snapshot/one/rollback";
    let task = upid(&post(&cluster, path, "").await);
    cluster.finish(&task, "OK");
    assert_eq!(state(&cluster, 108), "stopped");
    cluster.ha_settle(108);
    assert_eq!(state(&cluster, 108), "running");
}

#[tokio::test]
async fn a_containers_description_ends_with_a_line() {
    let cluster = home().await;
    taken(&cluster, CT, "snapname=one&description=Before").await;
    let shown = row(&cluster, CT, "one").await.expect("there");
    assert_eq!(shown["description"], "Before\n");
    assert_eq!(shown.get("vmstate"), None);
}

/// To the faults by name a removal is a write as any other.
#[tokio::test]
async fn faults_of_writes_hit_removals() {
    let cluster = home().await;
    assert!(cluster.fault_by_name("forbidden"));
    let refused = delete(&cluster, &format!("{VM}/before-mods")).await;
    assert_eq!(refused.status, 403);
    get(&cluster, VM).await.data();
    cluster.clear_faults();
    assert!(
        cluster
            .snapshots(101)
            .iter()
            .any(|it| it.name == "before-mods")
    );
}
