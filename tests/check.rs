//! `pve-steward check`, against servers that are as strict as the real ones.

mod support;

use fake_discord::setup;
use support::binary::{ended, steward, text, told};
use support::{Setup, World, run_without_bot};

const ENDPOINTS: &str = "PVE_STEWARD__CLUSTER__HOME__ENDPOINTS";

/// What `check` says with these variables set, and its exit code.
async fn checked(world: &World, variables: &[(&str, &str)]) -> (String, Option<i32>) {
    let mut check = steward(world, &["check"]);
    told(check.envs(variables.iter().copied())).await
}

#[track_caller]
fn says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part}\n---\n{said}");
    }
}

#[test]
fn check_says_what_is_there_and_what_is_missing() {
    let mut setup = Setup::default();
    setup
        .px
        .acls
        .retain(|acl| !acl.privs.iter().any(|p| p == "VM.PowerMgmt"));
    run_without_bot(setup, async |world| {
        let output = ended(&mut steward(world, &["check"])).await;
        let told = text(&output.stdout);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{told}{}",
            text(&output.stderr)
        );
        for part in [
            "ok   home: Proxmox VE 9.2",
            "nodes pve1, pve2",
            "warn home: without VM.PowerMgmt on 8 guests (101, 102, 103, 104, 105, 106, 107, 108), this",
            "start, shutdown, reboot, suspend, resume, stop, reset",
            "warn home: without Sys.PowerMgmt on 2 nodes (pve1, pve2), this",
            "\n     pveum role add StewardVMPowerMgmt -privs VM.PowerMgmt\n",
            "\n     pveum acl modify /vms -user discord@pve -token 'discord@pve!bot' -role StewardVMAudit,",
            "ok   Discord: server 1000000000000000000 is Homelab",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
        assert_eq!(world.writes(), Vec::<String>::new());
        assert_eq!(world.dc.registrations(), 0, "it changes nothing");
    });
}

#[test]
fn check_fails_where_run_would() {
    run_without_bot(Setup::default(), async |world| {
        let wrong = world.dir.path().join("wrong.toml");
        std::fs::write(
            &wrong,
            "[discord]\ntoken = \"wrong\"\nguilds = [1000000000000000009]\n",
        )
        .unwrap();
        let wrong = wrong.display().to_string();
        let output = ended(&mut steward(world, &["--config", &wrong, "check"])).await;
        assert_eq!(output.status.code(), Some(78), "{}", text(&output.stdout));
        assert!(text(&output.stdout).contains("FAIL Discord: the token is not accepted"));
    });
}

#[test]
fn every_endpoint_has_a_line_and_a_dead_one_is_seen() {
    run_without_bot(Setup::default(), async |world| {
        let alive = world.px.url_of("pve1");
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        // Bound and never listening: nobody else gets the port, and nobody answers there.
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let dead = format!("https://{}", socket.local_addr().unwrap());
        let both = format!("{alive},{dead}");
        let (said, code) = checked(world, &[(ENDPOINTS, &both)]).await;
        assert_eq!(code, Some(0), "the bot goes on with the other\n{said}");
        says(
            &said,
            &[
                &format!("ok   home: {alive} answers"),
                &format!("warn home: {dead} refused the connection."),
                "Is the address right",
                "ok   home: Proxmox VE 9.2",
            ],
        );
        let (said, code) = checked(world, &[(ENDPOINTS, &dead)]).await;
        assert_eq!(code, Some(75), "{said}");
        says(
            &said,
            &[&format!("FAIL home: {dead} refused the connection.")],
        );
    });
}

