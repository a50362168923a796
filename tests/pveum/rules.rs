//! What the rules allow, carried out by the bot's own client.

use std::sync::Arc;
use std::time::Duration;

use fake_proxmox::Kind as PxKind;
use pve_steward::action::{Actor, BackupMode, Deed, GuestFacts, Power, Right, Target};
use pve_steward::ids::{ChannelId, GuestRef, GuildId, Kind, NodeRef, Vmid};
use pve_steward::permission::{self, Law, Permit, Policy, Standing, Subject};
use pve_steward::proxmox::{Client, Inventory, Order, Sent};

use crate::support::World;

/// The law of a moment, and everybody whom it names.
pub(crate) struct Rules {
    law: Law,
    subjects: Vec<Subject>,
}

impl Rules {
    pub(crate) fn of(world: &World) -> Self {
        let policy = Arc::new(Policy::compile(&world.config()).unwrap());
        let subjects = permission::subjects(&policy, GuildId(1), ChannelId(1));
        // Within the hours of every example.
        let noon = "2026-11-24T17:00:00Z".parse().unwrap();
        let law = Law::new(policy, Arc::new(Standing::default()), noon);
        Self { law, subjects }
    }

    fn permit(&self, right: Right, target: &Target<'_>) -> Option<Permit> {
        let allowed = |actor: &Actor| permission::check(&self.law, actor, right, target).ok();
        self.subjects
            .iter()
            .find_map(|subject| allowed(&subject.actor))
    }

    pub(crate) fn any(&self, rights: &[Right], target: &Target<'_>) -> bool {
        rights
            .iter()
            .any(|right| self.permit(*right, target).is_some())
    }
}

/// All guests as they are, whoever may see them.
pub(crate) fn facts(world: &World) -> Vec<GuestFacts> {
    let guests = world.px.guests().into_iter();
    guests
        .map(|guest| GuestFacts {
            guest: GuestRef {
                cluster: "home".parse().unwrap(),
                vmid: Vmid::new(guest.vmid.into()).unwrap(),
            },
            kind: match guest.kind {
                PxKind::Vm => Kind::Vm,
                PxKind::Ct => Kind::Ct,
            },
            node: guest.node.parse().unwrap(),
            name: Some(guest.name),
            pool: guest.pool,
            pools_seen: ["games", "dev", "prod"].map(str::to_owned).into(),
            tags: guest.tags,
        })
        .collect()
}

fn deeds() -> Vec<Deed> {
    let mut deeds = vec![
        Deed::SnapshotCreate {
            name: "proof".parse().unwrap(),
            ram: false,
        },
        Deed::SnapshotRollback("proof".parse().unwrap()),
        Deed::SnapshotDelete("proof".parse().unwrap()),
        Deed::Backup {
            storage: "nas".parse().unwrap(),
            mode: BackupMode::Snapshot,
        },
    ];
    deeds.extend([
        Deed::Power(Power::Start),
        Deed::Power(Power::Suspend),
        Deed::Power(Power::Resume),
        Deed::Power(Power::Reset),
        Deed::Power(Power::Reboot),
        Deed::Power(Power::Shutdown),
        Deed::Power(Power::Start),
        Deed::Power(Power::Stop),
    ]);
    deeds
}

/// In which state of the guest it makes sense.
fn before(deed: &Deed) -> &'static str {
    match deed {
        Deed::Power(Power::Start) => "stopped",
        Deed::Power(Power::Resume) => "paused",
        _ => "running",
    }
}

pub(crate) async fn ends(world: &World, upid: &str) -> String {
    for _ in 0..1000 {
        let tasks = world.px.tasks();
        let exit = tasks.into_iter().find(|task| task.upid == upid);
        if let Some(exit) = exit.and_then(|task| task.exit) {
            return exit;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{upid} does not end");
}

/// Does it, to its end. A container that runs cannot be resumed, and CRIU suspends nearly none.
async fn does(
    world: &World,
    client: &Client,
    guest: &GuestFacts,
    deed: &Deed,
    permit: &Permit,
) -> bool {
    let frozen = [Deed::Power(Power::Suspend), Deed::Power(Power::Resume)];
    if guest.kind == Kind::Ct && frozen.contains(deed) {
        return false;
    }
    world.px.set_guest(guest.guest.vmid.get(), |px| {
        before(deed).clone_into(&mut px.state);
    });
    let order = Order {
        deed,
        guest,
        overrule: false,
        remark: "proof",
    };
    let sent = client.act(permit, order).await;
    let sent = sent.unwrap_or_else(|error| panic!("{deed:?} of {}: {error}", guest.guest));
    let Sent::Task(upid) = sent else {
        panic!("{deed:?} of {} is nothing", guest.guest);
    };
    let exit = ends(world, upid.as_str()).await;
    assert_eq!(exit, "OK", "{deed:?} of {}", guest.guest);
    true
}

/// Everything that the bot can do to a guest, as far as somebody may; how often it was done.
pub(crate) async fn all_that_is_allowed_works(world: &World, rules: &Rules) -> usize {
    let client = Client::new(&world.config().clusters[0]).unwrap();
    let inventory = Inventory::new(Arc::new(Client::new(&world.config().clusters[0]).unwrap()));
    let seen = inventory
        .fresh(Duration::ZERO, Duration::from_secs(5))
        .await;
    let seen = seen.unwrap();
    let mut done = 0;
    for guest in &facts(world) {
        let target = Target::Guest(guest);
        if rules.any(&Right::ALL, &target) {
            let facts = seen.guests.get(&guest.guest.vmid).map(|guest| &guest.facts);
            let facts = facts.unwrap_or_else(|| panic!("{} is not seen", guest.guest));
            assert_eq!((&facts.name, &facts.tags), (&guest.name, &guest.tags));
            inventory.guest_now(guest).await.unwrap();
            client.snapshots(guest).await.unwrap();
            done += 1;
        }
        for deed in deeds().into_iter().filter(|deed| deed.is_for(guest.kind)) {
            if let Some(permit) = rules.permit(deed.right(), &target) {
                done += usize::from(does(world, &client, guest, &deed, &permit).await);
            }
        }
        if rules.any(&[Right::BackupView], &target) {
            let list = client.backups(guest, &"nas".parse().unwrap()).await;
            assert!(!list.unwrap().is_empty(), "backups of {}", guest.guest);
        }
    }
    for node in seen.nodes.keys() {
        let node_ref = NodeRef {
            cluster: "home".parse().unwrap(),
            node: node.clone(),
        };
        if rules.any(&[Right::View], &Target::Node(&node_ref)) {
            client.node_status(node).await.unwrap();
            assert!(seen.nodes[node].mem.is_some(), "figures of {node}");
            assert!(
                seen.storages.keys().any(|(on, _)| on == node),
                "its storages"
            );
        }
    }
    assert!(seen.quorum.is_some(), "the quorum is seen");
    done
}
