//! `vzdump`: who may, what the guest and the log look like meanwhile, and every way to fail.

mod support;

use std::time::Duration;

use fake_proxmox::{Backup, Clock, Cluster, File, Guest, Storage};
use serde_json::{Value, json};
use support::{delete, exit, get, home, post, quick, start, upid};

const USER: &str = "discord@pve";
const TOKEN: &str = "discord@pve!bot";

/// What a bot needs for backups, on all guests and storages.
fn allow(cluster: &Cluster) {
    for who in [USER, TOKEN] {
        let space = ["Datastore.Audit", "Datastore.AllocateSpace"];
        cluster.acl("/storage", who, &space, true);
        for guest in cluster.guests() {
            cluster.acl(&format!("/vms/{}", guest.vmid), who, &["VM.Backup"], true);
        }
    }
}

async fn allowed() -> Cluster {
    let cluster = home().await;
    allow(&cluster);
    cluster
}

async fn backup(cluster: &Cluster, form: &str) -> String {
    upid(&post(cluster, "/nodes/pve1/vzdump", form).await)
}

fn log(cluster: &Cluster, upid: &str) -> String {
    let tasks = cluster.tasks();
    let task = tasks.iter().find(|task| task.upid == upid);
    task.expect("the task").log.join("\n")
}

#[track_caller]
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part);
        rest = &rest[at.unwrap_or_else(|| panic!("no {part} in order in\n{text}"))..];
    }
}

#[tokio::test]
async fn a_running_vm_is_locked_copied_and_let_go() {
    let cluster = allowed().await;
    let form =
        "vmid=103&storage=nas&mode=snapshot&compress=zstd&notes-template={{guestname}}&protected=1";
    let upid = backup(&cluster, form).await;
    assert!(upid.contains(":vzdump:103:discord@pve!bot:"), "{upid}");
    assert_eq!(cluster.guest(103).unwrap().lock.as_deref(), Some("backup"));
    let start = post(&cluster, "/nodes/pve1/qemu/103/status/stop", "").await;
    let stopped = exit(&cluster, &support::upid(&start)).await;
    assert_eq!(stopped.as_deref(), Some("VM is locked (backup)"));
    cluster.backup_progress(&upid, 37);
    in_order(
        &log(&cluster, &upid),
        &[
            "INFO: starting new backup job: vzdump 103 --compress zstd",
            "INFO: Starting Backup of VM 103 (qemu)",
            "INFO: status = running",
            "INFO: VM Name: nextcloud",
            "INFO: include disk 'scsi0' 'local-lvm:vm-103-disk-0' 64G",
            "INFO: backup mode: snapshot",
            "INFO: creating vzdump archive '/mnt/pve/nas/dump/vzdump-qemu-103-",
            "INFO: issuing guest-agent 'fs-freeze' command",
            "INFO:   4% (2.6 GiB of 64.0 GiB) in 10s, read: 262.1 MiB/s, write:",
            "INFO:  37% (23.7 GiB of 64.0 GiB) in 1m 34s, read: ",
        ],
    );
    let used = |cluster: &Cluster| cluster.backups("nas").iter().map(|it| it.size).sum::<u64>();
    assert_eq!(used(&cluster), 0, "nothing is there until it is whole");
    cluster.finish(&upid, "OK");
    assert_eq!(exit(&cluster, &upid).await.as_deref(), Some("OK"));
    assert_eq!(cluster.guest(103).unwrap().lock, None);
    in_order(
        &log(&cluster, &upid),
        &[
            "INFO: 100% (64.0 GiB of 64.0 GiB) in 4m 16s",
            "INFO: transferred 64.00 GiB in 256 seconds (256.0 MiB/s)",
            "INFO: archive file size: 9.6",
            "INFO: adding notes to backup",
            "INFO: marking backup as protected",
            "INFO: Finished Backup of VM 103 (00:04:16)",
            "INFO: Backup job finished successfully",
            "TASK OK",
        ],
    );
    let rows = get(
        &cluster,
        "/nodes/pve2/storage/nas/content?content=backup&vmid=103",
    )
    .await;
    let row = &rows.data()[0];
    let volid = row["volid"].as_str().unwrap();
    assert!(volid.starts_with("nas:backup/vzdump-qemu-103-20") && volid.ends_with(".vma.zst"));
    assert_eq!(
        (
            &row["format"],
            &row["subtype"],
            &row["notes"],
            &row["protected"]
        ),
        (
            &json!("vma.zst"),
            &json!("qemu"),
            &json!("nextcloud"),
            &json!(1)
        )
    );
    assert_eq!(row["size"], used(&cluster));
}

