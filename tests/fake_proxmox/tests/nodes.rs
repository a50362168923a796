//! Whole nodes: off, on, woken, and their tasks.

mod support;

use std::time::Duration;

use fake_proxmox::{Clock, Cluster, Past};
use serde_json::{Value, json};
use support::{almighty, ask, delete, get, home, post, quick, send, start};

const WHO: [&str; 2] = ["discord@pve", "discord@pve!bot"];

async fn with(privs: &[&str]) -> Cluster {
    let cluster = home().await;
    for who in WHO {
        let mut all = vec!["Sys.Audit"];
        all.extend(privs);
        cluster.acl("/nodes", who, &all, true);
    }
    cluster
}

async fn rows(cluster: &Cluster, kind: &str) -> Value {
    get(cluster, &format!("/cluster/resources?type={kind}"))
        .await
        .data()
}

fn row<'a>(rows: &'a Value, id: &str) -> &'a Value {
    let rows = rows.as_array().unwrap();
    rows.iter().find(|row| row["id"] == id).unwrap()
}

#[tokio::test]
async fn a_node_restarts_and_its_guests_stop() {
    let denied = post(&home().await, "/nodes/pve2/status", "command=reboot").await;
    assert_eq!(
        denied.said(),
        "403 Permission check failed (/nodes/pve2, Sys.PowerMgmt)"
    );
    let cluster = with(&["Sys.PowerMgmt"]).await;
    let odd = post(&cluster, "/nodes/pve2/status", "command=sleep").await;
    let text = "value 'sleep' does not have a value in the enumeration 'reboot, shutdown'";
    assert_eq!(odd.error("command"), text);
    cluster.set_guest(108, |guest| {
        (guest.ha, guest.state) = (Some("started".into()), "running".into())
    });
    assert_eq!(
        post(&cluster, "/nodes/pve2/status", "command=reboot")
            .await
            .data(),
        Value::Null
    );
    assert_eq!(
        row(&rows(&cluster, "node").await, "node/pve2")["status"],
        "online",
        "not yet"
    );
    assert!(cluster.node_step("pve2"));
    assert_eq!(
        row(&rows(&cluster, "node").await, "node/pve2")["status"],
        "offline"
    );
    let guests = rows(&cluster, "vm").await;
    assert_eq!(
        row(&guests, "qemu/102")["status"],
        "stopped",
        "as it was last seen"
    );
    assert_eq!(row(&guests, "qemu/108")["hastate"], "freeze");
    assert_eq!(
        get(&cluster, "/nodes/pve2/status").await.said(),
        "595 No route to host"
    );
    assert!(cluster.node_step("pve2"));
    let uptime = row(&rows(&cluster, "node").await, "node/pve2")["uptime"].as_u64();
    assert!(uptime.is_some_and(|uptime| uptime < 60));
    let ha = cluster.guest(108).unwrap();
    assert_eq!((ha.ha.as_deref(), ha.is_up()), (Some("started"), true));
    assert!(!cluster.guest(102).unwrap().is_up(), "nothing starts it");
    assert!(!cluster.node_step("pve2"));
}

#[tokio::test]
async fn one_that_is_shut_down_loses_its_ha_guests_and_can_be_woken() {
    let cluster = with(&["Sys.PowerMgmt"]).await;
    cluster.set_guest(108, |guest| {
        (guest.ha, guest.state) = (Some("started".into()), "running".into())
    });
    post(&cluster, "/nodes/pve2/status", "command=shutdown")
        .await
        .data();
    assert!(cluster.node_step("pve2"), "down");
    assert!(cluster.node_step("pve2"), "taken over");
    let moved = cluster.guest(108).unwrap();
    assert_eq!((moved.node.as_str(), moved.is_up()), ("pve1", true));
    let wake = "/nodes/pve2/wakeonlan";
    let text = "500 No wake on LAN MAC address defined for 'pve2'!";
    assert_eq!(post(&cluster, wake, "").await.said(), text);
    cluster.set_wol("pve2", Some("BC:24:11:5E:02:11"));
    assert_eq!(post(&cluster, wake, "").await.data(), "BC:24:11:5E:02:11");
    assert!(cluster.node_step("pve2"), "up");
    assert_eq!(get(&cluster, "/nodes/pve2/status").await.status, 200);
    let own = post(&cluster, "/nodes/pve1/wakeonlan", "").await;
    assert_eq!(own.said(), "500 'pve1' is local node, cannot wake my self!");
    let none = post(&cluster, "/nodes/pve9/wakeonlan", "").await;
    assert_eq!(none.said(), "500 no such cluster node 'pve9'");
}

