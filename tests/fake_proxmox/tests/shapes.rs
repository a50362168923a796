//! Every answer's fields and types, and every endpoint's parameters, against the official schema.

mod support;

use std::collections::BTreeSet;

use fake_proxmox::{Acl, Backup, Cluster, Guest, Setup, Storage};
use serde_json::Value;
use support::{almighty, ask, contract, delete, get, home, post, power, quick, send, start};

/// Real, but not in the schema's `returns`.
const UNDOCUMENTED: &[(&str, &[&str])] = &[
    ("/nodes", &["id", "type", "disk", "maxdisk"]),
    ("/nodes/{node}/qemu", &["disk", "nics", "proxmox-support"]),
    (
        "/nodes/{node}/qemu/{vmid}/status/current",
        &["disk", "nics", "proxmox-support"],
    ),
    (
        "/nodes/{node}/lxc",
        &["pid", "pressurecpufull", "swap", "type"],
    ),
    (
        "/nodes/{node}/lxc/{vmid}/status/current",
        &["pid", "pressurecpufull", "swap", "type"],
    ),
    (
        "/nodes/{node}/qemu/{vmid}/snapshot",
        &["digest", "running", "snapstate"],
    ),
    (
        "/nodes/{node}/lxc/{vmid}/snapshot",
        &["digest", "running", "snapstate"],
    ),
    ("/nodes/{node}/status", &["mhz", "user_hz", "hvm", "flags"]),
    ("/nodes/{node}/tasks", &["tokenid"]),
    (
        "/nodes/{node}/tasks/{upid}/status",
        &["tokenid", "exitstatus"],
    ),
    ("/cluster/backup", &["type"]),
    ("/nodes/{node}/storage", &["format"]),
    (
        "/nodes/{node}/storage/{storage}/content",
        &["content", "subtype"],
    ),
    ("/pools/{poolid}", &["poolid"]),
];

/// Numbers that really come as text.
const TEXT_NUMBERS: &[&str] = &["cpus"];

fn is_text_number(name: &str) -> bool {
    TEXT_NUMBERS.contains(&name) || name.starts_with("pressure")
}

struct Check<'a> {
    endpoint: &'a str,
    wrong: Vec<String>,
}

impl Check<'_> {
    fn value(&mut self, at: &str, value: &Value, schema: &Value) {
        let name = at.rsplit('.').next().unwrap_or_default();
        let numeric_text = value
            .as_str()
            .is_some_and(|text| text.parse::<f64>().is_ok());
        let fits = match schema["type"].as_str() {
            Some("integer") => value.is_u64() || value.is_i64(),
            Some("number") => value.is_number() || (is_text_number(name) && numeric_text),
            Some("boolean") => value.is_boolean() || matches!(value.as_u64(), Some(0 | 1)),
            Some("string") => value.is_string(),
            Some("null") => value.is_null(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => true,
        };
        if !fits {
            self.wrong
                .push(format!("{at} is {value}, not {}", schema["type"]));
            return;
        }
        let one_of = schema["enum"].as_array();
        if one_of.is_some_and(|words| !words.contains(value)) {
            self.wrong
                .push(format!("{at} is {value}, not one of {}", schema["enum"]));
        }
        if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
            for item in list {
                self.value(at, item, items);
            }
        }
        if let (Some(fields), Some(object)) = (schema["properties"].as_object(), value.as_object())
        {
            self.object(at, object, fields, schema["additionalProperties"] == 1);
        }
    }

    fn object(
        &mut self,
        at: &str,
        object: &serde_json::Map<String, Value>,
        fields: &serde_json::Map<String, Value>,
        open: bool,
    ) {
        let known = UNDOCUMENTED.iter().find(|(path, _)| *path == self.endpoint);
        for (key, value) in object {
            match fields.get(key) {
                Some(field) => self.value(&format!("{at}.{key}"), value, field),
                None if open || known.is_some_and(|(_, keys)| keys.contains(&key.as_str())) => {}
                None => self.wrong.push(format!("{at}.{key} is not in the schema")),
            }
        }
        for (key, field) in fields {
            if field["optional"] != 1 && !object.contains_key(key) {
                self.wrong.push(format!("{at}.{key} is missing"));
            }
        }
    }
}