#[tokio::test]
async fn one_that_is_off_runs_for_as_long_as_it_takes() {
    let cluster = allowed().await;
    let first = backup(&cluster, "vmid=101&storage=nas").await;
    assert_eq!(cluster.guest(101).unwrap().state, "prelaunch");
    cluster.finish(&first, "OK");
    assert_eq!(cluster.guest(101).unwrap().state, "stopped");
    assert!(log(&cluster, &first).contains("INFO: stopping kvm after backup task"));
    let second = backup(&cluster, "vmid=101&storage=nas").await;
    let started = support::power(&cluster, "pve1/qemu/101", "start").await;
    cluster.finish(&support::upid(&started), "OK");
    cluster.finish(&second, "OK");
    assert_eq!(
        cluster.guest(101).unwrap().state,
        "running",
        "somebody let it go on"
    );
    assert!(log(&cluster, &second).contains("('running') - keep VM running"));
}

#[tokio::test]
async fn the_storage_is_asked_for_first_and_the_guest_in_the_task() {
    let cluster = home().await;
    let answer = post(&cluster, "/nodes/pve1/vzdump", "vmid=103&storage=nas").await;
    let text = "Permission check failed (/storage/nas, Datastore.AllocateSpace)";
    assert_eq!(answer.said(), format!("403 {text}"));
    for who in [USER, TOKEN] {
        cluster.acl("/storage", who, &["Datastore.AllocateSpace"], true);
    }
    let upid = backup(&cluster, "vmid=103&storage=nas").await;
    let text = "403 Permission check failed (/vms/103, VM.Backup)";
    assert_eq!(exit(&cluster, &upid).await.as_deref(), Some(text));
    assert_eq!(cluster.guest(103).unwrap().lock, None);
    // Of all guests those that one may back up are meant: none of them.
    let all = backup(&cluster, "all=1&storage=nas").await;
    assert_eq!(exit(&cluster, &all).await.as_deref(), Some("OK"));
    assert!(
        all.contains(":vzdump::discord"),
        "about no single guest: {all}"
    );
}

#[tokio::test]
async fn parameters_are_refused_where_the_real_one_does() {
    let cluster = allowed().await;
    let path = "/nodes/pve1/vzdump";
    for (form, name, text) in [
        ("storage=nas", "vmid", "property is missing"),
        (
            "vmid=103&all=1",
            "all",
            "option conflicts with option 'vmid'",
        ),
        (
            "vmid=103&exclude=101",
            "exclude",
            "option conflicts with option 'vmid'",
        ),
        (
            "vmid=103&pool=friends",
            "pool",
            "option conflicts with option 'vmid'",
        ),
        (
            "vmid=103&tmpdir=/x",
            "tmpdir",
            "Only root may set this option.",
        ),
        (
            "vmid=103&job-id=x",
            "job-id",
            "Only root may set this option.",
        ),
        (
            "vmid=103&protected=1",
            "storage",
            "missing property required by 'protected'",
        ),
        (
            "vmid=103&mode=fast",
            "mode",
            "value 'fast' does not have a value in the enumeration 'snapshot, suspend, stop'",
        ),
        (
            "vmid=1",
            "vmid",
            "invalid format - value does not look like a valid VM ID\n",
        ),
        (
            "vmid=103&storage=-",
            "storage",
            "invalid format - storage ID '-' cannot be shorter than 2 characters\n",
        ),
        (
            "vmid=103&ionice=9",
            "ionice",
            "value must have a maximum value of 8",
        ),
        (
            "vmid=103&storage=nas&notes-template={{vm}}",
            "notes-template",
            "found unknown: variable 'vm' at char 4\n",
        ),
        (
            "vmid=103&stdout=1",
            "stdout",
            "option is only allowed on the command line interface.",
        ),
    ] {
        let answer = post(&cluster, path, form).await;
        assert_eq!(
            (answer.status, answer.error(name)),
            (400, text.into()),
            "{form}"
        );
    }
    for (form, said) in [
        ("vmid=103&bwlimit=1000", "(/, Sys.Modify)"),
        (
            "vmid=103&storage=nas&prune-backups=keep-last=3",
            "(/storage/nas, Datastore.Allocate)",
        ),
        ("vmid=103&stop=1", "(/nodes/pve1, Sys.Modify)"),
    ] {
        let answer = post(&cluster, path, form).await;
        assert_eq!(
            answer.said(),
            format!("403 Permission check failed {said}"),
            "{form}"
        );
    }
    let elsewhere = post(&cluster, path, "vmid=102&storage=nas").await;
    assert_eq!(elsewhere.data(), "OK", "it lives on the other node");
    assert!(cluster.tasks().is_empty(), "nothing began");
}

