//! What a token may, and what it does not even see.

mod support;

use fake_proxmox::{Cluster, Setup};
use serde_json::{Value, json};
use support::{ask, get, home, post, power, start, token_line};

const USER: &str = "discord@pve";
const TOKEN: &str = "discord@pve!bot";

/// The home cluster with a token that has nothing.
async fn bare() -> Cluster {
    let cluster = home().await;
    cluster.clear_acls(USER);
    cluster.clear_acls(TOKEN);
    cluster
}

fn ids(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().expect("rows");
    rows.iter().filter_map(|row| row["id"].as_str()).collect()
}

async fn privs(cluster: &Cluster, path: &str) -> Value {
    let answer = get(cluster, &format!("/access/permissions?path={path}")).await;
    answer.data()[path].clone()
}

#[tokio::test]
async fn privilege_separation_takes_both() {
    let cluster = bare().await;
    cluster.acl("/vms", TOKEN, &["VM.PowerMgmt", "VM.Audit"], true);
    assert_eq!(privs(&cluster, "/vms/101").await, json!({}));
    cluster.acl("/", USER, &["VM.Audit", "Sys.Audit"], true);
    assert_eq!(privs(&cluster, "/vms/101").await, json!({"VM.Audit": 1}));
    let answer = power(&cluster, "pve1/qemu/101", "start").await;
    let text = "Permission check failed (/vms/101, VM.PowerMgmt)";
    assert_eq!(answer.said(), format!("403 {text}"));
    assert_eq!(answer.json()["message"], format!("{text}\n"));
    cluster.add_token("discord@pve!full", "secret", false);
    let line = token_line("discord@pve!full", "secret");
    let all = ask(&cluster, "GET", "/access/permissions?path=/vms/101", &line)
        .await
        .data();
    assert_eq!(all["/vms/101"], json!({"Sys.Audit": 1, "VM.Audit": 1}));
}

#[tokio::test]
async fn a_deeper_path_replaces_and_a_pool_adds() {
    let cluster = bare().await;
    for who in [USER, TOKEN] {
        cluster.acl("/", who, &["VM.Audit", "Sys.Audit"], true);
        cluster.acl("/vms/103", who, &["VM.PowerMgmt"], true);
        cluster.acl("/pool/friends", who, &["VM.PowerMgmt"], true);
    }
    assert_eq!(
        privs(&cluster, "/vms/103").await,
        json!({"VM.PowerMgmt": 1})
    );
    assert_eq!(
        privs(&cluster, "/vms/101").await,
        json!({"Sys.Audit": 1, "VM.Audit": 1, "VM.PowerMgmt": 0})
    );
    let all = get(&cluster, "/access/permissions").await.data();
    let paths: Vec<&String> = all.as_object().expect("paths").keys().collect();
    assert!(paths.contains(&&"/vms/101".to_owned()) && paths.contains(&&"/pool".to_owned()));
    assert!(
        !paths.contains(&&"/vms/102".to_owned()),
        "only what ACLs and pools name"
    );
    for who in [USER, TOKEN] {
        cluster.acl("/vms/101", who, &["NoAccess"], true);
    }
    assert_eq!(privs(&cluster, "/vms/101").await, json!({}));
}

#[tokio::test]
async fn without_propagation_it_ends_at_its_path() {
    let cluster = bare().await;
    for who in [USER, TOKEN] {
        cluster.acl("/", who, &["Sys.Audit"], true);
        cluster.acl("/vms", who, &["VM.Audit"], false);
    }
    assert_eq!(privs(&cluster, "/vms").await, json!({"VM.Audit": 0}));
    assert_eq!(privs(&cluster, "/vms/101").await, json!({"Sys.Audit": 1}));
}

