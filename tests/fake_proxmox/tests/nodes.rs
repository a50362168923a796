//! Whole nodes: off, on, woken, and their tasks.

mod support;

use std::time::Duration;

use fake_proxmox::{Clock, Cluster, HaRule, Past};
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

/// A guest that HA keeps running on pve2.
async fn with_ha(policy: Option<&str>) -> Cluster {
    let cluster = with(&["Sys.PowerMgmt"]).await;
    cluster.set_guest(108, |guest| {
        (guest.ha, guest.state) = (Some("started".into()), "running".into())
    });
    cluster.set_shutdown_policy(policy);
    cluster
}

async fn order(cluster: &Cluster, command: &str) {
    let command = format!("command={command}");
    post(cluster, "/nodes/pve2/status", &command).await.data();
}

fn ha_db(cluster: &Cluster) -> (String, Option<String>, bool) {
    let guest = cluster.guest(108).unwrap();
    (guest.node.clone(), guest.ha.clone(), guest.is_up())
}

fn is(node: &str, ha: &str, up: bool) -> (String, Option<String>, bool) {
    (node.into(), Some(ha.into()), up)
}

#[tokio::test]
async fn the_shutdown_policy_decides_what_ha_does_with_its_guests() {
    let frozen = with_ha(Some("freeze")).await;
    order(&frozen, "shutdown").await;
    assert!(frozen.node_step("pve2"), "down");
    assert!(frozen.node_step("pve2"), "time to take over");
    assert_eq!(ha_db(&frozen), is("pve2", "freeze", false));
    frozen.node_up("pve2");
    assert_eq!(ha_db(&frozen), is("pve2", "started", true));

    let moved = with_ha(Some("migrate")).await;
    order(&moved, "reboot").await;
    assert!(moved.node_step("pve2"), "emptied");
    assert_eq!(ha_db(&moved), is("pve1", "started", true));
    assert!(moved.tasks().iter().any(|task| task.kind == "qmigrate"));
    assert!(moved.node_step("pve2"), "down");
    assert!(moved.node_step("pve2"), "up");
    assert_eq!(ha_db(&moved), is("pve2", "started", true), "back again");

    let quick = with_ha(Some("failover")).await;
    order(&quick, "reboot").await;
    assert!(quick.node_step("pve2"), "down");
    assert_eq!(ha_db(&quick), is("pve2", "started", false));
    assert!(quick.node_step("pve2"), "up");
    assert_eq!(ha_db(&quick), is("pve2", "started", true));
}

#[tokio::test]
async fn ha_goes_only_where_its_rules_allow() {
    let only = HaRule::nodes("only-pve2", &[108], &[("pve2", 0)]).strict();
    let cluster = with_ha(Some("migrate")).await;
    cluster.set_ha_rules(std::slice::from_ref(&only));
    order(&cluster, "shutdown").await;
    for _ in 0..3 {
        assert!(cluster.node_step("pve2"), "waits");
        assert_eq!(ha_db(&cluster), is("pve2", "started", true));
    }
    cluster.set_ha_rules(&[only.disabled()]);
    assert!(cluster.node_step("pve2"), "emptied");
    assert_eq!(ha_db(&cluster), is("pve1", "started", true));

    let cluster = with_ha(None).await;
    cluster.set_ha_rules(&[HaRule::apart("apart", &[101, 108])]);
    order(&cluster, "shutdown").await;
    assert!(cluster.node_step("pve2") && cluster.node_step("pve2"));
    assert_eq!(
        ha_db(&cluster),
        is("pve2", "recovery", false),
        "101 is there"
    );

    let cluster = with_ha(None).await;
    cluster.set_quorate(false);
    order(&cluster, "shutdown").await;
    assert!(cluster.node_step("pve2") && cluster.node_step("pve2"));
    assert_eq!(ha_db(&cluster), is("pve2", "started", false), "no quorum");
}

#[tokio::test]
async fn options_are_told_in_part_and_rules_not_at_all_without_the_right() {
    let cluster = start(quick()).await;
    cluster.set_shutdown_policy(Some("migrate"));
    for who in WHO {
        cluster.clear_acls(who);
        cluster.acl("/vms/101", who, &["VM.Audit"], true);
    }
    let little = get(&cluster, "/cluster/options").await.data();
    assert_eq!(little, json!({"allowed-tags": ["games"]}));
    let denied = "403 Permission check failed (/, Sys.Audit)";
    for path in ["rules", "groups", "resources"] {
        let said = get(&cluster, &format!("/cluster/ha/{path}")).await.said();
        assert_eq!(said, denied, "{path}");
    }
    let all = almighty(&cluster);
    let told = ask(&cluster, "GET", "/cluster/options", &all).await.data();
    assert_eq!(told["ha"], json!({"shutdown_policy": "migrate"}));
    assert_eq!(told["description"], "");
    cluster.set_shutdown_policy(None);
    let told = ask(&cluster, "GET", "/cluster/options", &all).await.data();
    assert_eq!(told.get("ha"), None, "a default is not told");
}

#[tokio::test]
async fn rules_were_groups_before_9() {
    let rules = [
        HaRule::nodes("big", &[108], &[("pve2", 0), ("pve1", 2)]).strict(),
        HaRule::apart("apart", &[101, 108]).disabled(),
    ];
    let mut setup = quick();
    setup.ha_rules = rules.to_vec();
    let cluster = start(setup.clone()).await;
    let all = almighty(&cluster);
    let read = async |path: &str| ask(&cluster, "GET", path, &all).await;
    let rows = read("/cluster/ha/rules").await.data();
    assert_eq!(rows[0]["nodes"], "pve1:2,pve2");
    assert_eq!(
        (&rows[0]["resources"], &rows[0]["strict"]),
        (&json!("vm:108"), &json!(1))
    );
    assert_eq!(rows[1]["affinity"], "negative");
    assert_eq!(rows[1]["disable"], 1);
    let few = read("/cluster/ha/rules?type=node-affinity&resource=vm:108").await;
    assert_eq!(few.data().as_array().map(Vec::len), Some(1));
    let gone = read("/cluster/ha/groups").await.said();
    assert_eq!(
        gone,
        "500 cannot index groups: ha groups have been migrated to rules"
    );
    let own = read("/cluster/ha/resources?type=vm").await.data();
    assert_eq!(
        (&own[0]["sid"], own[0].get("group")),
        (&json!("vm:108"), None)
    );

    setup.version = (8, 4);
    let old = start(setup).await;
    let all = almighty(&old);
    let read = async |path: &str| ask(&old, "GET", path, &all).await;
    let none = read("/cluster/ha/rules").await;
    assert_eq!(none.status, 501);
    let groups = read("/cluster/ha/groups").await.data();
    assert_eq!(
        (&groups[0]["group"], &groups[0]["restricted"]),
        (&json!("big"), &json!(1))
    );
    assert_eq!(
        groups.as_array().map(Vec::len),
        Some(1),
        "apart came with 9"
    );
    assert_eq!(
        read("/cluster/ha/resources").await.data()[0]["group"],
        "big"
    );
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