#[tokio::test]
async fn a_storage_that_will_not_do_ends_it_at_once() {
    let mut setup = quick();
    let pbs = Storage::new("pbs", &setup.nodes, "pbs", "backup");
    setup.storages.push(pbs);
    let cluster = start(setup).await;
    allow(&cluster);
    cluster.set_storage_available("nas", false);
    cluster.set_storage_available("pbs", false);
    cluster.set_storage("local", |storage| storage.disabled = true);
    for (storage, text) in [
        (
            "nas",
            "could not activate storage 'nas': storage 'nas' is not online",
        ),
        (
            "local",
            "could not activate storage 'local': storage 'local' is disabled",
        ),
        (
            "pbs",
            "could not activate storage 'pbs': pbs: error fetching datastores - 500 Can't connect to 192.0.2.40:8007 (No route to host)",
        ),
        (
            "local-lvm",
            "could not get storage information for 'local-lvm': can't use storage 'local-lvm' for backups - wrong content type",
        ),
        (
            "none",
            "could not activate storage 'none': storage 'none' does not exist could not get storage information for 'none': storage 'none' does not exist",
        ),
    ] {
        let upid = backup(&cluster, &format!("vmid=103&storage={storage}")).await;
        assert_eq!(exit(&cluster, &upid).await.as_deref(), Some(text));
    }
}

#[tokio::test]
async fn what_fails_for_one_guest_does_not_stop_the_others() {
    let cluster = allowed().await;
    let upid = backup(&cluster, "vmid=107,999,103&storage=nas").await;
    cluster.finish(&upid, "OK");
    assert_eq!(exit(&cluster, &upid).await.as_deref(), Some("job errors"));
    in_order(
        &log(&cluster, &upid),
        &[
            "INFO: Finished Backup of VM 103",
            "ERROR: Backup of VM 107 failed - VM is locked (backup)",
            "INFO: Failed at 20",
            "ERROR: Backup of VM 999 failed - unable to find VM '999'",
            "INFO: Backup job finished with errors",
            "TASK ERROR: job errors",
        ],
    );
    assert_eq!(cluster.backups("nas").len(), 1);
    assert_eq!(
        cluster.guest(107).unwrap().lock.as_deref(),
        Some("backup"),
        "not its own"
    );
}

#[tokio::test]
async fn a_full_storage_is_noticed_on_the_way() {
    let cluster = allowed().await;
    cluster.set_storage_size("nas", 7 << 30, 8 << 30);
    let upid = backup(&cluster, "vmid=103&storage=nas&compress=zstd").await;
    cluster.backup_progress(&upid, 8);
    assert_eq!(
        exit(&cluster, &upid).await,
        None,
        "there is room for that much"
    );
    cluster.backup_progress(&upid, 40);
    assert_eq!(exit(&cluster, &upid).await.as_deref(), Some("job errors"));
    assert!(
        log(&cluster, &upid).contains(
            "ERROR: Backup of VM 103 failed - vma_queue_write: write error - Broken pipe"
        )
    );
    assert_eq!(cluster.guest(103).unwrap().lock, None);
    assert!(cluster.backups("nas").is_empty());
}