#[tokio::test]
async fn lists_are_filtered_without_a_word() {
    let cluster = bare().await;
    let rows = get(&cluster, "/cluster/resources").await.data();
    assert_eq!(ids(&rows), ["node/pve1", "node/pve2"]);
    let node = &rows[0];
    assert_eq!(
        (&node["level"], &node["cgroup-mode"]),
        (&json!(""), &json!(2))
    );
    for absent in [
        "uptime", "cpu", "mem", "disk", "maxcpu", "maxmem", "maxdisk",
    ] {
        assert!(node.get(absent).is_none(), "{absent}");
    }
    assert!(get(&cluster, "/nodes").await.data()[0].get("cpu").is_none());
    assert_eq!(get(&cluster, "/nodes/pve1/qemu").await.data(), json!([]));
    for (path, said) in [
        ("/cluster/status", "(/, Sys.Audit)"),
        ("/nodes/pve1/status", "(/nodes/pve1, Sys.Audit)"),
        (
            "/nodes/pve1/qemu/103/status/current",
            "(/vms/103, VM.Audit)",
        ),
    ] {
        let answer = get(&cluster, path).await;
        assert_eq!(answer.said(), format!("403 Permission check failed {said}"));
    }
    for who in [USER, TOKEN] {
        cluster.acl("/vms/104", who, &["VM.Audit"], true);
        cluster.acl("/storage/nas", who, &["Datastore.Audit"], true);
        cluster.acl("/nodes/pve2", who, &["Sys.Audit"], true);
    }
    let rows = get(&cluster, "/cluster/resources").await.data();
    assert_eq!(
        ids(&rows),
        [
            "lxc/104",
            "node/pve1",
            "node/pve2",
            "storage/pve1/nas",
            "storage/pve2/nas"
        ]
    );
    assert!(rows[1].get("cpu").is_none() && rows[2].get("cpu").is_some());
}

#[tokio::test]
async fn the_home_token_sees_everything_and_powers_every_guest() {
    let cluster = home().await;
    let rows = get(&cluster, "/cluster/resources").await.data();
    assert_eq!(rows.as_array().map(Vec::len), Some(1 + 8 + 2 + 6));
    for guest in cluster.guests() {
        let held = privs(&cluster, &format!("/vms/{}", guest.vmid)).await;
        assert!(
            held.get("VM.PowerMgmt").is_some() && held.get("VM.Audit").is_some(),
            "{held}"
        );
    }
}

#[tokio::test]
async fn others_tasks_need_audit() {
    let cluster = home().await;
    let upid = support::upid(&power(&cluster, "pve1/qemu/101", "start").await);
    cluster.add_token("anna@pve!app", "secret", false);
    let line = token_line("anna@pve!app", "secret");
    let path = format!("/nodes/pve1/tasks/{upid}/status");
    let answer = ask(&cluster, "GET", &path, &line).await;
    assert_eq!(
        answer.said(),
        "403 Permission check failed (/nodes/pve1, Sys.Audit)"
    );
    let list = ask(&cluster, "GET", "/nodes/pve1/tasks?source=all", &line).await;
    assert_eq!(list.data(), json!([]));
    cluster.clear_acls(TOKEN);
    assert_eq!(
        get(&cluster, &path).await.status,
        200,
        "one's own needs nothing"
    );
    let stop = support::delete(&cluster, &format!("/nodes/pve1/tasks/{upid}")).await;
    assert_eq!(stop.data(), Value::Null);
    let status = get(&cluster, &path).await.data();
    assert_eq!(status["exitstatus"], "received interrupt");
    assert_eq!(
        (&status["user"], &status["tokenid"]),
        (&json!(USER), &json!("bot"))
    );
}

#[tokio::test]
async fn a_stranger_path_is_refused_before_its_parameters_are_read() {
    let cluster = bare().await;
    let answer = post(&cluster, "/nodes/pve1/qemu/101/status/start", "nonsense=1").await;
    assert_eq!(answer.status, 403);
    let cluster = start(Setup::empty(&["solo"])).await;
    assert_eq!(cluster.urls().len(), 1);
}
