//! How an order to a node ended, as far as that was seen or can be concluded.

use std::time::Duration;

use super::node_act::{NodeAct, card, refresh};
use super::reply::{Colour, Reply};
use super::words::{ago, duration, person};

/// How it ended, as far as it was seen; with how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Down(Duration),
    Back(Duration),
    Awake(Duration),
    /// It was to stay off, and was started anew since.
    OnAgain {
        up: Duration,
    },
    /// The order was left open by a former process.
    Found(Found),
    /// `taken`: Proxmox said that it had the order.
    StillOn {
        taken: bool,
    },
    NotBack,
    NotAwake {
        taken: bool,
    },
    /// Proxmox answers, and does not tell what would be needed to know.
    Unclear,
    NoWord,
}

/// How a node is for which an order was left open: the order may never have been sent, so nothing that
/// is seen is surely its doing. `seen`: it happened before our eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Offline {
        seen: bool,
    },
    Online {
        seen: bool,
    },
    /// It was offline for a while.
    Back,
    /// Up for so long: soon after the order it was started, which nobody saw.
    StartedAnew {
        up: Duration,
    },
    /// Online, and when it was last started says nothing.
    Up(Duration),
}

/// `now`: unix seconds.
#[must_use]
pub fn ended(act: &NodeAct, end: End, now: i64) -> Reply {
    let (colour, mark, state) = match end {
        End::Down(_) | End::Found(Found::Offline { .. }) => (Colour::Grey, "⚪", "offline"),
        End::Back(_) => (Colour::Green, "🟢", "rebooted"),
        End::Found(Found::StartedAnew { .. }) => (Colour::Green, "🟢", "started anew"),
        End::Found(Found::Up(_)) => (Colour::Amber, "🟠", "online"),
        End::Awake(_) | End::Found(_) => (Colour::Green, "🟢", "online"),
        End::OnAgain { .. } => (Colour::Amber, "🟠", "online again"),
        End::StillOn { .. } => (Colour::Amber, "🟠", "still online"),
        End::NotBack => (Colour::Amber, "🟠", "not seen back yet"),
        End::NotAwake { .. } => (Colour::Amber, "🟠", "not seen yet"),
        End::Unclear | End::NoWord => (Colour::Amber, "🟠", "outcome unknown"),
    };
    let by = person(act.by);
    let by = match end {
        End::Down(_) | End::Back(_) | End::Awake(_) => format!("By {by}."),
        // What nobody saw happen may have had another reason.
        _ => format!("Asked by {by}."),
    };
    let mut body = format!("{by}\n{}", what_was_seen(end, now));
    if colour == Colour::Amber {
        body.push_str("\nLook again before you repeat it.");
    }
    Reply::card(card(act, colour, mark, state, body)).with_buttons(vec![refresh(&act.node)])
}

fn what_was_seen(end: End, now: i64) -> String {
    match end {
        End::Down(took) => format!("It went offline after {}.", duration(took)),
        End::Back(took) => format!("It is back after {}.", duration(took)),
        End::Awake(took) => format!("Seen online after {}.", duration(took)),
        End::OnAgain { up } => {
            format!(
                "It was started anew {},\nso it is not off.",
                started(up, now)
            )
        }
        End::Found(found) => what_was_found(found, now),
        unseen => unknown(unseen).to_owned(),
    }
}

fn what_was_found(found: Found, now: i64) -> String {
    let found = match found {
        Found::Offline { seen: true } => "I saw it go offline.".to_owned(),
        Found::Offline { seen: false } => "It is offline now.".to_owned(),
        Found::Online { seen: true } => "I saw it come online.".to_owned(),
        Found::Online { seen: false } => "It is online now.".to_owned(),
        Found::Back => "I saw it offline, and it is back now.".to_owned(),
        Found::StartedAnew { up } => format!("It was started anew {}.", started(up, now)),
        Found::Up(up) => {
            let started = started(up, now);
            return format!(
                "It was last started {started}.\nWhether Proxmox got the order, is\nnot known."
            );
        }
    };
    format!("{found}\nWhether by this order, is not known.")
}

fn started(up: Duration, now: i64) -> String {
    let up = i64::try_from(up.as_secs()).unwrap_or_default();
    ago(now.saturating_sub(up))
}

