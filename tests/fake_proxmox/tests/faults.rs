//! Connections and faults: what breaks, breaks as it does in life.

mod support;

use std::time::{Duration, Instant};

use fake_proxmox::{Cluster, Fault, FaultKind, Match, Setup, fault_names};
use serde_json::json;
use support::{Connection, auth, exit, get, home, power, quick, raw, start, upid};

async fn once(kind: FaultKind) -> Cluster {
    let cluster = home().await;
    cluster.fault(Fault::once(kind));
    cluster
}

/// No answer at all.
async fn silent(cluster: &Cluster, path: &str) -> bool {
    let text = format!(
        "GET /api2/json{path} HTTP/1.1\r\nHost: x\r\n{}\r\n",
        auth(cluster)
    );
    raw(cluster, "pve1", &text).await.is_none()
}

#[tokio::test]
async fn keep_alive_ends_idle_after_an_error_and_after_a_hundred() {
    let cluster = start(Setup {
        idle: Duration::from_millis(400),
        ..quick()
    })
    .await;
    let auth = auth(&cluster);
    let mut connection = Connection::open(&cluster, "pve1").await.expect("connected");
    for number in 1..=100 {
        let answer = connection
            .ask("GET", "/version", &auth)
            .await
            .expect("an answer");
        let said = answer.header("Connection").map(str::to_lowercase);
        let last = number == 100;
        assert_eq!(
            said.as_deref(),
            Some(if last { "close" } else { "keep-alive" })
        );
    }
    assert!(connection.is_closed().await, "after a hundred");
    let mut connection = Connection::open(&cluster, "pve1").await.expect("connected");
    connection
        .ask("GET", "/nosuch", &auth)
        .await
        .expect("an answer");
    assert!(connection.is_closed().await, "after an error");
    let mut connection = Connection::open(&cluster, "pve1").await.expect("connected");
    connection
        .ask("GET", "/version", &auth)
        .await
        .expect("an answer");
    let began = Instant::now();
    assert!(connection.is_closed().await, "when idle");
    assert!(
        began.elapsed() >= Duration::from_millis(350),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn connections_are_refused_cut_or_left_hanging() {
    let cluster = once(FaultKind::Refuse).await;
    assert!(silent(&cluster, "/version").await);
    assert_eq!(get(&cluster, "/version").await.status, 200, "only once");

    cluster.fault(Fault::once(FaultKind::Hang));
    let hung = tokio::time::timeout(Duration::from_millis(200), get(&cluster, "/version"));
    assert!(hung.await.is_err());

    let start = "POST /api2/json/nodes/pve1/qemu/101/status/start HTTP/1.1\r\nHost: x\r\n";
    let start = format!("{start}{}\r\n", auth(&cluster));
    cluster.fault(Fault::once(FaultKind::DropBeforeExecute));
    assert!(raw(&cluster, "pve1", &start).await.is_none());
    assert!(cluster.tasks().is_empty());
    cluster.fault(Fault::once(FaultKind::DropAfterRequest));
    assert!(raw(&cluster, "pve1", &start).await.is_none());
    assert_eq!(cluster.tasks().len(), 1, "it was carried out");
    let writes = cluster.writes();
    assert_eq!(writes.len(), 2);
    assert!(writes.iter().all(|write| write.status == 0));
}

#[tokio::test]
async fn answers_are_replaced() {
    let cluster = home().await;
    let privs = ("/vms/101".to_owned(), "VM.PowerMgmt".to_owned());
    for (kind, said) in [
        (FaultKind::Unauthorized, "401 Authentication failed!"),
        (FaultKind::TooMany429, "429 Too Many Requests"),
        (FaultKind::Status500("broken".into()), "500 broken"),
        (FaultKind::Status595, "595 No route to host"),
        (
            FaultKind::Status596 {
                after: Duration::from_millis(10),
            },
            "596 Connection timed out",
        ),
        (
            FaultKind::Forbidden {
                path: privs.0,
                privs: privs.1,
            },
            "403 Permission check failed (/vms/101, VM.PowerMgmt)",
        ),
    ] {
        cluster.fault(Fault::once(kind));
        let answer = get(&cluster, "/version").await;
        assert_eq!(answer.said(), said);
        let bare = [401, 595, 596].contains(&answer.status);
        assert_eq!(answer.header("Content-Length").is_none(), bare, "{said}");
    }
    cluster.fault(Fault::once(FaultKind::BadJson));
    let answer = get(&cluster, "/version").await;
    assert!(
        serde_json::from_str::<serde_json::Value>(&answer.body).is_err(),
        "{answer:?}"
    );
    cluster.fault(Fault::once(FaultKind::WrongBody));
    assert!(
        get(&cluster, "/version")
            .await
            .data()
            .get("version")
            .is_none()
    );
    cluster.fault(Fault::once(FaultKind::Slow(Duration::from_millis(100))));
    let began = Instant::now();
    get(&cluster, "/version").await;
    assert!(began.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_fault_hits_what_it_names() {
    let cluster = home().await;
    let on = Match::any()
        .method("GET")
        .path("/nodes/*/status")
        .node("pve1");
    cluster.fault(Fault::always(FaultKind::Status500("x".into())).on(on));
    assert_eq!(get(&cluster, "/nodes/pve2/status").await.status, 500);
    assert_eq!(get(&cluster, "/nodes").await.status, 200);
    let text = format!(
        "GET /api2/json/nodes/pve2/status HTTP/1.1\r\n{}\r\n",
        auth(&cluster)
    );
    assert_eq!(
        raw(&cluster, "pve2", &text)
            .await
            .expect("an answer")
            .status,
        200
    );
    cluster.clear_faults();
    assert_eq!(get(&cluster, "/nodes/pve2/status").await.status, 200);
}

#[tokio::test]
async fn tasks_are_made_to_end_badly() {
    for (kind, text) in [
        (FaultKind::TaskFails("no space".into()), Some("no space")),
        (FaultKind::TaskDies, Some("unexpected status")),
        (FaultKind::TaskNeverEnds, None),
        (FaultKind::SlowTask(Duration::ZERO), Some("OK")),
    ] {
        let cluster = once(kind).await;
        let upid = upid(&power(&cluster, "pve1/qemu/101", "start").await);
        assert_eq!(exit(&cluster, &upid).await.as_deref(), text);
    }
    let cluster = home().await;
    cluster.fault(Fault::once(FaultKind::TaskDies));
    let upid = upid(&power(&cluster, "pve1/qemu/101", "start").await);
    let log = get(&cluster, &format!("/nodes/pve1/tasks/{upid}/log")).await;
    assert_eq!(
        log.json(),
        json!({"data": [{"n": 1, "t": "no content"}], "total": 1})
    );
}

#[tokio::test]
async fn logs_come_fifty_lines_at_a_time() {
    let cluster = home().await;
    let upid = upid(&power(&cluster, "pve1/qemu/101", "start").await);
    for line in 1..60 {
        cluster.log_line(&upid, &format!("line {line}"));
    }
    cluster.finish(&upid, "no space");
    let log = async |query: &str| {
        let path = format!("/nodes/pve1/tasks/{}/log{query}", upid.replace(':', "%3A"));
        get(&cluster, &path).await
    };
    let lines = |answer: &support::Answer| answer.data().as_array().map(Vec::len);
    let first = log("").await;
    assert_eq!(
        (lines(&first), &first.json()["total"]),
        (Some(50), &json!(60))
    );
    let last = log("?start=50").await.data();
    assert_eq!(last[9], json!({"n": 60, "t": "TASK ERROR: no space"}));
    assert_eq!(lines(&log("?limit=0").await), Some(60));
    let whole = log("?download=1").await;
    assert_eq!(whole.header("Content-Type"), Some("text/plain"));
    assert_eq!(whole.body.lines().count(), 60);
    assert_eq!(log("?download=1&limit=5").await.status, 500);
}

#[tokio::test]
async fn a_node_goes_and_comes_back() {
    let cluster = home().await;
    cluster.set_node("pve2", |node| node.online = false);
    assert_eq!(
        get(&cluster, "/nodes/pve2/version").await.said(),
        "595 No route to host"
    );
    assert!(
        Connection::open(&cluster, "pve2").await.is_err(),
        "it is not there"
    );
    let rows = get(&cluster, "/cluster/resources").await.data();
    let find = |id: &str| {
        let mut rows = rows.as_array().expect("rows").iter();
        rows.find(|row| row["id"] == id).cloned().expect(id)
    };
    let gone = json!({"id": "lxc/105", "vmid": 105, "node": "pve2", "type": "lxc",
        "status": "unknown", "tags": "lab"});
    assert_eq!(find("lxc/105"), gone);
    assert_eq!(find("node/pve2")["status"], "offline");
    assert_eq!(find("storage/pve2/nas")["status"], "unknown");
    cluster.set_node("pve2", |node| node.stale = true);
    let rows = get(&cluster, "/cluster/resources?type=vm").await.data();
    assert_eq!(
        rows[1]["name"], "minecraft",
        "for five minutes the last state is shown"
    );
    cluster.set_node("pve2", |node| (node.online, node.stale) = (true, false));
    assert_eq!(get(&cluster, "/nodes/pve2/version").await.status, 200);

    cluster.stop_node_listener("pve2").await;
    assert_eq!(
        get(&cluster, "/nodes/pve2/version").await.said(),
        "595 Connection refused"
    );
    let refused = Connection::open(&cluster, "pve2")
        .await
        .err()
        .map(|error| error.kind());
    assert_eq!(refused, Some(std::io::ErrorKind::ConnectionRefused));
    cluster
        .start_node_listener("pve2")
        .await
        .expect("the same port");
    assert!(Connection::open(&cluster, "pve2").await.is_ok());
}

#[tokio::test]
async fn every_named_fault_can_be_switched_on_and_off() {
    let cluster = home().await;
    for (name, _) in fault_names() {
        assert!(cluster.fault_by_name(name), "{name}");
        cluster.clear_faults();
        assert_eq!(
            get(&cluster, "/nodes/pve2/version").await.status,
            200,
            "{name}"
        );
        let upid = upid(&power(&cluster, "pve1/qemu/101", "start").await);
        cluster.finish(&upid, "no");
    }
    assert!(!cluster.fault_by_name("nonsense"));
    for name in ["node-down", "hang"] {
        assert!(
            cluster.fault_by_name(name) && cluster.unfault_by_name(name),
            "{name}"
        );
        assert!(!cluster.unfault_by_name(name), "{name} is over");
        assert_eq!(
            get(&cluster, "/nodes/pve2/version").await.status,
            200,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_usual_client_trusts_the_ca_and_unpacks() {
    let cluster = home().await;
    let ca = reqwest::Certificate::from_pem(cluster.ca_pem().as_bytes()).expect("PEM");
    let client = reqwest::Client::builder()
        .use_rustls_tls()
        .tls_built_in_root_certs(false)
        .add_root_certificate(ca)
        .build()
        .expect("a client");
    for base in cluster.urls() {
        let token = format!(
            "PVEAPIToken={}={}",
            cluster.token_id(),
            cluster.token_secret()
        );
        let request = client.get(format!("{base}/api2/json/cluster/resources"));
        let answer = request
            .header("Authorization", token)
            .send()
            .await
            .expect("an answer");
        assert!(answer.content_length().is_none(), "packed");
        let body: serde_json::Value = answer.json().await.expect("JSON");
        assert!(body["data"].as_array().expect("rows").len() > 10);
    }
    // Empty errors without a length are answers to it, not broken connections.
    cluster.stop_node_listener("pve2").await;
    let url = cluster.url_of("pve1") + "/api2/json/nodes/pve2/version";
    for (token, status) in [(cluster.token_secret(), 595), ("wrong".into(), 401)] {
        let token = format!("PVEAPIToken={}={token}", cluster.token_id());
        let answer = client.get(&url).header("Authorization", token).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.text().await.expect("a clean end"), "");
    }
    cluster
        .start_node_listener("pve2")
        .await
        .expect("the same port");
    let strangers = reqwest::Client::builder()
        .use_rustls_tls()
        .build()
        .expect("a client");
    assert!(
        strangers.get(&cluster.urls()[0]).send().await.is_err(),
        "not a public CA"
    );
    let shown = get(&cluster, "/nodes/pve2/certificates/info").await.data();
    assert_eq!(shown[1]["fingerprint"], cluster.fingerprint("pve2"));
    assert_eq!(shown[1]["filename"], "pve-ssl.pem");
}
