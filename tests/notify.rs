//! *Notify me*: who waits for an act is told once when it has ended.

mod support;

use fake_discord::Message;
use insta::assert_snapshot;
use support::{BOT_CHANNEL, Setup, World, run, shown};

/// `friend` and `max` may see games.
fn home() -> Setup {
    let mut setup = Setup::default().rules(&support::rules(
        r#"
[[allow]]
who = ["friends"]
actions = ["view", "start"]
guests = ["tag:games"]
"#,
    ));
    setup
        .px
        .wol
        .insert("pve2".into(), "BC:24:11:5E:02:11".into());
    for who in ["discord@pve", "discord@pve!bot"] {
        let privs = ["Sys.Audit", "Sys.PowerMgmt"];
        setup
            .px
            .acls
            .push(fake_proxmox::Acl::new("/nodes", who, &privs, true));
    }
    setup
}

/// Messages that answer nobody, in the channel of the bot.
fn calls(world: &World) -> Vec<Message> {
    let all = world.dc.channel_messages(BOT_CHANNEL);
    all.into_iter().filter(|m| m.answers.is_none()).collect()
}

/// The one message for all who wait.
async fn told(world: &World) -> Message {
    for _ in 0..500 {
        if let Some(call) = calls(world).pop() {
            return call;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("nobody was told in 5 s");
}

#[test]
fn all_who_wait_are_told_once_and_nobody_else() {
    run(home(), async |world| {
        let (owner, friend) = (world.person("owner"), world.person("friend"));
        let answer = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        let card = answer.until("at work").await;
        assert_snapshot!(shown(&card), @"
        │ 🟡 valheim · starting
        │ Asked by <@80351110224678912>.
        │ Proxmox is at work, begun <time>.
        │ — VM 101 · home
        [Notify me] (secondary)
        ");
        let added = friend.click(&card, "Notify me").await.first().await;
        assert_snapshot!(shown(&added), @"
        🔒 only friend
        │ 🔔 I tell you when it ends
        │ In this channel. If I am restarted
        │ meanwhile, I forget it.
        ");
        let again = friend.click(&card, "Notify me").await.first().await;
        assert!(shown(&again).contains("on the list"), "{}", shown(&again));
        owner.click(&card, "Notify me").await.first().await;
        // A stranger is told what somebody is told for whom there is nothing.
        let stranger = world.person("stranger").click(&card, "Notify me").await;
        let stranger = shown(&stranger.first().await);
        assert_snapshot!(stranger, @"
        🔒 only stranger
        │ ⛔ Nothing to wait for
        │ It has ended, or I was restarted
        │ meanwhile. Look at the card.
        ");
        world.px.finish(&upid, "OK");
        answer.until("started").await;
        let told = told(world).await;
        assert_snapshot!(shown(&told), @"
        <@80351110224678913> <@184405311681986560>
        │ 🟢 valheim · started
        │ By <@80351110224678912>, done <soon>.
        │ Running since <time>.
        │ — VM 101 · home
        ");
        let mut pinged = told.pings.clone();
        pinged.sort_unstable();
        let mut waited = [owner.id(), friend.id()];
        waited.sort_unstable();
        assert_eq!(pinged, waited);
        // The old card's button: it is over, in the very same words.
        let id = card.custom_id("Notify me").unwrap();
        let late = friend.press(&card, &id).await.first().await;
        assert_eq!(
            shown(&late).replace("friend", "stranger"),
            stranger,
            "hidden and over look the same"
        );
        assert_eq!(calls(world).len(), 1);
    });
}

#[test]
fn nobody_waits_nobody_is_told_and_a_restart_forgets() {
    run(home(), async |world| {
        let max = world.person("max");
        let answer = max.slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        let card = answer.until("at work").await;
        world.px.finish(&upid, "OK");
        answer.until("started").await;
        assert_eq!(calls(world).len(), 0);
        world.stop_bot().await.unwrap();
        world.start_bot().await;
        let id = card.custom_id("Notify me").unwrap();
        let old = max.press(&card, &id).await.first().await;
        assert!(shown(&old).contains("I was restarted"), "{}", shown(&old));
    });
}

#[test]
fn private_acts_have_nothing_to_wait_for() {
    let setup = Setup {
        bot: "acts = \"private\"".into(),
        ..home()
    };
    run(setup, async |world| {
        let answer = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        let card = answer.until("at work").await;
        assert!(card.buttons().is_empty());
        world.px.finish(&upid, "OK");
        answer.until("started").await;
    });
}

#[test]
fn a_node_that_is_woken_is_worth_waiting_for() {
    run(home(), async |world| {
        world.px.node_down("pve2");
        world.next_snapshot().await;
        let owner = world.person("owner");
        let answer = owner.slash("/node wake pve2").await;
        let card = answer.until("packet was sent").await;
        owner.click(&card, "Notify me").await.first().await;
        // Who may see none of its nodes has nothing to wait for.
        let max = world.person("max").click(&card, "Notify me").await;
        assert!(shown(&max.first().await).contains("Nothing to wait for"));
        world.px.node_up("pve2");
        answer.until("Seen online").await;
        let told = told(world).await;
        assert_eq!(told.pings, [owner.id()]);
    });
}

/// Of a crowd the first twenty are told.
#[test]
fn a_crowd_is_bounded() {
    run(home(), async |world| {
        let answer = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        let card = answer.until("at work").await;
        let id = card.custom_id("Notify me").unwrap();
        let friend = world.person("friend");
        for n in 0..21_u64 {
            let who = (n + 1).to_string();
            let patch = serde_json::json!({"member": {"user": {"id": who}}});
            let said = friend.raw_press(&card, &id, patch).await.first().await;
            let wanted = if n < 20 { "I tell you" } else { "Too many" };
            assert!(shown(&said).contains(wanted), "{n}: {}", shown(&said));
        }
        world.px.finish(&upid, "OK");
        answer.until("started").await;
        let told = told(world).await;
        assert_eq!(told.content.matches("<@").count(), 20);
    });
}