fn check(schema: &Value, method: &str, endpoint: &str, data: &Value) {
    let returns = &schema[endpoint][method]["returns"];
    assert!(
        returns.is_object(),
        "{method} {endpoint} is not in the schema"
    );
    let mut check = Check {
        endpoint,
        wrong: Vec::new(),
    };
    check.value(endpoint, data, returns);
    assert!(check.wrong.is_empty(), "{:#?}\nin {data:#}", check.wrong);
}

/// Guests in every odd state, one node down and one that went down a moment ago.
fn odd() -> Setup {
    let mut setup = quick();
    setup.nodes.extend(["pve3".into(), "pve4".into()]);
    for (vmid, state) in (200..).zip(["paused", "io-error", "prelaunch", "internal-error"]) {
        let mut guest = Guest::vm(vmid, state, "pve1").running(1).pool("friends");
        guest.state = state.into();
        setup.guests.push(guest);
    }
    setup
        .guests
        .push(Guest::vm(210, "gone", "pve3").tags(&["a", "b"]).running(3));
    setup
        .guests
        .push(Guest::ct(211, "stale", "pve4").running(3));
    let sdn = ["discord@pve", "discord@pve!bot"];
    setup
        .acls
        .extend(sdn.map(|who| Acl::new("/sdn", who, &["SDN.Audit"], true)));
    setup
}

async fn odd_cluster() -> Cluster {
    let cluster = start(odd()).await;
    cluster.set_node("pve3", |node| node.online = false);
    cluster.set_node("pve4", |node| (node.online, node.stale) = (false, true));
    cluster.set_node("pve2", |node| node.ha = Some("online".into()));
    cluster
}

#[tokio::test]
async fn answers_have_the_schemas_shape() {
    let Some(schema) = contract::schema() else {
        return;
    };
    let cluster = odd_cluster().await;
    let list = [
        ("/version", "/version"),
        ("/access/permissions", "/access/permissions"),
        ("/access/permissions", "/access/permissions?path=/vms/101"),
        ("/cluster/resources", "/cluster/resources"),
        ("/cluster/resources", "/cluster/resources?type=vm"),
        ("/cluster/resources", "/cluster/resources?type=storage"),
        ("/cluster/status", "/cluster/status"),
        ("/nodes", "/nodes"),
        ("/nodes/{node}/status", "/nodes/pve2/status"),
        ("/nodes/{node}/version", "/nodes/pve1/version"),
        (
            "/nodes/{node}/certificates/info",
            "/nodes/pve1/certificates/info",
        ),
        ("/nodes/{node}/qemu", "/nodes/pve1/qemu"),
        ("/nodes/{node}/qemu", "/nodes/pve1/qemu?full=1"),
        ("/nodes/{node}/lxc", "/nodes/pve1/lxc"),
    ];
    for (endpoint, path) in list {
        check(&schema, "GET", endpoint, &get(&cluster, path).await.data());
    }
    for guest in cluster.guests() {
        if !["pve1", "pve2"].contains(&guest.node.as_str()) {
            continue;
        }
        let kind = guest.kind.path();
        let path = format!("/nodes/{}/{kind}/{}/status/current", guest.node, guest.vmid);
        let endpoint = format!("/nodes/{{node}}/{kind}/{{vmid}}/status/current");
        check(
            &schema,
            "GET",
            &endpoint,
            &get(&cluster, &path).await.data(),
        );
    }
}

