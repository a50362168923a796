//! `/nodes`: the list, and one node's state, version and certificates.

use serde_json::{Value, json};

use crate::access::may;
use crate::answer::{Refusal, Reply};
use crate::api::cluster::{node_stats, number, version_of};
use crate::certs::{self, Certificate};
use crate::figures;
use crate::gate::Call;
use crate::node::Node;
use crate::state::State;

pub(crate) fn list(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let rows = state.nodes.iter().map(|node| {
        let figures = may(
            state,
            &call.caller,
            &format!("/nodes/{}", node.name),
            "Sys.Audit",
        );
        let mut row = node_stats(state, node, figures);
        let fingerprint = certs::fingerprint(&state.certs[&node.name]);
        row.insert("ssl_fingerprint".into(), json!(fingerprint));
        Value::Object(row)
    });
    Ok(Value::from(rows.collect::<Vec<_>>()).into())
}

/// The node the call is about.
fn node<'a>(state: &'a State, call: &Call) -> &'a Node {
    // Routing found it; the first is only there to have an answer at all.
    state.node(call.node()).unwrap_or(&state.nodes[0])
}

pub(crate) fn version(state: &mut State, _: &Call) -> Result<Reply, Refusal> {
    Ok(version_of(state).into())
}

pub(crate) fn status(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let node = node(state, call);
    let cpu = figures::node_cpu(state, node);
    let mem = figures::node_mem(state, node);
    let disk = figures::node_disk(node);
    let load = cpu * f64::from(node.maxcpu);
    let (major, minor) = state.version;
    let kernel = if major >= 9 {
        "6.17.2-1-pve"
    } else {
        "6.8.12-4-pve"
    };
    Ok(json!({
        "cpu": number(cpu),
        "wait": 0.000_9,
        "idle": 0,
        "uptime": node.uptime(),
        // Read from /proc as text and never touched as numbers.
        "loadavg": [
            format!("{load:.2}"),
            format!("{:.2}", load * 0.9),
            format!("{:.2}", load * 0.8),
        ],
        "cpuinfo": {
            "model": "AMD Ryzen 7 5700G with Radeon Graphics",
            "cpus": node.maxcpu,
            "cores": node.maxcpu.div_ceil(2),
            "sockets": 1,
            "mhz": "3792.874",
            "user_hz": 100,
            "hvm": "1",
            "flags": "fpu vme de pse tsc msr pae mce cx8 svm",
        },
        "memory": {
            "total": node.maxmem,
            "used": mem,
            "free": node.maxmem - mem,
            "available": node.maxmem - mem,
        },
        "swap": {"total": 8_589_930_496_u64, "used": 0, "free": 8_589_930_496_u64},
        "rootfs": {
            "total": node.maxdisk,
            "used": disk,
            "free": node.maxdisk - disk,
            "avail": (node.maxdisk - disk) / 20 * 19,
        },
        "ksm": {"shared": 0},
        "kversion": format!("Linux {kernel} #1 SMP PREEMPT_DYNAMIC PMX {kernel}"),
        "current-kernel": {
            "sysname": "Linux",
            "release": kernel,
            "version": "#1 SMP PREEMPT_DYNAMIC PMX",
            "machine": "x86_64",
        },
        "boot-info": {"mode": "efi", "secureboot": 0},
        "pveversion": format!("pve-manager/{major}.{minor}.4/14a22df3a8f1c0de"),
    })
    .into())
}

pub(crate) fn certificates(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let own = &state.certs[&node(state, call).name];
    Ok(json!([
        shown("pve-root-ca.pem", &state.ca),
        shown("pve-ssl.pem", own)
    ])
    .into())
}

/// IPv6 addresses are written out in full.
fn san(certificate: &Certificate) -> Vec<&str> {
    let long = "0000:0000:0000:0000:0000:0000:0000:0001";
    let names = certificate.san.iter().map(String::as_str);
    names
        .map(|name| if name == "::1" { long } else { name })
        .collect()
}

fn shown(filename: &str, certificate: &Certificate) -> Value {
    json!({
        "filename": filename,
        "fingerprint": certs::fingerprint(certificate),
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "notbefore": certificate.not_before,
        "notafter": certificate.not_after,
        "san": san(certificate),
        "public-key-type": "id-ecPublicKey",
        "public-key-bits": 256,
        "pem": certificate.pem,
    })
}
