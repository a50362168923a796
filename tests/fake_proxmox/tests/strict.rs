//! What the real server refuses, the fake refuses, in the same words.

mod support;

use fake_proxmox::Setup;
use serde_json::json;
use support::{ask, auth, get, home, post, quick, raw, raw_auth, start};

const UNKNOWN: &str =
    "property is not defined in schema and the schema does not allow additional properties";

#[tokio::test]
async fn unknown_paths_and_methods_are_not_implemented() {
    let cluster = home().await;
    let answer = get(&cluster, "/nosuch").await;
    assert_eq!(answer.said(), "501 Method 'GET /nosuch' not implemented");
    let text = "Method 'GET /nosuch' not implemented";
    assert_eq!(answer.json(), json!({"data": null, "message": text}));
    let answer = post(&cluster, "/version", "").await;
    assert_eq!(answer.said(), "501 Method 'POST /version' not implemented");
    let answer = get(&cluster, "/nodes/pve1/openvz/104/status/current").await;
    assert_eq!(answer.status, 501);
}

#[tokio::test]
async fn unknown_and_wrong_parameters_are_refused_all_at_once() {
    let cluster = home().await;
    let answer = get(&cluster, "/cluster/resources?type=qemu&full=1").await;
    assert_eq!(answer.said(), "400 Parameter verification failed.");
    assert_eq!(answer.json()["message"], "Parameter verification failed.\n");
    assert_eq!(answer.error("full"), UNKNOWN);
    assert_eq!(
        answer.error("type"),
        "value 'qemu' does not have a value in the enumeration 'vm, storage, node, sdn'"
    );
    let start = "/nodes/pve1/qemu/101/status/start";
    let answer = post(&cluster, start, "timeout=soon&skiplock=maybe").await;
    assert_eq!(
        answer.error("timeout"),
        "type check ('integer') failed - got 'soon'"
    );
    assert_eq!(
        answer.error("skiplock"),
        "type check ('boolean') failed - got 'maybe'"
    );
    let answer = post(&cluster, start, "timeout=-1").await;
    assert_eq!(
        answer.error("timeout"),
        "value must have a minimum value of 0"
    );
    let answer = post(&cluster, start, "timeout=1&timeout=2").await;
    assert_eq!(
        answer.error("timeout"),
        "type check ('integer') failed - got ARRAY"
    );
    let answer = post(&cluster, start, "vmid=102").await;
    assert_eq!(
        answer.error("vmid"),
        "duplicate parameter (already defined in URI) with conflicting values!"
    );
    let answer = post(&cluster, start, "skiplock=1").await;
    assert_eq!(answer.error("skiplock"), "Only root may use this option.");
    assert!(cluster.tasks().is_empty(), "nothing was begun");
}

#[tokio::test]
async fn a_vmid_must_look_like_one() {
    let cluster = home().await;
    cluster.acl("/vms", "discord@pve", &["VM.Audit"], true);
    cluster.acl("/vms", "discord@pve!bot", &["VM.Audit"], true);
    for (vmid, text) in [
        (
            "99",
            "invalid format - value does not look like a valid VM ID\n",
        ),
        (
            "0101",
            "invalid format - value does not look like a valid VM ID\n",
        ),
        ("abc", "type check ('integer') failed - got 'abc'"),
    ] {
        let path = format!("/nodes/pve1/qemu/{vmid}/status/current");
        assert_eq!(get(&cluster, &path).await.error("vmid"), text);
    }
}

