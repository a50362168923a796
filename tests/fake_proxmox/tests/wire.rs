//! HTTP-level answers against those recorded from the real server's code.

mod support;

use fake_proxmox::{Acl, Cluster, Guest, Setup};
use serde_json::Value;
use support::contract::{self, Exchange};
use support::{Answer, auth, home, quick, raw, start};

const RECORDED: &[&str] = &[
    "ok",
    "no-auth",
    "bad-token",
    "permission",
    "param-error",
    "die-500",
    "unimplemented",
    "HEAD",
    "chunked",
    "get-with-body",
    "delete-with-body",
    "json-body",
    "proxy-to-refused-node",
    "plain-http",
];

#[tokio::test]
async fn answers_are_as_recorded() {
    let Some(exchanges) = contract::wire() else {
        return;
    };
    let names: Vec<&str> = exchanges.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, RECORDED, "every recorded exchange is compared");
    let cluster = start(setup()).await;
    cluster.stop_node_listener("pve2").await;
    for exchange in &exchanges {
        let answer = ask(&cluster, &exchange.name).await;
        compare(exchange, &answer);
    }
}

/// Rights everywhere, but none on guest 100.
fn setup() -> Setup {
    let mut setup = quick();
    setup.guests.push(Guest::vm(100, "closed", "pve1"));
    let all = ["VM.Audit", "VM.PowerMgmt"];
    for who in ["discord@pve", "discord@pve!bot"] {
        setup.acls.push(Acl::new("/", who, &all, true));
        setup
            .acls
            .push(Acl::new("/vms/100", who, &["NoAccess"], true));
    }
    setup
}

async fn ask(cluster: &Cluster, name: &str) -> Answer {
    let head = |line: &str| format!("{line} HTTP/1.1\r\nHost: x\r\n");
    let version = head("GET /api2/json/version");
    let auth = auth(cluster);
    let wrong = "Authorization: PVEAPIToken=discord@pve!bot=wrong\r\n";
    let start = |vmid: &str| {
        head(&format!(
            "POST /api2/json/nodes/pve1/qemu/{vmid}/status/start"
        ))
    };
    let json = "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"timeout\": 9}";
    let text = match name {
        "ok" => format!("{version}{auth}\r\n"),
        "no-auth" => format!("{version}\r\n"),
        "bad-token" => format!("{version}{wrong}\r\n"),
        "permission" => format!("{}{auth}\r\n", start("100")),
        "param-error" => format!("{}{auth}\r\n", start("099")),
        "die-500" => {
            let current = head("GET /api2/json/nodes/pve1/qemu/999/status/current");
            format!("{current}{auth}\r\n")
        }
        "unimplemented" => format!("{}{auth}\r\n", head("GET /api2/json/nosuch")),
        "HEAD" => format!("{}{auth}\r\n", head("HEAD /api2/json/version")),
        "chunked" => format!("{}{auth}Transfer-Encoding: chunked\r\n\r\n", start("101")),
        "get-with-body" => format!("{version}{auth}Content-Length: 3\r\n\r\na=1"),
        "delete-with-body" => {
            let delete = head("DELETE /api2/json/version");
            format!("{delete}{auth}Content-Length: 3\r\n\r\na=1")
        }
        "json-body" => format!("{}{auth}{json}", start("101")),
        "proxy-to-refused-node" => {
            format!("{}{auth}\r\n", head("GET /api2/json/nodes/pve2/version"))
        }
        "plain-http" => return plain_http(cluster).await,
        other => panic!("{other} is not compared"),
    };
    raw(cluster, "pve1", &text).await.expect("an answer")
}

/// Without TLS on the same port.
async fn plain_http(cluster: &Cluster) -> Answer {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let url = cluster.url_of("pve1");
    let address = url.trim_start_matches("https://");
    let mut tcp = tokio::net::TcpStream::connect(address)
        .await
        .expect("connected");
    let head = "GET /api2/json/ok HTTP/1.1\r\nHost: 127.0.0.1:18040\r\n\r\n";
    tcp.write_all(head.as_bytes()).await.expect("sent");
    let mut text = String::new();
    tcp.read_to_string(&mut text).await.expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    Answer {
        body: body.into(),
        ..support::parse(head)
    }
}

/// Everything but times, and the body and length of a success.
fn compare(exchange: &Exchange, answer: &Answer) {
    let name = &exchange.name;
    let recorded = support::parse(&exchange.head);
    assert_eq!(answer.status_line, recorded.status_line, "{name}");
    let success = recorded.status == 200;
    let stable = |answer: &Answer| {
        let mut headers: Vec<(String, String)> = answer.headers.clone();
        for (key, value) in &mut headers {
            if ["Date", "Expires"].contains(&key.as_str()) {
                value.clear();
            }
            if success && key == "Content-Length" {
                value.clear();
            }
        }
        headers.sort();
        headers
    };
    assert_eq!(stable(answer), stable(&recorded), "headers of {name}");
    if success {
        return;
    }
    match serde_json::from_str::<Value>(&exchange.body) {
        Ok(body) => assert_eq!(answer.json(), body, "{name}"),
        Err(_) => assert_eq!(answer.body, exchange.body, "{name}"),
    }
    let slow = exchange.seconds.is_some_and(|seconds| seconds > 3.0);
    assert_eq!(
        slow,
        recorded.status == 401,
        "only refused logins are slow: {name}"
    );
}

#[tokio::test]
async fn a_refused_login_waits_three_seconds() {
    let cluster = start(Setup::home()).await;
    let began = std::time::Instant::now();
    let answer = support::ask(&cluster, "GET", "/version", "").await;
    assert_eq!(answer.said(), "401 No ticket");
    assert!(began.elapsed().as_secs_f64() >= 3.0);
    drop(home().await);
}
