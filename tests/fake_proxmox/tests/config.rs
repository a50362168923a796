//! A guest's configuration, and what follows from it.

mod support;

use serde_json::{Value, json};
use support::{get, home, post, power, upid};

async fn config(cluster: &fake_proxmox::Cluster, guest: &str) -> Value {
    get(cluster, &format!("/nodes/{guest}/config")).await.data()
}

#[tokio::test]
async fn types_are_odd_as_the_real_ones() {
    let cluster = home().await;
    let vm = config(&cluster, "pve1/qemu/101").await;
    // A VM's memory is text, a container's is a number.
    assert_eq!((&vm["memory"], &vm["cores"]), (&json!("8192"), &json!(4)));
    assert_eq!((&vm["sockets"], &vm["numa"]), (&json!(1), &json!(0)));
    assert_eq!(
        (&vm["name"], &vm["agent"]),
        (&json!("valheim"), &json!("1"))
    );
    assert_eq!(
        (&vm["boot"], &vm["ostype"]),
        (&json!("order=scsi0;net0"), &json!("l26"))
    );
    assert_eq!(
        vm["scsi0"],
        "local-lvm:vm-101-disk-0,discard=on,iothread=1,size=64G"
    );
    assert_eq!(
        vm["net0"],
        "virtio=BC:24:11:20:00:65,bridge=vmbr0,firewall=1"
    );
    assert_eq!(
        (&vm["tags"], &vm["parent"]),
        (&json!("games"), &json!("update-0-220"))
    );
    assert_eq!(vm["description"], "Valheim for friends. World: Midgard.");
    assert_eq!(vm["digest"].as_str().map(str::len), Some(40));
    for absent in ["lock", "template", "onboot", "snapshots", "vmid"] {
        assert_eq!(vm.get(absent), None, "{absent}");
    }
    let vm = config(&cluster, "pve1/qemu/103").await;
    assert_eq!((&vm["onboot"], &vm["protection"]), (&json!(1), &json!(1)));
    assert_eq!(config(&cluster, "pve1/qemu/106").await["template"], 1);
    assert_eq!(config(&cluster, "pve1/qemu/107").await["lock"], "backup");

    let ct = config(&cluster, "pve1/lxc/104").await;
    assert_eq!((&ct["memory"], &ct["swap"]), (&json!(1024), &json!(512)));
    assert_eq!(
        (&ct["hostname"], &ct["unprivileged"]),
        (&json!("dns"), &json!(1))
    );
    assert_eq!((&ct["cpulimit"], ct.get("cores")), (&json!("2"), None));
    assert_eq!(ct["rootfs"], "local-lvm:vm-104-disk-0,size=8G");
    assert_eq!(config(&cluster, "pve2/lxc/105").await["cores"], 2);
}

#[tokio::test]
async fn lists_and_states_follow_the_configuration() {
    let cluster = home().await;
    for (key, value) in [
        ("memory", "2048"),
        ("sockets", "2"),
        ("cores", "3"),
        ("name", "midgard"),
        ("tags", "a,b"),
        ("scsi0", "local-lvm:vm-101-disk-0,size=10G"),
        ("lock", "backup"),
    ] {
        cluster.set_config(101, key, value);
    }
    let now = get(&cluster, "/nodes/pve1/qemu/101/status/current")
        .await
        .data();
    assert_eq!(
        (&now["maxmem"], &now["maxdisk"]),
        (&json!(2_147_483_648_u64), &json!(10_737_418_240_u64))
    );
    assert_eq!((&now["cpus"], &now["name"]), (&json!(6), &json!("midgard")));
    assert_eq!(
        (&now["tags"], &now["lock"]),
        (&json!("a;b"), &json!("backup"))
    );
    let rows = get(&cluster, "/cluster/resources?type=vm").await.data();
    let row = rows
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["vmid"] == 101)
        .expect("there")
        .clone();
    assert_eq!(
        (&row["maxmem"], &row["maxcpu"]),
        (&json!(2_147_483_648_u64), &json!(6))
    );
    cluster.set_config(105, "swap", "0");
    let now = get(&cluster, "/nodes/pve2/lxc/105/status/current")
        .await
        .data();
    assert_eq!(now["maxswap"], 0);
}