/// What is wrong with it and the next step; the libraries' own words for those who ask for them.
#[test]
fn an_address_that_does_not_answer_is_told_in_words() {
    run_without_bot(Setup::default(), async |world| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let dead = format!("https://{}", socket.local_addr().unwrap());
        let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let no_tls = format!("https://{}", plain.local_addr().unwrap());
        tokio::spawn(async move {
            use tokio::io::AsyncWriteExt as _;
            while let Ok((mut stream, _)) = plain.accept().await {
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            }
        });
        for (url, why, raw) in [
            (
                dead.as_str(),
                "refused the connection.",
                "tcp connect error",
            ),
            (
                &no_tls,
                "answers, but not as Proxmox does.",
                "InvalidContentType",
            ),
            (
                "https://nonsense.invalid:8006",
                "is not known here by that name.",
                "dns error",
            ),
        ] {
            for words in [vec!["check"], vec!["fingerprint", url]] {
                let ask = async |verbose: &[&str]| {
                    let mut command = steward(world, &[&words, verbose].concat());
                    told(command.env(ENDPOINTS, url)).await
                };
                let (said, code) = ask(&[]).await;
                assert_eq!(code, Some(75), "{said}");
                says(&said, &[&format!("{url} {why}")]);
                for raw in [raw, "client error", "error sending", "not sent"] {
                    assert!(!said.contains(raw), "{raw}\n{said}");
                }
                says(&ask(&["-v"]).await.0, &[&format!("{url} {why}"), raw]);
            }
        }
        let (said, _) = told(&mut steward(world, &["fingerprint", &dead])).await;
        insta::assert_snapshot!(said.replace(&dead, "https://pve1:8006"), @"
        https://pve1:8006 refused the connection. Is the address right, and is it Proxmox that runs there?
        It listens on 8006; on the node: systemctl status pveproxy
        ");
    });
}

#[test]
fn a_certificate_of_nobody_we_know_says_what_to_set() {
    run_without_bot(Setup::default(), async |world| {
        let file = std::fs::read_to_string(&world.files[0]).unwrap();
        let untrusting: Vec<&str> = file.lines().filter(|l| !l.starts_with("ca_file")).collect();
        std::fs::write(&world.files[0], untrusting.join("\n")).unwrap();
        let (said, code) = checked(world, &[]).await;
        assert_eq!(code, Some(78), "{said}");
        says(&said, &["Set `ca_file` or `fingerprints` in [[cluster]]"]);
        std::fs::write(&world.files[0], file).unwrap();

        let other = fake_proxmox::Cluster::start(fake_proxmox::Setup::home());
        let other = other.await.unwrap().ca_pem();
        std::fs::write(world.dir.path().join("ca.pem"), other).unwrap();
        let (said, code) = checked(world, &[]).await;
        assert_eq!(code, Some(78), "{said}");
        says(&said, &["/etc/pve/pve-root-ca.pem"]);

        let pin = "ab".repeat(32);
        let (said, _) = checked(world, &[("PVE_STEWARD__CLUSTER__HOME__FINGERPRINTS", &pin)]).await;
        says(
            &said,
            &["none of those in `fingerprints`", "pvenode cert info"],
        );
    });
}

#[test]
fn a_folder_of_state_that_cannot_be_used_fails() {
    run_without_bot(Setup::default(), async |world| {
        let nowhere = [("PVE_STEWARD__BOT__STATE_DIR", "/proc/nothing/here")];
        let (said, code) = checked(world, &nowhere).await;
        assert_eq!(code, Some(78), "{said}");
        says(
            &said,
            &[
                "FAIL state: /proc/nothing/here cannot be used",
                "`state_dir` in [bot]",
            ],
        );
        let (said, _) = checked(world, &[]).await;
        says(&said, &["state is not there yet; the bot will make it"]);
    });
}

#[test]
fn a_node_that_is_off_and_a_lost_quorum_are_warnings() {
    run_without_bot(Setup::default(), async |world| {
        world.px.set_quorate(false);
        assert!(world.px.fault_by_name("node-down"));
        let (said, code) = checked(world, &[]).await;
        assert_eq!(code, Some(0), "{said}");
        says(
            &said,
            &[
                "warn home: node pve2 is not online",
                "no quorum: nothing can be started",
            ],
        );
    });
}

