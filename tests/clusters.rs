//! Two clusters in one bot: a number may mean two guests, and one that is away does not stop the
//! other.

mod support;

use std::fmt::Write as _;
use std::time::Duration;

use fake_discord::Message;
use fake_proxmox::{Clock, Cluster, Fault, FaultKind, Guest, Match, Setup as Proxmox};
use insta::assert_snapshot;
use support::{Setup, World, run_without_bot, shown};

/// A second cluster `lab` with a VM 101 `testbed` and a VM 201 `runner`, in the bot's configuration.
async fn with_lab(world: &mut World) -> Cluster {
    let mut setup = Proxmox::home();
    setup.clock = Clock::Auto {
        task: Duration::from_millis(50),
    };
    setup.guests = vec![
        Guest::vm(101, "testbed", "pve1").tags(&["games"]),
        Guest::vm(201, "runner", "pve1"),
    ];
    let lab = Cluster::start(setup).await.unwrap();
    for who in ["discord@pve", "discord@pve!bot"] {
        lab.acl("/vms", who, &["VM.Audit", "VM.PowerMgmt"], true);
    }
    let ca = world.dir.path().join("lab.pem");
    std::fs::write(&ca, lab.ca_pem()).unwrap();
    let mut text = std::fs::read_to_string(&world.files[0]).unwrap();
    let _ = write!(
        text,
        "\n[[cluster]]\nname = \"lab\"\nendpoints = [\"{}\"]\ntoken_id = \"{}\"\n\
         token_secret = \"{}\"\nca_file = \"{}\"\n",
        lab.url_of("pve1"),
        lab.token_id(),
        lab.token_secret(),
        ca.display(),
    );
    std::fs::write(&world.files[0], text).unwrap();
    lab
}

/// And both let the bot manage tokens.
async fn with_tokens_on_lab(world: &mut World) -> Cluster {
    let lab = with_lab(world).await;
    lab.add_token(support::ADMIN_TOKEN, support::ADMIN_SECRET, true);
    for who in [support::ADMIN_USER, support::ADMIN_TOKEN] {
        lab.acl("/", who, &["User.Modify", "Permissions.Modify"], true);
    }
    let mut text = std::fs::read_to_string(&world.files[0]).unwrap();
    let _ = write!(
        text,
        "admin_token_id = \"{}\"\nadmin_token_secret = \"{}\"\n",
        support::ADMIN_TOKEN,
        support::ADMIN_SECRET
    );
    std::fs::write(&world.files[0], text).unwrap();
    lab
}

/// The one command with something behind its name that a card tells people to type.
fn told_to_type(message: &Message) -> String {
    let text = message.text();
    let quoted = text.split('`').skip(1).step_by(2);
    let typed: Vec<&str> = quoted
        .filter(|text| text.starts_with('/') && text.split(' ').count() > 2)
        .collect();
    let [one] = typed[..] else {
        panic!("{typed:?} in {text}")
    };
    one.to_owned()
}