/// Where the end was not seen.
fn unknown(end: End) -> &'static str {
    match end {
        End::StillOn { taken: true } => {
            "Proxmox took the order, and after a\nquarter of an hour the node is still\nonline. A guest may hold it up."
        }
        End::StillOn { taken: false } => {
            "The node is still online. Whether\nProxmox got the order, is not known."
        }
        End::NotBack => "It is offline. I waited a quarter of\nan hour for it to come back.",
        End::NotAwake { taken: true } => {
            "The packet was sent a quarter of an\nhour ago. Whether it arrived, nobody\nknows."
        }
        End::NotAwake { taken: false } => {
            "The node was not seen online. Whether\nthe packet was sent, is not known."
        }
        End::NoWord => {
            "Proxmox does not answer me any more.\nIf I reach it through this node alone,\nthat is what it looks like."
        }
        _ => "Proxmox does not tell me enough to\nknow what became of it.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::NodePower;
    use crate::ids::{NodeRef, UserId};

    fn said(power: NodePower, end: End) -> String {
        let act = NodeAct {
            power,
            node: NodeRef {
                cluster: "home".parse().unwrap(),
                node: "pve2".parse().unwrap(),
            },
            by: UserId(7),
            since: 1_760_000_000,
            notice: None,
        };
        let reply = ended(&act, end, 1_760_003_600);
        format!("{}\n{}", reply.cards[0].title, reply.cards[0].body)
    }

    #[test]
    fn what_was_found_after_a_restart_is_not_said_to_be_somebodys_doing() {
        let up = Duration::from_mins(10);
        let found = [
            (NodePower::Shutdown, Found::Offline { seen: false }),
            (NodePower::Shutdown, Found::Offline { seen: true }),
            (NodePower::Wake, Found::Online { seen: false }),
            (NodePower::Wake, Found::Online { seen: true }),
            (NodePower::Reboot, Found::Back),
            (NodePower::Reboot, Found::StartedAnew { up }),
            (NodePower::Reboot, Found::Up(up * 1000)),
        ];
        let found = found.map(|(power, found)| said(power, End::Found(found)));
        let again = said(NodePower::Shutdown, End::OnAgain { up });
        insta::assert_snapshot!(format!("{}\n\n{again}", found.join("\n\n")), @"
        ⚪ pve2 · offline
        Asked by <@7>.
        It is offline now.
        Whether by this order, is not known.

        ⚪ pve2 · offline
        Asked by <@7>.
        I saw it go offline.
        Whether by this order, is not known.

        🟢 pve2 · online
        Asked by <@7>.
        It is online now.
        Whether by this order, is not known.

        🟢 pve2 · online
        Asked by <@7>.
        I saw it come online.
        Whether by this order, is not known.

        🟢 pve2 · online
        Asked by <@7>.
        I saw it offline, and it is back now.
        Whether by this order, is not known.

        🟢 pve2 · started anew
        Asked by <@7>.
        It was started anew <t:1760003000:R>.
        Whether by this order, is not known.

        🟠 pve2 · online
        Asked by <@7>.
        It was last started <t:1759403600:R>.
        Whether Proxmox got the order, is
        not known.
        Look again before you repeat it.

        🟠 pve2 · online again
        Asked by <@7>.
        It was started anew <t:1760003000:R>,
        so it is not off.
        Look again before you repeat it.
        ");
    }

    #[test]
    fn what_was_seen_after_the_order_is_somebodys_doing() {
        let took = Duration::from_mins(2);
        for end in [End::Down(took), End::Back(took), End::Awake(took)] {
            assert!(said(NodePower::Reboot, end).contains("\nBy <@7>."));
        }
    }

    #[test]
    fn what_was_not_seen_is_not_guessed() {
        let ends = [
            (NodePower::Reboot, End::StillOn { taken: true }),
            (NodePower::Reboot, End::StillOn { taken: false }),
            (NodePower::Reboot, End::NotBack),
            (NodePower::Wake, End::NotAwake { taken: true }),
            (NodePower::Wake, End::NotAwake { taken: false }),
            (NodePower::Reboot, End::Unclear),
            (NodePower::Shutdown, End::NoWord),
        ];
        let ends = ends.map(|(power, end)| said(power, end)).join("\n\n");
        insta::assert_snapshot!(ends, @"
        🟠 pve2 · still online
        Asked by <@7>.
        Proxmox took the order, and after a
        quarter of an hour the node is still
        online. A guest may hold it up.
        Look again before you repeat it.

        🟠 pve2 · still online
        Asked by <@7>.
        The node is still online. Whether
        Proxmox got the order, is not known.
        Look again before you repeat it.

        🟠 pve2 · not seen back yet
        Asked by <@7>.
        It is offline. I waited a quarter of
        an hour for it to come back.
        Look again before you repeat it.

        🟠 pve2 · not seen yet
        Asked by <@7>.
        The packet was sent a quarter of an
        hour ago. Whether it arrived, nobody
        knows.
        Look again before you repeat it.

        🟠 pve2 · not seen yet
        Asked by <@7>.
        The node was not seen online. Whether
        the packet was sent, is not known.
        Look again before you repeat it.

        🟠 pve2 · outcome unknown
        Asked by <@7>.
        Proxmox does not tell me enough to
        know what became of it.
        Look again before you repeat it.

        🟠 pve2 · outcome unknown
        Asked by <@7>.
        Proxmox does not answer me any more.
        If I reach it through this node alone,
        that is what it looks like.
        Look again before you repeat it.
        ");
    }
}