#[test]
fn a_server_that_the_bot_is_not_in_and_a_discord_that_is_away() {
    run_without_bot(Setup::default(), async |world| {
        let elsewhere = [("PVE_STEWARD__DISCORD__GUILDS", "1000000000000000777")];
        let (said, code) = checked(world, &elsewhere).await;
        assert_eq!(code, Some(78), "{said}");
        says(
            &said,
            &[
                "the bot is not in server 1000000000000000777",
                "Installation",
            ],
        );
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let host = socket.local_addr().unwrap().to_string();
        let url = format!("http://{host}");
        let (said, code) = checked(world, &[("PVE_STEWARD__DISCORD__API_URL", &url)]).await;
        assert_eq!(code, Some(75), "{said}");
        says(
            &said,
            &[&format!("no usable answer from {host}"), "refused"],
        );
    });
}

#[test]
fn a_rule_that_does_nothing_is_named_with_its_place() {
    let rules = format!(
        "{}[[allow]]\nwho = [\"friends\"]\nactions = [\"view\"]\nguests = [\"tag:gmaes\"]\n\
         [[ask]]\nwho = [\"friends\"]\nactions = [\"start\"]\nguests = [\"tag:prod\"]\n",
        support::RULES
    );
    run_without_bot(Setup::default().rules(&rules), async |world| {
        let (said, code) = checked(world, &[]).await;
        assert_eq!(code, Some(0), "{said}");
        says(
            &said,
            &[
                "this [[allow]] gives nothing now",
                "is tag:gmaes",
                "this [[ask]] gives nothing now: all of it is denied by",
                "steward.toml:",
            ],
        );
        assert_eq!(said.matches("nothing now").count(), 2, "{said}");
    });
}

/// An `[[ask]]` without a channel, and nobody among the people who could decide it.
#[test]
fn requests_that_would_reach_nobody_are_named_with_the_next_step() {
    let ask = "[[ask]]\nwho = [\"friends\"]\nactions = [\"start\", \"stop\"]\n\
               guests = [\"tag:lab\", \"103\"]\n";
    let with = |rules: &str, discord: &str| {
        let mut setup = Setup::default().rules(rules);
        discord.clone_into(&mut setup.discord);
        setup
    };
    let all = format!("{}{ask}", support::RULES);
    let no_stop = all.replace(
        "actions = [\"*\"]\nguests = [\"*\"]\nnodes",
        "actions = [\"access\", \"start\"]\nguests = [\"*\"]\nnodes",
    );
    let no_access = all.replace(
        "actions = [\"*\"]\nguests = [\"*\"]\nnodes",
        "actions = [\"power\", \"force\"]\nguests = [\"*\"]\nnodes",
    );
    let own = all.replace(
        "who = [\"friends\"]\nactions = [\"start\", \"stop\"]",
        "who = [\"owner\"]\nactions = [\"stop\"]",
    );
    for (rules, discord, told) in [
        (&all, "", None),
        (&no_stop, "", Some("asks for stop under this [[ask]]")),
        (
            &no_access,
            "",
            Some("asks for start, stop under this [[ask]]"),
        ),
        (&own, "", Some("asks for stop under this [[ask]]")),
        (&no_access, "approvals_channel = 1100000000000000001", None),
    ] {
        run_without_bot(with(rules, discord), async |world| {
            let (said, code) = checked(world, &[]).await;
            assert_eq!(code, Some(0), "{said}");
            match told {
                Some(told) => says(
                    &said,
                    &[
                        told,
                        "steward.toml:",
                        "103 nextcloud",
                        "105 web-lab",
                        "Set the channel",
                    ],
                ),
                None => assert!(!said.contains("reaches nobody"), "{said}"),
            }
        });
    }
}