#[tokio::test]
async fn every_spelling_of_a_boolean_and_both_kinds_of_body_are_taken() {
    let cluster = home().await;
    for word in ["0", "off", "no", "FALSE", "1", "on", "yes", "true"] {
        let answer = get(&cluster, &format!("/nodes/pve1/qemu?full={word}")).await;
        let asked = answer.data()[0].get("qmpstatus").is_some();
        assert_eq!(asked, ["1", "on", "yes", "true"].contains(&word), "{word}");
    }
    let body = "{\"forceStop\":true,\"timeout\":5}";
    let head = "POST /api2/json/nodes/pve1/lxc/104/status/shutdown HTTP/1.1\r\nHost: x\r\n{auth}";
    let length = body.len();
    let json = format!(
        "{head}Content-Type: application/json; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    assert_eq!(raw_auth(&cluster, &json).await.status, 200);
    let json = json.replace("{\"forceStop\":true", "[\"forceStop\",true");
    assert_eq!(raw_auth(&cluster, &json).await.status, 500);
    let xml = json.replace("application/json; charset=utf-8", "text/xml");
    assert_eq!(
        raw_auth(&cluster, &xml).await.said(),
        "506 upload 'Content-Type 'text/xml' not implemented"
    );
}

#[tokio::test]
async fn the_http_layer_is_narrow() {
    let cluster = home().await;
    let version = "GET /api2/json/version HTTP/1.1\r\nHost: x\r\n{auth}";
    for (request, said) in [
        (
            version.replace("GET", "HEAD"),
            "501 method 'HEAD' not available",
        ),
        (
            version.replace("GET", "OPTIONS"),
            "501 method 'OPTIONS' not available",
        ),
        (
            version.replace("HTTP/1.1", "HTTP/2.0"),
            "506 http protocol version 2.0 not supported",
        ),
        (
            version.replace("GET", "POST") + "Transfer-Encoding: chunked\r\n",
            "501 chunked transfer encoding not supported",
        ),
        (
            version.to_owned() + "Content-Length: 2\r\n",
            "501 Unexpected content for method 'GET'",
        ),
        (
            version.replace("GET", "DELETE") + "Content-Length: 2\r\n",
            "501 Unexpected content for method 'DELETE'",
        ),
        (
            version.replace("GET", "POST") + "Content-Length: 600000\r\n",
            "501 for data too large",
        ),
        (version.replace("/json", "/yaml"), "501 no such uri"),
        (
            version.replace("/api2", "/api3"),
            "500 no such file '/api3/json/version'",
        ),
    ] {
        let answer = raw_auth(&cluster, &(request + "\r\n")).await;
        assert_eq!(answer.said(), said);
        assert_eq!(answer.header("Connection"), Some("close"), "{said}");
    }
    // Content is only looked at after the login, chunks before it.
    let anonymous = "GET /api2/json/version HTTP/1.1\r\nHost: x\r\n";
    for (header, status) in [
        ("Content-Length: 2", 401),
        ("Transfer-Encoding: chunked", 501),
    ] {
        let text = format!("{anonymous}{header}\r\n\r\n");
        let answer = raw(&cluster, "pve1", &text).await.expect("an answer");
        assert_eq!(answer.status, status, "{header}");
    }
    let refused = cluster.requests();
    assert!(
        refused
            .iter()
            .any(|it| it.method == "HEAD" && it.status == 501),
        "recorded, too"
    );
}

#[tokio::test]
async fn too_many_or_too_long_headers_get_silence() {
    let cluster = start(Setup {
        idle: std::time::Duration::from_millis(300),
        ..quick()
    })
    .await;
    let version = "GET /api2/json/version HTTP/1.1\r\n";
    let many = "X: y\r\n".repeat(70);
    let long = format!("X: {}\r\n", "y".repeat(9_000));
    for headers in [many, long] {
        let text = format!("{version}{headers}{}\r\n", auth(&cluster));
        assert!(raw(&cluster, "pve1", &text).await.is_none());
    }
}

#[tokio::test]
async fn refused_logins_have_an_empty_body() {
    let cluster = home().await;
    let good = cluster.token_secret();
    for (header, phrase) in [
        (String::new(), "No ticket"),
        ("Authorization: Bearer x\r\n".into(), "No ticket"),
        ("Authorization: PVEAPIToken\r\n".into(), "No ticket"),
        (
            support::token_line("discord@pve!bot", "wrong"),
            "Authentication failed!",
        ),
        (
            support::token_line("discord@pve!other", &good),
            "Authentication failed!",
        ),
        (
            support::token_line("discord@pve", &good),
            "Authentication failed!",
        ),
    ] {
        let answer = ask(&cluster, "GET", "/nosuch", &header).await;
        assert_eq!(answer.said(), format!("401 {phrase}"), "{header}");
        assert_eq!(answer.body, "");
        assert_eq!(answer.header("Content-Length"), None);
        assert_eq!(answer.header("Content-Type"), None);
    }
}

#[tokio::test]
async fn the_token_header_is_unescaped_and_ends_at_a_semicolon() {
    let cluster = home().await;
    let secret = cluster.token_secret();
    for header in [
        format!("PVEAPIToken=discord@pve!bot={secret}"),
        format!("PVEAPIToken discord@pve!bot={secret}"),
        format!("PVEAPIToken=discord%40pve%21bot={secret}"),
        format!("PVEAPIToken=discord@pve!bot={secret}; more"),
    ] {
        let line = format!("Authorization: {header}\r\n");
        assert_eq!(
            ask(&cluster, "GET", "/version", &line).await.status,
            200,
            "{header}"
        );
    }
    cluster.add_token("discord@pve!odd", "a%b", false);
    let line = |secret: &str| support::token_line("discord@pve!odd", secret);
    assert_eq!(
        ask(&cluster, "GET", "/version", &line("a%25b"))
            .await
            .status,
        200
    );
    let recorded = cluster.requests();
    assert_eq!(recorded[0].token.as_deref(), Some("discord@pve!bot"));
}

#[tokio::test]
async fn before_8_4_the_text_is_in_the_phrase_alone() {
    let cluster = start(Setup {
        version: (8, 3),
        ..quick()
    })
    .await;
    let answer = get(&cluster, "/nodes/nowhere/version").await;
    assert!(
        answer
            .phrase
            .starts_with("hostname lookup 'nowhere' failed - "),
        "{answer:?}"
    );
    assert_eq!(answer.json(), json!({"data": null}));
    let answer = get(&cluster, "/cluster/resources?x=1").await;
    assert_eq!(
        answer.json(),
        json!({"data": null, "errors": {"x": UNKNOWN}})
    );
    let wrong = support::token_line("discord@pve!bot", "wrong");
    let answer = ask(&cluster, "GET", "/version", &wrong).await;
    assert_eq!(answer.said(), "401 invalid token value!");
    let rows = get(&cluster, "/cluster/resources?type=vm").await.data();
    assert!(rows[1].get("memhost").is_none());
}

#[tokio::test]
async fn upids_are_checked_before_they_are_looked_for() {
    let cluster = home().await;
    let status = |upid: &str| format!("/nodes/pve1/tasks/{upid}/status");
    let answer = get(&cluster, &status("UPID:pve1:1:2:3")).await;
    assert_eq!(answer.error("upid"), "unable to parse worker upid");
    let gone = "UPID:pve1:0001C5A8:05ABCDEF:6A5F0F00:qmstart:101:discord@pve!bot:";
    assert_eq!(
        get(&cluster, &status(gone)).await.error("upid"),
        "no such task"
    );
    let log = get(&cluster, &format!("/nodes/pve1/tasks/{gone}/log"))
        .await
        .data();
    assert_eq!(
        log[0]["t"],
        "unable to open file - No such file or directory"
    );
}