#[tokio::test]
async fn answers_about_tasks_have_the_schemas_shape() {
    let Some(schema) = contract::schema() else {
        return;
    };
    let cluster = home().await;
    for (guest, endpoint) in [("pve1/qemu/101", "qemu"), ("pve2/lxc/105", "lxc")] {
        let started = power(&cluster, guest, "start").await;
        let endpoint = format!("/nodes/{{node}}/{endpoint}/{{vmid}}/status/start");
        check(&schema, "POST", &endpoint, &started.data());
    }
    let upid = cluster.wait_task("qmstart", 101).await;
    let paths = [
        (
            "/nodes/{node}/tasks/{upid}/status",
            format!("/nodes/pve1/tasks/{upid}/status"),
        ),
        (
            "/nodes/{node}/tasks/{upid}/log",
            format!("/nodes/pve1/tasks/{upid}/log"),
        ),
        (
            "/nodes/{node}/tasks",
            "/nodes/pve1/tasks?source=all".to_owned(),
        ),
    ];
    for (endpoint, path) in &paths {
        check(&schema, "GET", endpoint, &get(&cluster, path).await.data());
    }
    let stopped = delete(&cluster, &format!("/nodes/pve1/tasks/{upid}")).await;
    check(
        &schema,
        "DELETE",
        "/nodes/{node}/tasks/{upid}",
        &stopped.data(),
    );
    for (endpoint, path) in &paths {
        check(&schema, "GET", endpoint, &get(&cluster, path).await.data());
    }
}

/// A container's parent and time of its snapshot are there, but not in the schema.
fn are_options(endpoint: &Value, config: &Value) {
    let names = endpoint["GET"]["returns"]["property_names"].as_array();
    let names = names.expect("the options' names");
    for key in config.as_object().expect("options").keys() {
        let numbered = key.trim_end_matches(|c: char| c.is_ascii_digit());
        let numbered = Value::from(format!("{numbered}[n]"));
        let known = names.contains(&Value::from(key.as_str())) || names.contains(&numbered);
        let real = ["parent", "snaptime", "snapstate"].contains(&key.as_str());
        assert!(known || real, "{key} is no option");
    }
}

#[tokio::test]
async fn answers_about_what_is_inside_a_guest_have_the_schemas_shape() {
    let Some(schema) = contract::schema() else {
        return;
    };
    let cluster = home().await;
    for (node, kind, vmid) in [("pve1", "qemu", 101), ("pve1", "lxc", 104)] {
        let real = format!("/nodes/{node}/{kind}/{vmid}");
        let endpoint = format!("/nodes/{{node}}/{kind}/{{vmid}}");
        let list = format!("{endpoint}/snapshot");
        let one = format!("{list}/{{snapname}}");
        let at = format!("{real}/snapshot");
        // A list with one that is being taken, and a container's with one at all.
        let taken = post(&cluster, &at, "snapname=begun").await.data();
        check(&schema, "POST", &list, &taken);
        check(&schema, "GET", &list, &get(&cluster, &at).await.data());
        cluster.finish(taken.as_str().expect("a UPID"), "OK");
        check(&schema, "GET", &list, &get(&cluster, &at).await.data());
        for query in ["", "?current=1", "?snapshot=begun"] {
            let config = get(&cluster, &format!("{real}/config{query}")).await;
            let endpoint = format!("{endpoint}/config");
            check(&schema, "GET", &endpoint, &config.data());
            are_options(&schema[&endpoint], &config.data());
        }
        let back = post(&cluster, &format!("{at}/begun/rollback"), "").await;
        check(&schema, "POST", &format!("{one}/rollback"), &back.data());
        cluster.finish(back.data().as_str().expect("a UPID"), "OK");
        let gone = delete(&cluster, &format!("{at}/begun")).await;
        check(&schema, "DELETE", &one, &gone.data());
    }
    cluster.set_guest(104, |guest| *guest = guest.clone().running(1));
    let inside = get(&cluster, "/nodes/pve1/lxc/104/interfaces").await;
    let endpoint = "/nodes/{node}/lxc/{vmid}/interfaces";
    check(&schema, "GET", endpoint, &inside.data());
    let agent = "/nodes/{node}/qemu/{vmid}/agent";
    for command in ["info", "get-osinfo", "network-get-interfaces"] {
        let told = get(&cluster, &format!("/nodes/pve1/qemu/103/agent/{command}")).await;
        check(&schema, "GET", &format!("{agent}/{command}"), &told.data());
    }
    let ping = post(&cluster, "/nodes/pve1/qemu/103/agent/ping", "").await;
    check(&schema, "POST", &format!("{agent}/ping"), &ping.data());
}

