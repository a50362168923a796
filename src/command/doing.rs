//! An act that is permitted and noted: sent once, followed, read again, told, closed.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::action::{Deed, Power, Request, Right, Target};
use crate::audit::{self, Ending, Entry};
use crate::embed::act::Act;
use crate::embed::{self, Reply};
use crate::follow::{self, End};
use crate::ids::{NodeName, Upid};
use crate::permission::Permit;
use crate::privileges;
use crate::proxmox::{Error, Inventory, NodeState, Order, Sent};

use super::Outcome;
use super::busy::Claim;
use super::desk::{Desk, READ_PATIENCE};
use super::memory::Claimed;
use super::notify::Notice;
use super::resolve::FoundGuest;

/// A guest that has not shut down by then may never do so.
const SLOW: Duration = Duration::from_secs(20);

/// An act whose entry is open. From here on every way out closes it.
pub(super) struct Doing<'d> {
    pub desk: &'d Desk,
    pub act: Act,
    pub found: FoundGuest,
    pub entry: Entry,
    pub claim: Claim,
    /// Of its node, for a start.
    pub memory: Option<Claimed>,
    pub ha_managed: bool,
    /// Others can wait for its end.
    pub notice: Option<Notice>,
}

impl Doing<'_> {
    pub(super) async fn go(
        self,
        permit: &Permit,
        request: &Request,
        shown: &watch::Sender<Option<Reply>>,
    ) -> Outcome {
        Outcome::of(self.carry_out(permit, request, shown).await)
    }

    /// Sends it, once, and follows it to its end.
    pub(super) async fn carry_out(
        self,
        permit: &Permit,
        request: &Request,
        shown: &watch::Sender<Option<Reply>>,
    ) -> End {
        let started = Instant::now();
        shown.send_replace(Some(embed::act::asked(&self.act)));
        let client = self.found.inventory.client();
        let remark = embed::act::remark(&request.actor.name);
        let sent = client.act(permit, self.order(&remark)).await;
        if let (Some(memory), true) = (&self.memory, may_have_begun(&sent)) {
            memory.sent();
        }
        let end = match sent {
            Ok(Sent::Task(upid)) => {
                audit::sent(&self.desk.store, &self.entry, &upid).await;
                shown.send_replace(Some(embed::act::at_work(&self.act)));
                self.follow(&upid, started, shown).await
            }
            Ok(Sent::Nothing) => {
                let reply = embed::act::failed(&self.act, embed::act::NOT_THERE, None);
                End::of(
                    reply,
                    Ending::Failed("its node has no such guest".to_owned()),
                )
            }
            Err(error) => {
                tracing::warn!(interaction = %request.id, %error, "Proxmox did not take the request");
                self.not_taken(request, &error).await
            }
        };
        let end = End {
            reply: if self.found.guest.template {
                embed::guest::of_template(end.reply)
            } else {
                end.reply
            },
            ..end
        };
        audit::close(&self.desk.store, self.entry, &end.ending).await;
        self.found.inventory.refresh();
        self.found.inventory.lists_changed(&self.act.guest);
        drop(self.claim);
        if let Some(notice) = self.notice {
            notice.tell(&self.desk.errands, &end.reply).await;
        }
        end
    }

    /// Follows the task to its end. Where a guest takes its time to shut down, a way out is offered.
    async fn follow(
        &self,
        upid: &Upid,
        started: Instant,
        shown: &watch::Sender<Option<Reply>>,
    ) -> End {
        let end = follow::to_the_end(&self.found.inventory, &self.act, upid, started, Some(shown));
        let mut end = std::pin::pin!(end);
        if matches!(self.act.deed, Deed::Power(Power::Shutdown | Power::Reboot)) {
            if let Ok(end) = timeout(SLOW, &mut end).await {
                return end;
            }
            shown.send_replace(Some(embed::act::still_at_work(&self.act)));
        }
        end.await
    }

    fn order<'a>(&'a self, remark: &'a str) -> Order<'a> {
        Order {
            deed: &self.act.deed,
            guest: &self.act.guest,
            // The HA manager decides by itself what it gives up, and refuses to be told.
            overrule: self.claim.overtook && !self.ha_managed,
            remark,
        }
    }

    /// Proxmox said no, or nothing.
    async fn not_taken(&self, request: &Request, error: &Error) -> End {
        look_again(&self.found, error).await;
        let runs = follow::runs_now(&self.found.inventory, &self.act.guest).await;
        if !error.surely_not_done() {
            let reply = embed::act::unknown(&self.act, runs);
            return End::of(reply, Ending::Unknown(error.to_string()));
        }
        let (why, aside) = explain(
            self.desk,
            request,
            self.act.readers.public,
            &self.found,
            error,
        );
        End {
            reply: embed::act::failed(&self.act, &why, runs),
            aside,
            ending: Ending::Failed(error.to_string()),
        }
    }
}

fn may_have_begun(sent: &Result<Sent, Error>) -> bool {
    match sent {
        Ok(Sent::Task(_)) => true,
        Ok(Sent::Nothing) => false,
        Err(error) => !error.surely_not_done(),
    }
}

/// What was just met is newer than what is remembered: who looks next is shown no state from before.
pub(super) async fn look_again(found: &FoundGuest, error: &Error) {
    let inventory = &found.inventory;
    let away = matches!(error.status(), None | Some(595 | 596 | 599));
    let no_quorum = error.reason().is_some_and(embed::why::is_no_quorum);
    if no_quorum {
        inventory.doubt_quorum();
    }
    if away || no_quorum {
        // That it cannot be read is remembered too.
        let _ = inventory.fresh(Duration::ZERO, READ_PATIENCE).await;
    }
}

/// Where the guest is, for those who may look at it. Beside who asked, others may read a public card.
pub(super) fn shown_node<'f>(
    desk: &Desk,
    request: &Request,
    public: bool,
    found: &'f FoundGuest,
) -> Option<&'f NodeName> {
    if public {
        return None;
    }
    let (law, facts) = (desk.law(), &found.guest.facts);
    let view = law
        .of(&request.actor)
        .decide(Right::View, &Target::Guest(facts));
    view.is_ok().then_some(&facts.node)
}

/// Whether the newest snapshot has it so.
pub(super) fn node_offline(inventory: &Inventory, node: &NodeName) -> bool {
    let latest = inventory.latest();
    let seen = latest.as_ref().and_then(|all| all.nodes.get(node));
    seen.is_some_and(|node| node.status == NodeState::Offline)
}

/// A refusal of Proxmox in our words, for whoever reads them, and for those who can mend it, how.
pub(super) fn explain(
    desk: &Desk,
    request: &Request,
    public: bool,
    found: &FoundGuest,
    error: &Error,
) -> (String, Option<Reply>) {
    let law = desk.law();
    let facts = &found.guest.facts;
    let owner = law
        .of(&request.actor)
        .decide(Right::Access, &Target::Guest(facts));
    let why = embed::why::why_refused(&embed::why::Refusal {
        status: error.status(),
        text: error.reason(),
        missing: error.missing_privilege().is_some(),
        guest: facts,
        node: shown_node(desk, request, public, found),
        offline: node_offline(&found.inventory, &facts.node),
    });
    let aside = error.missing_privilege().map(|missing| {
        let beside = privileges::beside(law.policy(), facts, &missing.path);
        let cure = owner
            .is_ok()
            .then(|| (desk.token_of(&facts.guest.cluster), &beside));
        embed::problem::missing_privilege(&missing.path, &missing.privileges, missing.any, cure)
    });
    (why, aside)
}