#[tokio::test]
async fn a_node_makes_one_after_the_other_and_one_can_be_stopped() {
    let cluster = allowed().await;
    let first = backup(&cluster, "vmid=103&storage=nas").await;
    let second = backup(&cluster, "vmid=104&storage=nas&compress=zstd").await;
    assert_eq!(
        log(&cluster, &second),
        "INFO: trying to get global lock - waiting..."
    );
    assert_eq!(cluster.guest(104).unwrap().lock, None);
    let third = backup(&cluster, "vmid=101&storage=nas&lockwait=0").await;
    assert_eq!(
        exit(&cluster, &third).await.as_deref(),
        Some("unexpected status")
    );
    let path = format!("/nodes/pve1/tasks/{first}");
    assert_eq!(delete(&cluster, &path).await.data(), Value::Null);
    assert_eq!(
        exit(&cluster, &first).await.as_deref(),
        Some("interrupted by signal")
    );
    assert_eq!(cluster.guest(103).unwrap().lock, None);
    in_order(
        &log(&cluster, &second),
        &["INFO: got global lock", "INFO: CT Name: dns"],
    );
    cluster.finish(&second, "OK");
    let made = cluster.backups("nas");
    assert_eq!(made.len(), 1);
    assert!(made[0].volid.ends_with(".tar.zst"), "{}", made[0].volid);
}

#[tokio::test]
async fn by_the_clock_it_ends_by_itself() {
    let mut setup = quick();
    setup.clock = Clock::Auto {
        task: Duration::from_millis(60),
    };
    let cluster = start(setup).await;
    allow(&cluster);
    let upid = backup(&cluster, "vmid=103,104&storage=nas").await;
    while exit(&cluster, &upid).await.is_none() {}
    assert_eq!(exit(&cluster, &upid).await.as_deref(), Some("OK"));
    assert_eq!(cluster.backups("nas").len(), 2);
}

#[tokio::test]
async fn older_ones_are_pruned_but_not_protected_ones() {
    let cluster = allowed().await;
    for who in [USER, TOKEN] {
        cluster.acl("/storage", who, &["Datastore.Allocate"], true);
    }
    let day = Duration::from_secs(86_400);
    for age in 1..=4 {
        cluster.add_backup("nas", Backup::vm(103, "pve1").ago(day * age));
    }
    cluster.add_backup("nas", Backup::vm(103, "pve1").ago(day * 9).protected());
    let full = backup(
        &cluster,
        "vmid=103&storage=nas&remove=0&prune-backups=keep-last=4",
    )
    .await;
    assert_eq!(exit(&cluster, &full).await.as_deref(), Some("job errors"));
    assert!(log(&cluster, &full).contains("There is a max backup limit of 4 enforced"));
    let upid = backup(&cluster, "vmid=103&storage=nas&prune-backups=keep-last=2").await;
    cluster.finish(&upid, "OK");
    assert_eq!(cluster.backups("nas").len(), 2 + 1);
    assert!(
        log(&cluster, &upid)
            .contains("INFO: pruned 3 backup(s) not covered by keep-retention policy")
    );
}

#[tokio::test]
async fn content_is_filtered_without_a_word() {
    let mut setup = quick();
    setup
        .storages
        .push(Storage::new("pbs", &setup.nodes, "pbs", "backup"));
    setup.guests.push(Guest::vm(120, "other", "pve1"));
    let cluster = start(setup).await;
    cluster.add_backup(
        "pbs",
        Backup::vm(103, "pve1")
            .verified("failed")
            .encrypted("aa:bb")
            .notes("one\ntwo"),
    );
    cluster.add_backup("pbs", Backup::ct(104, "pve1"));
    cluster.add_backup("local", Backup::vm(103, "pve1").notes("one\ntwo"));
    let path = "/nodes/pve1/storage/pbs/content?content=backup";
    let count = async || get(&cluster, path).await.data().as_array().map(Vec::len);
    assert_eq!(count().await, Some(0), "to audit is not enough");
    for who in [USER, TOKEN] {
        cluster.acl("/storage", who, &["Datastore.AllocateSpace"], true);
    }
    let refused = get(&cluster, "/nodes/pve1/storage/pbs/content?content=x").await;
    assert_eq!(
        refused.error("content"),
        "invalid format - invalid content type 'x'\n"
    );
    assert_eq!(count().await, Some(0));
    for who in [USER, TOKEN] {
        cluster.acl("/vms/103", who, &["VM.Backup"], true);
    }
    let rows = get(&cluster, path).await.data();
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    let row = &rows[0];
    assert!(
        row["volid"]
            .as_str()
            .unwrap()
            .starts_with("pbs:backup/vm/103/20")
    );
    assert_eq!(
        (&row["format"], &row["encrypted"]),
        (&json!("pbs-vm"), &json!("aa:bb"))
    );
    assert_eq!(row["verification"]["state"], "failed");
    assert_eq!(row["notes"], "one\ntwo");
    let local = get(&cluster, "/nodes/pve1/storage/local/content")
        .await
        .data();
    assert_eq!(local[0]["notes"], "one", "a file shows the first line");
    let other = get(&cluster, "/nodes/pve2/storage/local/content")
        .await
        .data();
    assert_eq!(other, json!([]), "local is another folder there");
    for who in [USER, TOKEN] {
        cluster.clear_acls(who);
        cluster.acl(
            "/storage/pbs",
            who,
            &["Datastore.Allocate", "Datastore.Audit"],
            true,
        );
    }
    assert_eq!(count().await, Some(2));
}