/// Gives every endpoint all the parameters there are: it must refuse just those it has not.
#[tokio::test]
async fn parameters_are_the_schemas() {
    let Some(schema) = contract::schema() else {
        return;
    };
    let cluster = start(odd()).await;
    let all = almighty(&cluster);
    let endpoints = schema.as_object().expect("endpoints");
    let universe: BTreeSet<&String> = endpoints
        .values()
        .flat_map(|methods| methods.as_object().expect("methods").values())
        .flat_map(|call| call["parameters"].as_object().expect("parameters").keys())
        .filter(|name| !name.contains('['))
        .collect();
    let mut compared = 0;
    for (path, methods) in endpoints {
        for (method, call) in methods.as_object().expect("methods") {
            let places = [
                ("{node}", "pve1"),
                ("{poolid}", "friends"),
                ("{roleid}", "Some"),
                ("{storage}", "nas"),
                ("{tokenid}", "bot"),
                ("{userid}", "discord@pve"),
                ("{vmid}", if path.contains("lxc") { "104" } else { "103" }),
            ];
            let mut real = path.replace("{upid}", "UPID:x:");
            for (place, value) in places {
                real = real.replace(place, value);
            }
            let inside: Vec<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
            let more: Vec<&&String> = universe
                .iter()
                .filter(|name| !inside.contains(&name.as_str()))
                .collect();
            let form: Vec<String> = more.iter().map(|name| format!("{name}=%01")).collect();
            let form = form.join("&");
            let answer = send(&cluster, method, &real, &form, &all).await;
            if answer.status == 501 {
                continue;
            }
            assert_eq!(answer.status, 400, "{method} {path}: {answer:?}");
            compared += 1;
            let unknown = "property is not defined in schema and the schema does not allow additional properties";
            let errors = answer.json()["errors"]
                .as_object()
                .cloned()
                .expect("errors");
            for name in more {
                let refused = errors.get(*name).is_some_and(|text| text == unknown);
                let has = call["parameters"].get(*name).is_some();
                assert_eq!(refused, !has, "{name} of {method} {path}");
            }
        }
    }
    assert!(compared >= 53, "only {compared} endpoints answered");
}