#[test]
fn ids_that_discord_does_not_know_are_named_with_where_they_stand() {
    let rules = support::RULES
        .replace("[people]", "[people]\nghost = 184405311681986999")
        .replace("[roles]", "[roles]\nnobodies = 290926798626357999")
        .replace(
            "guests = [\"tag:games\"]",
            "guests = [\"tag:games\"]\nchannels = [42]",
        );
    let mut start = Setup::default().rules(&rules);
    start.discord = "channels = [1100000000000000000, 1100000000000000008]\n\
        alerts_channel = 1100000000000000002\n\
        audit_channel = 1100000000000000003\n\
        approvals_channel = 1100000000000000009"
        .to_owned();
    for (id, has) in [(setup::ALERTS, 0), (setup::AUDIT, setup::VIEW_CHANNEL)] {
        let channel = start
            .dc
            .channels
            .iter_mut()
            .find(|channel| channel.id == id);
        channel.unwrap().bot_permissions = Some(has);
    }
    run_without_bot(start, async |world| {
        let (said, code) = checked(world, &[]).await;
        assert_eq!(code, Some(0), "{said}");
        says(
            &said,
            &[
                "too short for an id of Discord",
                "warn Discord: `ghost` in [people] (184405311681986999) is in none of the servers",
                "warn Discord: `nobodies` in [roles] (290926798626357999) is a role of none",
                "warn Discord: channel 42 (",
                "steward.toml:",
                "channel 1100000000000000002 (alerts_channel) the bot lacks View Channel.",
                "channel 1100000000000000003 (audit_channel) the bot lacks Send Messages, Embed Links",
                "channel 1100000000000000009 (approvals_channel) is in none of the servers in `guilds`",
            ],
        );
        for well in ["`owner`", "`friends`", "(channels)"] {
            assert!(!said.contains(well), "{well}\n{said}");
        }
    });
}

