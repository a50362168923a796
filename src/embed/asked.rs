//! What a request for what was refused comes to on the way: approved and begun, still open, spent on
//! nothing, or one too many.

use crate::action::Action;
use crate::ids::UserId;

use super::ask::{Request, card};
use super::problem::refusal;
use super::reply::{Button, Colour, Reply, Style};
use super::words::{ago, moment, person};

/// For the person who asked, once it is approved and until there is more to say.
#[must_use]
pub fn approved(request: &Request, by: UserId) -> Reply {
    let body = format!("{} approved it. I am at it.", person(by));
    Reply::card(card(request, Colour::Amber, "🟡", "approved", body))
}

/// The same, while the bot stops.
#[must_use]
pub fn approved_on(request: &Request) -> Reply {
    let body =
        "It was approved. I am being restarted;\nyou are told what becomes of it.".to_owned();
    Reply::card(card(request, Colour::Amber, "🟡", "approved", body))
}

/// A refusal of what the person has asked for already: there is no button to ask twice.
#[must_use]
pub fn still_open(reply: Reply, request: &Request) -> Reply {
    let more = format!(
        "You asked for it {}, and nobody has\ndecided yet. It lapses {}.",
        ago(request.asked),
        ago(request.expires)
    );
    saying(reply, &more)
}

/// The yes was spent on nothing. `button`: whether the message is one whose buttons work.
#[must_use]
pub fn ask_again(reply: Reply, request: &Request, by: UserId, button: bool) -> Reply {
    let more = format!(
        "{} approved it, and that yes is\nused up. You may ask again.",
        person(by)
    );
    let ask = Button {
        label: "Ask for it".into(),
        style: Style::Primary,
        action: Action::Ask {
            deed: request.deed.clone(),
            guest: (&request.guest).into(),
        },
    };
    let buttons = if button { vec![ask] } else { Vec::new() };
    saying(reply, &more).with_buttons(buttons)
}

fn saying(mut reply: Reply, more: &str) -> Reply {
    if let Some(card) = reply.cards.first_mut() {
        card.body = format!("{}\n{more}", card.body);
    }
    reply
}

/// Whoever decides has heard enough of this person for a day.
#[must_use]
pub fn asked_too_often(until: i64) -> Reply {
    refusal(
        "You have asked often today",
        format!(
            "Twenty requests in a day went without\na yes. You may ask again from\n{}, {}.",
            moment(until),
            ago(until)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Power;
    use crate::embed::ask::{End, ended};
    use crate::ids::{ChannelId, Kind, RequestId};

    fn request() -> Request {
        Request {
            id: RequestId(1),
            by: UserId(7),
            deed: Power::Start.into(),
            guest: crate::ids::GuestRef {
                cluster: "home".parse().unwrap(),
                vmid: "105".parse().unwrap(),
            },
            kind: Kind::Ct,
            name: "web-lab".to_owned(),
            channel: ChannelId(1),
            asked: 1_760_000_000,
            expires: 1_760_001_800,
        }
    }

    fn body(reply: &Reply) -> &str {
        &reply.cards[0].body
    }

    #[test]
    fn a_restart_after_the_yes_promises_only_what_is_kept() {
        insta::assert_snapshot!(body(&approved(&request(), UserId(1))), @"<@1> approved it. I am at it.");
        insta::assert_snapshot!(body(&approved_on(&request())), @"
        It was approved. I am being restarted;
        you are told what becomes of it.
        ");
        let by = UserId(1);
        let in_its_middle = End::Restarted { by, begun: true };
        insta::assert_snapshot!(body(&ended(&request(), &in_its_middle)), @"
        <@1> approved it, and I was restarted
        in its middle. Look at the guest before
        you ask again.
        ");
    }

    #[test]
    fn a_wasted_yes_can_be_asked_for_again_where_buttons_work() {
        let failed = refusal("x", "Nothing was done.".to_owned());
        let in_server = ask_again(failed.clone(), &request(), UserId(1), true);
        insta::assert_snapshot!(body(&in_server), @"
        Nothing was done.
        <@1> approved it, and that yes is
        used up. You may ask again.
        ");
        assert_eq!(in_server.buttons.len(), 1);
        let direct = ask_again(failed, &request(), UserId(1), false);
        assert!(direct.buttons.is_empty());
    }
}
