//! What is inside a guest: the agent's answers, and those of a container.

mod support;

use std::time::{Duration, Instant};

use fake_proxmox::{Agent, Cluster, Interface, Setup};
use serde_json::json;
use support::{get, home, post, quick, start};

const AGENT: &str = "/nodes/pve1/qemu/103/agent";

async fn says(cluster: &Cluster, command: &str) -> String {
    get(cluster, &format!("{AGENT}/{command}")).await.said()
}

#[tokio::test]
async fn answers_are_wrapped() {
    let cluster = home().await;
    let ping = post(&cluster, &format!("{AGENT}/ping"), "").await.data();
    assert_eq!(ping, json!({"result": {}}));
    let os = get(&cluster, &format!("{AGENT}/get-osinfo")).await.data();
    assert_eq!(os["result"]["pretty-name"], "Debian GNU/Linux 13 (trixie)");
    let info = get(&cluster, &format!("{AGENT}/info")).await.data();
    assert!(info["result"]["version"].is_string());
    let all = get(&cluster, &format!("{AGENT}/network-get-interfaces"))
        .await
        .data();
    let all = &all["result"];
    assert_eq!(
        (&all[0]["name"], &all[1]["name"]),
        (&json!("lo"), &json!("ens18"))
    );
    assert_eq!(all[1]["hardware-address"], "bc:24:11:20:00:67");
    assert_eq!(
        all[1]["ip-addresses"],
        json!([
            {"ip-address": "192.168.1.23", "ip-address-type": "ipv4", "prefix": 24},
            {"ip-address": "2001:db8:1::23", "ip-address-type": "ipv6", "prefix": 64},
        ])
    );
    assert_eq!(get(&cluster, &format!("{AGENT}/ping")).await.status, 501);
}

#[tokio::test]
async fn addresses_can_be_set() {
    let cluster = home().await;
    cluster.set_addresses(103, &[]);
    cluster.set_guest(103, |guest| {
        let docker = Interface::new("docker0", "02:42:AC:11:00:02", &["172.17.0.1/16"]);
        guest.interfaces.push(docker);
    });
    let all = get(&cluster, &format!("{AGENT}/network-get-interfaces"))
        .await
        .data();
    let all = all["result"].as_array().expect("a list");
    // No address, no list.
    assert_eq!(all[1].get("ip-addresses"), None);
    assert_eq!(all[2]["ip-addresses"][0]["ip-address"], "172.17.0.1");
}

#[tokio::test]
async fn an_agent_may_not_be_there() {
    let cluster = home().await;
    let path = "/nodes/pve1/qemu/101/agent/network-get-interfaces";
    assert_eq!(
        get(&cluster, path).await.said(),
        "500 VM 101 is not running"
    );
    cluster.unset_config(103, "agent");
    assert_eq!(
        says(&cluster, "info").await,
        "500 No QEMU guest agent configured"
    );
    // Switched off is configured, too; nothing listens then, so nobody waits.
    cluster.set_config(103, "agent", "0");
    assert_eq!(
        says(&cluster, "info").await,
        "500 QEMU guest agent is not running"
    );
    let moved = "/nodes/pve1/qemu/102/agent/info";
    assert_eq!(
        get(&cluster, moved).await.said(),
        "500 Configuration file 'nodes/pve1/qemu-server/102.conf' does not exist"
    );
}

#[tokio::test]
async fn a_silent_agent_is_waited_for() {
    let wait = Duration::from_millis(150);
    let cluster = start(Setup {
        agent_wait: wait,
        ..quick()
    })
    .await;
    cluster.set_agent(103, Agent::Silent);
    let began = Instant::now();
    assert_eq!(
        says(&cluster, "get-osinfo").await,
        "500 QEMU guest agent is not running"
    );
    assert!(began.elapsed() >= wait);
    // One that is paused says nothing, either.
    cluster.set_agent(103, Agent::Answers);
    cluster.set_guest(103, |guest| guest.state = "paused".into());
    let began = Instant::now();
    assert_eq!(
        says(&cluster, "get-osinfo").await,
        "500 QEMU guest agent is not running"
    );
    assert!(began.elapsed() >= wait);
    assert_eq!(Setup::home().agent_wait, Duration::from_secs(3));
}

#[tokio::test]
async fn an_agents_error_is_a_success_with_an_error_inside() {
    let cluster = home().await;
    cluster.set_agent(
        103,
        Agent::Fails("Command guest-get-osinfo has been disabled".into()),
    );
    let os = get(&cluster, &format!("{AGENT}/get-osinfo")).await.data();
    assert_eq!(
        os["result"]["error"]["desc"],
        "Command guest-get-osinfo has been disabled"
    );
    post(&cluster, &format!("{AGENT}/ping"), "").await.data();
}

#[tokio::test]
async fn a_container_answers_with_a_bare_list() {
    let cluster = home().await;
    let path = "/nodes/pve1/lxc/104/interfaces";
    let all = get(&cluster, path).await.data();
    assert_eq!(
        all[1],
        json!({
            "name": "eth0",
            "hwaddr": "bc:24:11:20:00:68",
            "hardware-address": "bc:24:11:20:00:68",
            "inet": "192.168.1.24/24",
            "inet6": "2001:db8:1::24/64",
            "ip-addresses": [
                {"ip-address": "192.168.1.24", "ip-address-type": "inet", "prefix": 24},
                {"ip-address": "2001:db8:1::24", "ip-address-type": "inet6", "prefix": 64},
            ],
        })
    );
    // Not an error: there is just nothing to tell.
    let stopped = get(&cluster, "/nodes/pve2/lxc/105/interfaces").await;
    assert_eq!(stopped.data(), json!(null));
}

#[tokio::test]
async fn the_agents_privilege_has_another_name_in_8() {
    for (version, right, wrong, said) in [
        (
            (9, 2),
            "VM.GuestAgent.Audit",
            "VM.Monitor",
            "403 Permission check failed (/vms/103, VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted)",
        ),
        (
            (8, 4),
            "VM.Monitor",
            "VM.GuestAgent.Audit",
            "403 Permission check failed (/vms/103, VM.Monitor)",
        ),
    ] {
        let cluster = start(Setup { version, ..quick() }).await;
        let allow = |privilege: &str| {
            for who in ["discord@pve", "discord@pve!bot"] {
                cluster.clear_acls(who);
                cluster.acl("/vms", who, &["VM.Audit", privilege], true);
            }
        };
        allow(wrong);
        assert_eq!(says(&cluster, "info").await, said);
        let held = get(&cluster, "/access/permissions?path=/vms/103")
            .await
            .data();
        assert_eq!(held["/vms/103"].get(wrong), None, "{held}");
        allow(right);
        assert_eq!(says(&cluster, "info").await, "200 OK");
    }
}