#[tokio::test]
async fn the_digest_changes_with_the_file() {
    let cluster = home().await;
    let before = config(&cluster, "pve1/qemu/101").await["digest"].clone();
    assert_eq!(config(&cluster, "pve1/qemu/101").await["digest"], before);
    cluster.set_config(101, "onboot", "1");
    let after = config(&cluster, "pve1/qemu/101").await["digest"].clone();
    assert_ne!(after, before);
    cluster.unset_config(101, "onboot");
    assert_eq!(config(&cluster, "pve1/qemu/101").await["digest"], before);
}

#[tokio::test]
async fn a_snapshots_configuration_is_that_of_then() {
    let cluster = home().await;
    cluster.set_config(101, "memory", "1024");
    let path = "/nodes/pve1/qemu/101/config";
    let then = get(&cluster, &format!("{path}?snapshot=before-mods"))
        .await
        .data();
    assert_eq!(
        (&then["memory"], &then["parent"]),
        (&json!("8192"), &json!("fresh-install"))
    );
    assert_eq!(then["vmstate"], "local-lvm:vm-101-state-before-mods");
    assert_eq!(then["description"], "Friday night, all logged out");
    assert!(then["snaptime"].is_u64() && then["digest"].is_string());
    let none = get(&cluster, &format!("{path}?snapshot=none")).await;
    assert_eq!(none.said(), "500 snapshot 'none' does not exist");
    let both = get(&cluster, &format!("{path}?snapshot=before-mods&current=1")).await;
    for name in ["snapshot", "current"] {
        assert_eq!(
            both.error(name),
            "cannot use 'snapshot' parameter with 'current'"
        );
    }
    get(&cluster, &format!("{path}?current=1")).await.data();
}

#[tokio::test]
async fn refusals() {
    let cluster = home().await;
    assert_eq!(
        get(&cluster, "/nodes/pve1/qemu/102/config").await.said(),
        "500 Configuration file 'nodes/pve1/qemu-server/102.conf' does not exist"
    );
    cluster.set_config(101, "cipassword", "hunter2");
    assert_eq!(
        config(&cluster, "pve1/qemu/101").await["cipassword"],
        "**********"
    );
    for who in ["discord@pve", "discord@pve!bot"] {
        cluster.clear_acls(who);
        cluster.acl("/vms", who, &["VM.PowerMgmt"], true);
    }
    assert_eq!(
        get(&cluster, "/nodes/pve1/qemu/101/config").await.said(),
        "403 Permission check failed (/vms/101, VM.Audit)"
    );
}

/// Proxmox starts a guest for which there is no memory left: who wants to know must count.
#[tokio::test]
async fn a_nodes_memory_follows_from_what_runs_and_refuses_nothing() {
    let cluster = home().await;
    let used = async || {
        let rows = get(&cluster, "/cluster/resources?type=node").await.data();
        let row = rows
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["node"] == "pve1")
            .cloned()
            .expect("there");
        let status = get(&cluster, "/nodes/pve1/status").await.data();
        assert_eq!(
            (&row["mem"], &row["maxmem"]),
            (&status["memory"]["used"], &status["memory"]["total"])
        );
        row["mem"].as_u64().expect("a number")
    };
    let before = used().await;
    cluster.set_guest(101, |guest| guest.mem = Some(5 << 30));
    cluster.finish(
        &upid(&power(&cluster, "pve1/qemu/101", "start").await),
        "OK",
    );
    let after = used().await;
    assert!(after > before + (5 << 30), "{before} {after}");
    cluster.finish(&upid(&power(&cluster, "pve1/qemu/101", "stop").await), "OK");
    assert_eq!(used().await, before);
    cluster.set_guest(101, |guest| guest.mem = None);
    cluster.set_config(101, "memory", "262144");
    let answer = post(&cluster, "/nodes/pve1/qemu/101/status/start", "").await;
    cluster.finish(&upid(&answer), "OK");
    assert_eq!(used().await, 64 << 30, "all there is");
}