async fn started(world: &mut World, lab: &Cluster) {
    world.start_bot().await;
    for _ in 0..500 {
        let seen = |r: &fake_proxmox::Recorded| r.path.contains("cluster/resources");
        if lab.requests().iter().any(seen) {
            return tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("lab was never looked at");
}

#[test]
fn a_number_that_means_two_guests_is_asked_about() {
    run_without_bot(Setup::automatic(), async |world| {
        let lab = with_lab(world).await;
        started(world, &lab).await;
        let owner = world.person("owner");
        let which = shown(&owner.slash("/vm start 101").await.first().await);
        assert!(
            which.contains("home/101") && which.contains("lab/101"),
            "{which}"
        );
        owner
            .slash("/vm start lab/101")
            .await
            .until("started")
            .await;
        assert_eq!(lab.writes().len(), 1);
        assert_eq!(world.writes(), Vec::<String>::new());
        // A number that only one cluster has needs no name in front.
        owner.slash("/vm start 201").await.until("started").await;
        assert_eq!(lab.writes().len(), 2);
    });
}

#[test]
fn rules_can_name_one_cluster() {
    let rules = support::RULES.replace("\"tag:games\"", "\"lab/101\", \"home/101\"");
    let rules = rules.replace("guests = [\"tag:prod\"]", "guests = [\"cluster:home\"]");
    run_without_bot(Setup::automatic().rules(&rules), async |world| {
        let lab = with_lab(world).await;
        started(world, &lab).await;
        let max = world.person("max");
        // `home` is denied as a whole, so the number means one guest for max.
        max.slash("/vm start 101")
            .await
            .until("testbed · started")
            .await;
        let refused = max.slash("/vm start home/101").await.first().await;
        assert!(shown(&refused).contains("No guest home/101 for you here"));
        let offered = max.type_ahead("/vm status 1").await;
        let values: Vec<_> = offered.iter().filter_map(|c| c.value.as_str()).collect();
        assert_eq!(values, ["lab/101"]);
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

#[test]
fn a_cluster_that_is_away_does_not_stop_the_other() {
    run_without_bot(Setup::automatic(), async |world| {
        let lab = with_lab(world).await;
        lab.fault(Fault::always(FaultKind::Refuse));
        world.start_bot().await;
        let owner = world.person("owner");
        let status = shown(&owner.slash("/status").await.first().await);
        assert!(status.contains("lab · no answer"), "{status}");
        assert!(status.contains("home/102"), "{status}");
        owner
            .slash("/vm start home/101")
            .await
            .until("started")
            .await;
        let gone = shown(&owner.slash("/vm start lab/101").await.first().await);
        assert!(gone.contains("cannot be read"), "{gone}");
        assert_eq!(lab.writes().len(), 0);
    });
}

/// Of two clusters, both of which let the bot manage tokens, one must be named.
#[test]
fn a_token_is_made_where_it_was_said() {
    run_without_bot(Setup::automatic().token_admin(), async |world| {
        let lab = with_tokens_on_lab(world).await;
        started(world, &lab).await;
        let owner = world.person("owner");
        let which = owner.slash("/token list").await.first().await;
        assert_snapshot!(shown(&which), @"
        🔒 only owner
        │ ⛔ Which cluster?
        │ I manage tokens on `home`, `lab`.
        │ Name one in `cluster`.
        ");
        let create = "/token create discord@pve ci roles:PVEAuditor path:/vms cluster:lab";
        let asked = owner.slash(create).await;
        let question = asked.first().await;
        // Without Sys.Audit nobody sees what a user may.
        assert_snapshot!(shown(&question), @r"
        🔒 only owner
        │ ⚠️ Really create discord\@pve!ci?
        │ Expires <time>,
        │ <time>.
        │ Roles: PVEAuditor
        │ on `/vms`
        │ It can do no more than its user may,
        │ and I cannot see what that is.
        │ On a Proxmox node, as root:
        │ ```
        │ pveum user token permissions discord@pve ci
        │ ```
        │ Its secret is shown once, to you
        │ alone.
        │ The question holds for one minute.
        │ — lab
        [Create it] (danger) [Cancel] (secondary)
        ");
        let answer = owner.click(&question, "Create it").await;
        answer.until("is made").await;
        asked.until("Confirmed").await;
        assert_eq!(world.writes(), Vec::<String>::new());
        assert_eq!(lab.writes().len(), 2);
    });
}

/// What a card tells people to type does what it says, typed as it stands.
#[test]
fn a_command_that_is_shown_can_be_typed() {
    run_without_bot(Setup::automatic().token_admin(), async |world| {
        let lab = with_tokens_on_lab(world).await;
        lab.add_token("discord@pve!ci", "5c", true);
        started(world, &lab).await;
        let owner = world.person("owner");
        let wrong = owner.slash("/ct start lab/201").await.first().await;
        let start = told_to_type(&wrong);
        assert_eq!(start, "/vm start lab/201");
        owner.slash(&start).await.until("started").await;
        let none = owner.slash("/token delete discord@pve nix cluster:lab");
        let list = told_to_type(&none.await.first().await);
        let text = shown(&owner.slash(&list).await.first().await);
        assert!(text.contains("**ci**") && text.contains("lab"), "{text}");
        lab.fault(Fault {
            kind: FaultKind::DropAfterRequest,
            on: Match::any().method("POST").path("/token/"),
            times: Some(1),
        });
        let asked = owner
            .slash("/token create discord@pve new cluster:lab")
            .await;
        let unknown = owner.click(&asked.first().await, "Create it").await;
        let delete = told_to_type(&unknown.until("unknown").await);
        assert_eq!(delete, "/token delete discord@pve new cluster:lab");
        asked.until("Confirmed").await;
        let asked = owner.slash(&delete).await;
        let deleted = owner.click(&asked.first().await, "Delete it").await;
        deleted.until("is deleted").await;
        asked.until("Confirmed").await;
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

/// One name on two clusters is completed once, with both; where one is named, only with what is there.
#[test]
fn tokens_are_completed_with_their_clusters() {
    run_without_bot(Setup::automatic().token_admin(), async |world| {
        let lab = with_tokens_on_lab(world).await;
        lab.add_token("discord@pve!ci", "5c", true);
        started(world, &lab).await;
        let owner = world.person("owner");
        for (typed, wanted) in [
            (
                "/token delete discord@pve name:",
                &["ci · lab", "🤖 bot · home, lab · the bot's own"][..],
            ),
            (
                "/token delete discord@pve cluster:home name:",
                &["🤖 bot · never expires · the bot's own"],
            ),
        ] {
            let mut seen = Vec::new();
            for _ in 0..200 {
                let offered = owner.type_ahead(typed).await;
                seen = offered.into_iter().map(|choice| choice.name).collect();
                if seen == wanted {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(seen, wanted, "{typed}");
        }
    });
}

#[test]
fn one_cluster_can_be_looked_at_alone() {
    let rules = support::RULES.replace("\"tag:games\"", "\"lab/101\"");
    run_without_bot(Setup::automatic().rules(&rules), async |world| {
        let lab = with_lab(world).await;
        started(world, &lab).await;
        let (owner, max) = (world.person("owner"), world.person("max"));
        let both = shown(&owner.slash("/status").await.first().await);
        assert!(
            both.contains("valheim") && both.contains("runner"),
            "{both}"
        );
        let one = owner.slash("/status cluster:lab").await.first().await;
        let text = shown(&one);
        assert!(
            !text.contains("valheim") && text.contains("runner"),
            "{text}"
        );
        // The button asks for the same again.
        let again = owner.click(&one, "Refresh").await.settled().await;
        assert!(!again.text().contains("valheim"), "{}", again.text());
        let offered = max.type_ahead("/status cluster:").await;
        let offered: Vec<String> = offered.into_iter().map(|choice| choice.name).collect();
        assert_eq!(offered, ["lab"], "only where one sees anything");
        for hidden in ["home", "nowhere"] {
            let said = max.slash(&format!("/status cluster:{hidden}")).await;
            let said = shown(&said.first().await);
            let says = format!("⛔ No cluster {hidden} for you here\n│ There is: `lab`.");
            assert!(said.contains(&says), "{said}");
        }
    });
}