#[tokio::test]
async fn files_are_shown_to_all_who_may_look_but_snippets_are_not() {
    let mut setup = quick();
    for storage in &mut setup.storages {
        if storage.name == "local" {
            storage.content = "iso,vztmpl,snippets".into();
            storage.files = vec![
                File::new("iso", "debian.iso", "pve1"),
                File::new("vztmpl", "debian.tar.zst", "pve1"),
                File::new("snippets", "cloud.yaml", "pve1"),
                File::new("iso", "of-the-other.iso", "pve2"),
            ];
        }
    }
    let cluster = start(setup).await;
    let names = async |query: &str| {
        let path = format!("/nodes/pve1/storage/local/content{query}");
        let rows = get(&cluster, &path).await.data();
        let rows = rows.as_array().cloned().unwrap_or_default();
        let names = rows
            .iter()
            .map(|row| format!("{} {}", row["volid"], row["format"]));
        names.collect::<Vec<_>>().join(", ").replace('"', "")
    };
    let open = "local:iso/debian.iso iso, local:vztmpl/debian.tar.zst tzst";
    assert_eq!(names("").await, open);
    for who in [USER, TOKEN] {
        cluster.acl(
            "/storage",
            who,
            &["Datastore.Audit", "Datastore.Allocate"],
            true,
        );
    }
    let snippet = "local:snippets/cloud.yaml snippet";
    assert_eq!(names("?content=snippets").await, snippet);
    assert_eq!(names("?vmid=101").await, snippet);
    assert_eq!(names("?content=iso").await, "local:iso/debian.iso iso");
}

#[tokio::test]
async fn storages_that_cannot_be_reached_say_so() {
    let cluster = allowed().await;
    cluster.set_storage_available("nas", false);
    let row = get(&cluster, "/nodes/pve1/storage?storage=nas")
        .await
        .data();
    assert_eq!(
        (&row[0]["active"], &row[0]["enabled"], &row[0]["total"]),
        (&json!(0), &json!(1), &json!(0))
    );
    let content = get(&cluster, "/nodes/pve1/storage/nas/content").await;
    assert_eq!(content.said(), "500 storage 'nas' is not online");
    let none = get(&cluster, "/nodes/pve1/storage/none/content").await;
    assert_eq!(none.said(), "500 storage 'none' does not exist");
    let none = get(&cluster, "/nodes/pve1/storage/none/status").await;
    assert_eq!(none.error("storage"), "No such storage.");
    let names = async |query: &str| {
        let rows = get(&cluster, &format!("/nodes/pve1/storage?{query}"))
            .await
            .data();
        let rows = rows.as_array().cloned().unwrap();
        let names = rows
            .iter()
            .map(|row| row["storage"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("content=backup").await, "local nas");
    assert_eq!(names("content=images,rootdir").await, "local-lvm");
    assert_eq!(names("target=pve2").await, "nas");
    cluster.set_storage("nas", |storage| storage.disabled = true);
    assert_eq!(names("content=backup").await, "local");
    assert_eq!(names("enabled=1").await, "local local-lvm");
    assert_eq!(names("").await, "local local-lvm nas");
    for who in [USER, TOKEN] {
        cluster.clear_acls(who);
        cluster.acl("/storage/local", who, &["Datastore.AllocateSpace"], true);
    }
    assert_eq!(names("").await, "local");
    let status = get(&cluster, "/nodes/pve1/storage/nas/status").await;
    let text =
        "403 Permission check failed (/storage/nas, Datastore.Audit|Datastore.AllocateSpace)";
    assert_eq!(status.said(), text);
}