#[tokio::test]
async fn by_the_clock_it_comes_back_by_itself() {
    let mut setup = quick();
    setup.clock = Clock::Auto {
        task: Duration::from_millis(30),
    };
    let cluster = start(setup).await;
    let all = almighty(&cluster);
    send(
        &cluster,
        "POST",
        "/nodes/pve2/status",
        "command=reboot",
        &all,
    )
    .await
    .data();
    for want in ["offline", "online"] {
        while row(&rows(&cluster, "node").await, "node/pve2")["status"] != want {}
    }
    assert!(!cluster.guest(102).unwrap().is_up());
}

#[tokio::test]
async fn updates_need_the_right_to_change_the_node() {
    let cluster = start(quick().lived_in()).await;
    let path = "/nodes/pve1/apt/update";
    assert_eq!(
        get(&cluster, path).await.said(),
        "403 Permission check failed (/nodes/pve1, Sys.Modify)"
    );
    let all = almighty(&cluster);
    let list = ask(&cluster, "GET", path, &all).await.data();
    assert_eq!(list[1]["Package"], "pve-manager");
    assert_eq!(
        (&list[1]["OldVersion"], &list[1]["Version"]),
        (&json!("9.2.4"), &json!("9.2.11"))
    );
    assert_eq!(
        ask(&cluster, "GET", "/nodes/pve2/apt/update", &all)
            .await
            .data(),
        json!([])
    );
}

#[tokio::test]
async fn a_token_sees_its_own_tasks_on_the_node_but_not_in_the_cluster() {
    let cluster = home().await;
    let upid = support::upid(&support::power(&cluster, "pve1/qemu/101", "start").await);
    let past = Past::new("pve1", "vzdump", "103")
        .exit("job errors")
        .log("INFO: nothing");
    let other = cluster.add_task(&past);
    cluster.add_task(
        &Past::new("pve1", "vncproxy", "103")
            .by("anna@pve")
            .running(),
    );
    let seen = async |path: &str| {
        let list = get(&cluster, path).await.data();
        list.as_array().map(Vec::len)
    };
    let all = "/nodes/pve1/tasks?source=all";
    assert_eq!(
        (seen(all).await, seen("/cluster/tasks").await),
        (Some(3), Some(3))
    );
    assert_eq!(
        seen("/nodes/pve1/tasks?userfilter=anna&source=active").await,
        Some(1)
    );
    assert_eq!(
        seen("/nodes/pve1/tasks?typefilter=vzdump&statusfilter=error").await,
        Some(1)
    );
    assert_eq!(
        seen("/nodes/pve1/tasks?errors=1&source=all&vmid=101").await,
        Some(1),
        "no state yet: unknown"
    );
    let odd = get(&cluster, "/nodes/pve1/tasks?statusfilter=bad").await;
    let text = "invalid format - invalid status 'bad'\n";
    assert_eq!(odd.error("statusfilter"), text);
    let list = get(&cluster, "/nodes/pve1/tasks").await.data();
    assert_eq!(
        (&list[0]["status"], &list[0]["user"]),
        (&json!("job errors"), &json!("root@pam"))
    );
    let took = list[0]["endtime"].as_u64().unwrap() - list[0]["starttime"].as_u64().unwrap();
    assert_eq!(took, 20);
    let stop = delete(&cluster, &format!("/nodes/pve1/tasks/{other}")).await;
    assert_eq!(
        stop.said(),
        "403 Permission check failed (/nodes/pve1, Sys.Modify)"
    );
    for who in WHO {
        cluster.clear_acls(who);
    }
    assert_eq!(seen(all).await, Some(1), "its own");
    assert_eq!(seen("/cluster/tasks").await, Some(0), "not even its own");
    assert_eq!(
        delete(&cluster, &format!("/nodes/pve1/tasks/{upid}"))
            .await
            .data(),
        Value::Null
    );
}
