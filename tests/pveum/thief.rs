//! What somebody can do who has the token's secret, and no bot in the way.

use fake_proxmox::Past;
use pve_steward::action::{GuestFacts, Right, Target};
use pve_steward::ids::{Kind, NodeRef};

use crate::rules::{Rules, ends, facts};
use crate::support::World;

/// Proxmox, asked by somebody who got hold of the token.
pub(crate) struct Thief<'w> {
    world: &'w World,
    http: reqwest::Client,
    pub(crate) refused: usize,
    /// Where rules let somebody look at a VM, so can who has the token.
    pub(crate) reads_addresses: bool,
}

impl<'w> Thief<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        let ca = reqwest::Certificate::from_pem(world.px.ca_pem().as_bytes()).unwrap();
        let http = reqwest::Client::builder()
            .add_root_certificate(ca)
            .tls_built_in_root_certs(false)
            .pool_max_idle_per_host(0);
        Self {
            world,
            http: http.build().unwrap(),
            refused: 0,
            reads_addresses: true,
        }
    }

    async fn asks(&self, method: &str, path: &str, form: &str) -> (u16, String) {
        let url = format!("{}/api2/json{path}", self.world.px.urls()[0]);
        let (id, secret) = (self.world.px.token_id(), self.world.px.token_secret());
        let mut request = self
            .http
            .request(method.parse().unwrap(), url)
            .header("Authorization", format!("PVEAPIToken={id}={secret}"));
        if matches!(method, "POST" | "PUT") {
            request = request
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(form.to_owned());
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn is_refused(&mut self, method: &str, path: &str, form: &str) {
        let (status, said) = self.asks(method, path, form).await;
        assert_eq!(status, 403, "{method} {path} {form}\n{said}");
        self.refused += 1;
    }

    /// What takes the same privilege, Proxmox cannot tell apart: that is the bot's own gate.
    pub(crate) async fn tries_guest(&mut self, rules: &Rules, guest: &GuestFacts) {
        use Right::{
            BackupRun, BackupView, Reboot, Reset, Resume, Shutdown, SnapshotCreate, SnapshotDelete,
            SnapshotRollback, Start, Stop, Suspend, View,
        };
        let target = Target::Guest(guest);
        let (node, kind, vmid) = (&guest.node, guest.kind.api(), guest.guest.vmid);
        let at = format!("/nodes/{node}/{kind}/{vmid}");
        let vm = guest.kind == Kind::Vm;
        if !rules.any(&Right::ALL, &target) {
            self.is_refused("GET", &format!("{at}/status/current"), "")
                .await;
            self.is_refused("GET", &format!("{at}/snapshot"), "").await;
        }
        let agent = format!("{at}/agent/network-get-interfaces");
        if self.reads_addresses && rules.any(&[View], &target) && vm {
            let (status, said) = self.asks("GET", &agent, "").await;
            assert_ne!(status, 403, "{said}");
        } else if vm {
            self.is_refused("GET", &agent, "").await;
        }
        let power = [Start, Shutdown, Reboot, Suspend, Resume, Stop, Reset];
        if !rules.any(&power, &target) {
            for right in power.into_iter().filter(|right| vm || *right != Reset) {
                self.is_refused("POST", &format!("{at}/status/{right}"), "")
                    .await;
            }
        }
        if !rules.any(&[SnapshotCreate, SnapshotDelete], &target) {
            let one = format!("{at}/snapshot/fresh-install");
            self.is_refused("POST", &format!("{at}/snapshot"), "snapname=stolen")
                .await;
            self.is_refused("DELETE", &one, "").await;
            if !rules.any(&[SnapshotRollback], &target) {
                self.is_refused("POST", &format!("{one}/rollback"), "")
                    .await;
            }
        }
        if !rules.any(&[BackupView, BackupRun], &target) {
            self.tries_backup(guest).await;
        }
    }

    /// Where the storage can be written to for other guests, the task itself fails.
    async fn tries_backup(&mut self, guest: &GuestFacts) {
        let (node, vmid) = (&guest.node, guest.guest.vmid);
        let before = self.world.px.backups("nas").len();
        let form = format!("vmid={vmid}&storage=nas");
        let (status, said) = self
            .asks("POST", &format!("/nodes/{node}/vzdump"), &form)
            .await;
        if status == 200 {
            let answer: serde_json::Value = serde_json::from_str(&said).unwrap();
            let exit = ends(self.world, answer["data"].as_str().unwrap()).await;
            assert_ne!(exit, "OK", "a backup of {vmid}");
        } else {
            assert_eq!(status, 403, "{said}");
        }
        assert_eq!(self.world.px.backups("nas").len(), before);
        let list = format!("/nodes/{node}/storage/nas/content?content=backup&vmid={vmid}");
        let (status, said) = self.asks("GET", &list, "").await;
        assert!(status == 403 || !said.contains("vzdump"), "{said}");
        self.refused += 1;
    }

    pub(crate) async fn tries_the_rest(&mut self, rules: &Rules) {
        use Right::{NodeReboot, NodeShutdown, NodeWake, TaskStop, TaskView, View};
        let guests = facts(self.world);
        for node in ["pve1", "pve2"] {
            let node_ref: NodeRef = NodeRef {
                cluster: "home".parse().unwrap(),
                node: node.parse().unwrap(),
            };
            let here = guests.iter().filter(|guest| guest.node == node_ref.node);
            let mut targets: Vec<Target<'_>> = here.map(Target::Guest).collect();
            targets.push(Target::Node(&node_ref));
            let of_node = Target::Node(&node_ref);
            let any = |rights: &[Right]| targets.iter().any(|target| rules.any(rights, target));
            let others = Past::new(node, "qmstart", "103").running();
            let upid = self.world.px.add_task(&others);
            let task = format!("/nodes/{node}/tasks/{}", upid.replace(':', "%3A"));
            if !any(&[TaskView, TaskStop]) && !rules.any(&[View], &of_node) {
                self.is_refused("GET", &format!("{task}/log"), "").await;
                self.is_refused("GET", &format!("/nodes/{node}/status"), "")
                    .await;
            }
            if any(&[TaskStop]) {
                let (status, said) = self.asks("DELETE", &task, "").await;
                assert_eq!(status, 200, "another's task is stopped: {said}");
            } else {
                self.is_refused("DELETE", &task, "").await;
                self.is_refused("GET", &format!("/nodes/{node}/apt/update"), "")
                    .await;
            }
            if !rules.any(&[NodeReboot, NodeShutdown, NodeWake], &of_node) {
                let status = format!("/nodes/{node}/status");
                self.is_refused("POST", &status, "command=reboot").await;
                self.is_refused("POST", &format!("/nodes/{node}/wakeonlan"), "")
                    .await;
            }
        }
        // Whoever may do everything by the bot may still not make the token more than it is.
        for (method, path, form) in [
            ("POST", "/access/roles", "roleid=Mine&privs=VM.Allocate"),
            (
                "PUT",
                "/access/acl",
                "path=/&roles=Administrator&users=discord@pve",
            ),
            ("POST", "/access/users/discord@pve/token/more", "privsep=0"),
            ("POST", "/pools", "poolid=mine"),
            ("PUT", "/pools", "poolid=games&vms=107"),
        ] {
            self.is_refused(method, path, form).await;
        }
    }
}