/// What nothing else that the bot has can do, is said each time.
#[test]
fn the_token_for_tokens_is_called_as_good_as_root() {
    run_without_bot(Setup::default().token_admin(), async |world| {
        let (said, code) = checked(world, &[]).await;
        assert_eq!(code, Some(0), "{said}");
        says(
            &said,
            &[
                "warn home: token steward@pve!admin is for /token",
                "that is as good as root",
            ],
        );
        assert!(!said.contains("admin lacks"), "{said}");
        world.px.clear_acls(support::ADMIN_TOKEN);
        let roles = ["PermissionsModify", "SysAudit", "UserModify"];
        for role in roles {
            let gone = format!("pveum role delete Steward{role}");
            world.px.pveum(&gone).unwrap();
        }
        let (said, _) = checked(world, &[]).await;
        says(
            &said,
            &[
                "lacks User.Modify on /access/groups: no token can be seen, made or deleted",
                "lacks Permissions.Modify on /: no token can be given roles",
                "lacks Sys.Audit on /access",
            ],
        );
        // Whoever does as it says has mended it.
        for role in roles {
            let adds = |line: &&str| line.contains(&format!("pveum role add Steward{role} "));
            world
                .px
                .pveum(said.lines().find(adds).unwrap().trim())
                .unwrap();
        }
        let gives = |line: &&str| line.contains("steward@pve!admin' -role");
        for line in said.lines().filter(gives) {
            world.px.pveum(line.trim()).unwrap();
        }
        let (said, _) = checked(world, &[]).await;
        assert!(!said.contains("admin lacks"), "{said}");
        world.px.remove_token(support::ADMIN_TOKEN);
        let (said, code) = checked(world, &[]).await;
        assert_eq!(code, Some(0), "the bot comes up without it: {said}");
        says(
            &said,
            &[
                "warn home: token steward@pve!admin, for /token",
                "admin_token_id",
            ],
        );
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}

/// Root types what `check` prints.
fn typed(world: &World, said: &str) {
    let lines = said.lines().map(str::trim_start);
    for line in lines.filter(|line| line.starts_with("pveum ")) {
        world
            .px
            .pveum(line)
            .unwrap_or_else(|why| panic!("{line}: {why}\n{said}"));
    }
}

const CAN_ALL: &str =
    "ok   home: the token can do all that rules allow anybody on 8 guests and 2 nodes";

#[test]
fn the_lines_that_it_prints_mend_what_is_missing() {
    run_without_bot(Setup::default(), async |world| {
        // Some guests have roles of their own, which would hide what is given to all of them.
        let (said, code) = checked(world, &[]).await;
        assert_eq!(code, Some(0), "{said}");
        assert!(!said.contains("can do all"), "{said}");
        typed(world, &said);
        let (said, code) = checked(world, &[]).await;
        says(&said, &[CAN_ALL]);
        let well = (said.contains("warn home"), code);
        assert_eq!(well, (false, Some(0)), "{said}");
    });
}

#[test]
fn roles_of_a_guests_own_hide_what_all_have() {
    let mut setup = Setup::default();
    setup.px.acls.retain(|acl| acl.path == "/");
    run_without_bot(setup, async |world| {
        let (said, _) = checked(world, &[]).await;
        says(&said, &["pveum acl modify /vms -user"]);
        typed(world, &said);
        says(&checked(world, &[]).await.0, &[CAN_ALL]);
        let both = "-user discord@pve -token 'discord@pve!bot'";
        let own = format!("pveum acl modify /vms/103 {both} -role PVEAuditor");
        world.px.pveum(&own).unwrap();
        let (said, _) = checked(world, &[]).await;
        says(
            &said,
            &[
                "without VM.PowerMgmt on guest 103, this",
                "pveum acl modify /vms/103 -user",
            ],
        );
        assert!(!said.contains("pveum acl modify /vms -"), "{said}");
        typed(world, &said);
        says(&checked(world, &[]).await.0, &[CAN_ALL]);
    });
}

/// What a pool gives is added and hides nothing: what is given to all guests reaches those in it.
#[test]
fn a_line_for_all_guests_is_enough_for_those_in_a_pool() {
    let mut setup = Setup::default();
    setup.px.acls.retain(|acl| acl.path == "/");
    for guest in &mut setup.px.guests {
        guest.pool = (guest.vmid < 105).then(|| "discord".to_owned());
    }
    run_without_bot(setup, async |world| {
        let both = "-user discord@pve -token 'discord@pve!bot'";
        let pool = format!("pveum acl modify /pool/discord {both} -role PVEVMUser");
        world.px.pveum(&pool).unwrap();
        let (said, _) = checked(world, &[]).await;
        says(&said, &["pveum acl modify /vms -user"]);
        assert!(!said.contains("pveum acl modify /vms/"), "{said}");
        typed(world, &said);
        says(&checked(world, &[]).await.0, &[CAN_ALL]);
    });
}

#[test]
fn a_token_without_anything_is_told_what_it_needs() {
    let mut setup = Setup::default();
    setup.px.acls.clear();
    run_without_bot(setup, async |world| {
        let (said, code) = checked(world, &[]).await;
        assert_eq!(code, Some(78), "{said}");
        says(
            &said,
            &[
                "FAIL home: token discord@pve!bot has no privileges at all",
                "warn home: without Sys.Audit on /, nobody is told whether the cluster has quorum",
                "warn home: without VM.Audit on /vms, guests that come later, or that are hidden",
            ],
        );
        typed(world, &said);
        // Only now it sees where backups can go.
        let (said, _) = checked(world, &[]).await;
        let storages = "without Datastore.AllocateSpace on 2 storages (local, nas)";
        says(&said, &[storages]);
        typed(world, &said);
        let (said, code) = checked(world, &[]).await;
        says(&said, &[CAN_ALL]);
        assert_eq!(code, Some(0), "{said}");
    });
}

#[test]
fn what_no_rule_takes_is_warned_about() {
    let rules = support::RULES.replace(
        "actions = [\"*\"]\nguests = [\"*\"]\nnodes",
        "actions = [\"view\", \"start\"]\nguests = [\"*\"]\nnodes",
    );
    run_without_bot(Setup::default().rules(&rules), async |world| {
        let all = "pveum acl modify / -user discord@pve -token 'discord@pve!bot' -role Mighty";
        let much = "VM.Allocate,Permissions.Modify,VM.GuestAgent.Unrestricted";
        world
            .px
            .pveum(&format!("pveum role add Mighty -privs {much}"))
            .unwrap();
        world.px.pveum(all).unwrap();
        let (said, code) = checked(world, &[]).await;
        assert_eq!(code, Some(0), "{said}");
        says(
            &said,
            &[
                "could do more than these rules ever take: Permissions.Modify VM.Allocate VM.GuestAgent.Unrestricted VM.Snapshot.",
            ],
        );
    });
}

#[test]
fn a_token_of_the_superuser_is_warned_about() {
    let mut setup = Setup::default();
    setup.px.tokens[0].id = "root@pam!bot".into();
    setup.px.tokens[0].privsep = false;
    run_without_bot(setup, async |world| {
        let (said, code) = checked(world, &[]).await;
        assert_eq!(code, Some(0), "{said}");
        says(
            &said,
            &[
                CAN_ALL,
                "warn home: root@pam!bot is a token of root",
                "could do more than these rules ever take: Datastore.Allocate ",
            ],
        );
    });
}

#[test]
fn a_guest_that_only_its_number_names_is_told_of_though_nobody_sees_it() {
    let rules = "[people]\nowner = 184405311681986560\n[[allow]]\nwho = [\"owner\"]\n\
        actions = [\"view\"]\nguests = [\"101\", \"104\", \"tag:prod\"]\n";
    let mut setup = Setup::default().rules(rules);
    setup.px.acls.clear();
    run_without_bot(setup, async |world| {
        for line in [
            "pveum role add Look -privs VM.Audit,VM.GuestAgent.Audit",
            "pveum acl modify /vms/101 -user discord@pve -token 'discord@pve!bot' -role Look",
            "pveum acl modify / -propagate 0 -user discord@pve -token 'discord@pve!bot' -role PVEAuditor",
        ] {
            world.px.pveum(line).unwrap();
        }
        let (said, _) = checked(world, &[]).await;
        says(
            &said,
            &[
                "warn home: without VM.Audit on guest 104, nothing of it can be seen or done",
                "pveum acl modify /vms/104 -user",
                "ok   home: the token sees 1 guest, and would not see others: for it `tag:prod`",
            ],
        );
        assert!(!said.contains("/vms/101"), "{said}");
    });
}

#[test]
fn thousands_of_guests_are_few_lines() {
    let rules = format!(
        "{}[[deny]]\nwho = [\"owner\"]\nactions = [\"audit\", \"stop\"]\nguests = [\"tag:none\"]\n",
        support::RULES
    );
    let mut setup = Setup::default().rules(&rules);
    let more = (1000..3000).map(|vmid| fake_proxmox::Guest::vm(vmid, &format!("vm{vmid}"), "pve1"));
    setup.px.guests.extend(more);
    run_without_bot(setup, async |world| {
        let (said, _) = checked(world, &[]).await;
        says(
            &said,
            &[
                "without VM.Backup on 2008 guests (101, 102, ",
                " and 2000 more), this",
            ],
        );
        assert!(said.lines().count() < 60, "{said}");
        let page = told(steward(world, &["pveum"]).arg("--by").arg("guest"))
            .await
            .0;
        assert!(page.contains("pveum acl modify /vms "), "{page}");
    });
}

#[test]
fn scripts_get_one_object_and_a_code() {
    run_without_bot(Setup::default(), async |world| {
        let output = ended(&mut steward(world, &["check", "--json", "--strict"])).await;
        assert_eq!(output.status.code(), Some(1), "there are warnings");
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["exit"], 1);
        let findings = said["findings"].as_array().unwrap();
        for finding in findings {
            let fields: Vec<&String> = finding.as_object().unwrap().keys().collect();
            assert_eq!(fields, ["area", "grade", "lines", "text"]);
        }
        let with_lines = findings
            .iter()
            .find(|one| one["lines"][0].is_string())
            .unwrap();
        assert_eq!(with_lines["area"], "cluster");
        assert_eq!(with_lines["grade"], "warning");
        let line = with_lines["lines"][0].as_str().unwrap();
        assert!(line.starts_with("pveum role add Steward"), "{line}");
        let areas = ["configuration", "state", "cluster", "discord"];
        for area in areas {
            assert!(findings.iter().any(|one| one["area"] == area), "{area}");
        }
        // Whoever has mended it all gets a zero.
        for finding in findings {
            for line in finding["lines"].as_array().unwrap() {
                world.px.pveum(line.as_str().unwrap()).unwrap();
            }
        }
        let output = ended(&mut steward(world, &["check", "--json", "--strict"])).await;
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}");
    });
}