#[tokio::test]
async fn answers_about_nodes_and_storages_have_the_schemas_shape() {
    let Some(schema) = contract::schema() else {
        return;
    };
    let mut setup = quick().lived_in();
    setup
        .storages
        .push(Storage::new("pbs", &setup.nodes, "pbs", "backup"));
    let cluster = start(setup).await;
    let all = almighty(&cluster);
    let key = "ab:cd:ef";
    cluster.add_backup("pbs", Backup::vm(103, "pve1").verified("ok").encrypted(key));
    cluster.set_storage_available("nas", false);
    for available in [false, true] {
        cluster.set_storage_available("nas", available);
        for (endpoint, path) in [
            ("/nodes/{node}/storage", "/nodes/pve1/storage?format=1"),
            (
                "/nodes/{node}/storage/{storage}/status",
                "/nodes/pve1/storage/nas/status",
            ),
        ] {
            let answer = ask(&cluster, "GET", path, &all).await;
            check(&schema, "GET", endpoint, &answer.data());
        }
    }
    let content = "/nodes/{node}/storage/{storage}/content";
    for (endpoint, path) in [
        (content, "/nodes/pve1/storage/nas/content"),
        (content, "/nodes/pve1/storage/pbs/content"),
        (content, "/nodes/pve1/storage/local-lvm/content"),
        ("/nodes/{node}/apt/update", "/nodes/pve1/apt/update"),
        ("/nodes/{node}/tasks", "/nodes/pve1/tasks?source=all"),
        (
            "/cluster/backup-info/not-backed-up",
            "/cluster/backup-info/not-backed-up",
        ),
        ("/cluster/backup", "/cluster/backup"),
    ] {
        let data = ask(&cluster, "GET", path, &all).await.data();
        assert!(
            data.as_array().is_some_and(|rows| !rows.is_empty()),
            "{path}"
        );
        check(&schema, "GET", endpoint, &data);
    }
    let of_cluster = ask(&cluster, "GET", "/cluster/tasks", &all).await.data();
    assert!(of_cluster[0]["upid"].is_string());
    for (endpoint, path, form) in [
        (
            "/nodes/{node}/vzdump",
            "/nodes/pve1/vzdump",
            "vmid=101&storage=nas",
        ),
        (
            "/nodes/{node}/status",
            "/nodes/pve2/status",
            "command=reboot",
        ),
        ("/nodes/{node}/wakeonlan", "/nodes/pve2/wakeonlan", ""),
    ] {
        let answer = send(&cluster, "POST", path, form, &all).await;
        check(&schema, "POST", endpoint, &answer.data());
    }
}

#[tokio::test]
async fn answers_about_users_have_the_schemas_shape() {
    let Some(schema) = contract::schema() else {
        return;
    };
    let cluster = home().await;
    let all = almighty(&cluster);
    cluster
        .pveum("pveum pool modify friends -storage nas -comment Games")
        .expect("done");
    let one = "/access/users/{userid}/token/{tokenid}";
    for (method, endpoint, path, form) in [
        ("GET", "/access/roles", "/access/roles", ""),
        (
            "GET",
            "/access/roles/{roleid}",
            "/access/roles/PVEVMUser",
            "",
        ),
        (
            "POST",
            "/access/roles",
            "/access/roles",
            "roleid=Some&privs=VM.Audit",
        ),
        (
            "PUT",
            "/access/roles/{roleid}",
            "/access/roles/Some",
            "privs=VM.Backup&append=1",
        ),
        ("DELETE", "/access/roles/{roleid}", "/access/roles/Some", ""),
        ("GET", "/access/acl", "/access/acl", ""),
        (
            "PUT",
            "/access/acl",
            "/access/acl",
            "path=/&users=discord@pve&roles=PVEAuditor",
        ),
        (
            "POST",
            one,
            "/access/users/discord@pve/token/two",
            "comment=x&expire=0",
        ),
        ("GET", one, "/access/users/discord@pve/token/two", ""),
        (
            "PUT",
            one,
            "/access/users/discord@pve/token/two",
            "regenerate=1",
        ),
        (
            "GET",
            "/access/users/{userid}/token",
            "/access/users/discord@pve/token",
            "",
        ),
        ("DELETE", one, "/access/users/discord@pve/token/two", ""),
        ("GET", "/pools", "/pools", ""),
        ("GET", "/pools", "/pools?poolid=friends", ""),
        ("POST", "/pools", "/pools", "poolid=more"),
        ("PUT", "/pools", "/pools", "poolid=more&vms=103"),
        ("GET", "/pools/{poolid}", "/pools/more", ""),
        ("PUT", "/pools/{poolid}", "/pools/more", "vms=103&delete=1"),
        ("DELETE", "/pools", "/pools?poolid=more", ""),
    ] {
        let answer = send(&cluster, method, path, form, &all).await;
        check(&schema, method, endpoint, &answer.data());
    }
}
