//! The fake cluster by itself: prints how to reach it and runs until it is killed.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use fake_proxmox::{Clock, Cluster, Setup, fault_names};

/// A fake Proxmox VE cluster on 127.0.0.1.
#[derive(Parser)]
struct Options {
    /// Names of its nodes
    #[arg(long, value_delimiter = ',', default_value = "pve1,pve2")]
    nodes: Vec<String>,
    /// Ports to listen on, one per node; any free one if not given
    #[arg(long, value_delimiter = ',')]
    ports: Vec<u16>,
    /// Seconds a task takes
    #[arg(long, default_value_t = 3.0)]
    task: f64,
    /// Where the cluster's CA certificate is written [default: fake-pve-root-ca.pem in the temporary folder]
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Break something from the start; see --faults
    #[arg(long)]
    fault: Vec<String>,
    /// List the faults and exit
    #[arg(long)]
    faults: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if options.faults {
        for (name, what) in fault_names() {
            println!("{name:16} {what}");
        }
        return Ok(());
    }
    let names: Vec<&str> = options.nodes.iter().map(String::as_str).collect();
    anyhow::ensure!(!names.is_empty(), "at least one node is needed");
    let cluster = Cluster::start(Setup {
        clock: Clock::Auto {
            task: Duration::try_from_secs_f64(options.task).context("--task")?,
        },
        standalone: names.len() == 1,
        ports: options.ports,
        ..Setup::home_on(&names).lived_in()
    })
    .await?;
    for name in &options.fault {
        anyhow::ensure!(
            cluster.fault_by_name(name),
            "no fault is called {name}; see --faults"
        );
    }
    let ca = options
        .ca
        .unwrap_or_else(|| std::env::temp_dir().join("fake-pve-root-ca.pem"));
    std::fs::write(&ca, cluster.ca_pem())
        .with_context(|| format!("cannot write {}", ca.display()))?;
    for node in &options.nodes {
        println!(
            "{node:8} {}  {}",
            cluster.url_of(node),
            cluster.fingerprint(node)
        );
    }
    println!("CA       {}", ca.display());
    println!("token    {}={}", cluster.token_id(), cluster.token_secret());
    std::future::pending().await
}
