//! The configuration as an owner meets it: files and variables in, a configuration or all mistakes
//! out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::fs;
use std::path::{Path, PathBuf};

use pve_steward::action::Right;
use pve_steward::config::{Acts, Loaded, Problem, Trust, load};

const UUID: &str = "12345678-1234-1234-1234-123456789abc";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn with(files: &[PathBuf], variables: &[(&str, &str)]) -> Result<Loaded, Vec<Problem>> {
    let variables = variables
        .iter()
        .map(|(name, value)| (format!("PVE_STEWARD__{name}"), (*value).to_owned()));
    load(files, variables)
}

/// A folder with one small configuration that loads, to be changed by tests.
struct Folder(tempfile::TempDir);

const SMALL: &str = r#"
[discord]
token_file = "token"
guilds = [1000000000000000000]
[[cluster]]
name = "home"
endpoints = ["https://192.0.2.11:8006"]
token_id = "discord@pve!bot"
token_secret_file = "secret"
[people]
owner = 184405311681986560
[[allow]]
who = ["owner"]
actions = ["view"]
guests = ["*"]
"#;

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.secret("token", "discord-token\n");
        folder.secret("secret", &format!("{UUID}\r\n"));
        folder
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, text);
        chmod(&path, 0o600);
        path
    }

    /// Loads texts as files on top of each other; places lose the folder.
    fn load(&self, texts: &[&str], variables: &[(&str, &str)]) -> Result<Loaded, String> {
        let write = |(at, text): (usize, &&str)| self.write(&format!("{at}.toml"), text);
        let files: Vec<_> = texts.iter().enumerate().map(write).collect();
        with(&files, variables).map_err(|problems| self.lines(&problems))
    }

    fn lines(&self, problems: &[Problem]) -> String {
        lines(problems).replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[cfg(unix)]
fn chmod(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn example_loads_as_it_stands() {
    let loaded = with(
        &[repository("config/example.toml")],
        &[
            ("DISCORD__TOKEN", "t"),
            ("CLUSTER__HOME__TOKEN_SECRET", UUID),
        ],
    )
    .unwrap_or_else(|problems| panic!("{}", lines(&problems)));
    assert_eq!(lines(&loaded.warnings), "");
    assert_eq!(
        loaded.config.bot.state_dir,
        Path::new("/var/lib/pve-steward")
    );
    assert_eq!(loaded.config.bot.acts, Acts::Public);
    assert_eq!(loaded.config.clusters[0].trust, Trust::SystemRoots);
}

#[test]
fn example_names_every_key() {
    let path = repository("config/example.toml");
    let text = fs::read_to_string(&path).unwrap();
    let loaded = with(
        &[path],
        &[
            ("DISCORD__TOKEN", "t"),
            ("CLUSTER__HOME__TOKEN_SECRET", UUID),
        ],
    );
    let mut section = String::new();
    let mut written = Vec::new();
    for line in text.lines() {
        let bare = line.trim_start_matches("# ").trim_end();
        if line.starts_with('[') {
            let name = line.trim_matches(['[', ']']);
            section = if line.starts_with("[[") {
                format!("{name}[]")
            } else {
                name.to_owned()
            };
            written.push(section.clone());
        } else if let Some((key, _)) = bare.split_once(" = ") {
            written.push(format!("{section}.{key}"));
        }
    }
    for key in loaded.unwrap().keys {
        assert!(
            written.contains(&key),
            "config/example.toml says nothing of `{key}`"
        );
    }
}

#[test]
fn demo_loads_and_takes_what_it_is_given() {
    let pin = "ab".repeat(32);
    let loaded = with(
        &[repository("config/demo.toml")],
        &[
            ("DISCORD__API_URL", "http://127.0.0.1:4000"),
            ("DISCORD__TOKEN", "fake"),
            ("BOT__STATE_DIR", "/tmp/demo"),
            (
                "CLUSTER__HOME__ENDPOINTS",
                "https://127.0.0.1:1,https://127.0.0.1:2",
            ),
            ("CLUSTER__HOME__FINGERPRINTS", &pin),
            ("CLUSTER__HOME__TOKEN_SECRET", UUID),
        ],
    );
    let config = loaded
        .unwrap_or_else(|problems| panic!("{}", lines(&problems)))
        .config;
    assert_eq!(
        config.discord.api_url.as_deref(),
        Some("http://127.0.0.1:4000")
    );
    assert_eq!(config.bot.state_dir, Path::new("/tmp/demo"));
    assert_eq!(config.clusters.len(), 1);
    assert_eq!(
        config.clusters[0].endpoints,
        ["https://127.0.0.1:1", "https://127.0.0.1:2"]
    );
    assert_eq!(
        config.clusters[0].trust,
        Trust::Fingerprints(vec![[0xab; 32]])
    );
    assert_eq!(
        config.allow[1].words,
        ["view", "start", "shutdown", "reboot"]
    );
    assert_eq!(config.deny[0].nodes, None);
    assert!(
        with(&[repository("config/demo.toml")], &[]).is_ok(),
        "the placeholders load"
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_order_and_without_secrets() {
    let path = repository("tests/data/config/mistakes.toml");
    let problems = with(&[path], &[]).unwrap_err();
    let folder = format!("{}/", repository("tests/data/config").display());
    let told = lines(&problems).replace(&folder, "");
    assert!(!told.contains("s3cret"), "{told}");
    insta::assert_snapshot!(told, @r#"
    mistakes.toml:2: discord.tokne: unknown key; did you mean `token`?
    mistakes.toml:4: discord.token_file: is set beside `token`: keep one of the two
    mistakes.toml:5: discord.guilds[1]: must be a Discord id, a number of up to 20 digits (switch on Developer Mode in Discord, then Copy ID)
    mistakes.toml:6: discord.channels: must be a list in square brackets, such as ["one", "two"]
    mistakes.toml:7: discord.api_url: must be https://host or https://host:port without a path (http only for 127.0.0.1, [::1] and localhost)
    mistakes.toml:8: discord.alerts_channel: must be a Discord id, a number of up to 20 digits (switch on Developer Mode in Discord, then Copy ID)
    mistakes.toml:11: bot.acts: must be "public" or "private"
    mistakes.toml:12: bot.state_dir: must be a text in quotes
    mistakes.toml:15: cluster[0].name: must be lower-case letters and digits, beginning with a letter, such as "home"
    mistakes.toml:16: cluster[0].endpoints[0]: must be https://host:8006: https only, without user, password or path (a token sent over http could be read by everybody on the way)
    mistakes.toml:16: cluster[0].endpoints[1]: must be https://host:8006: https only, without user, password or path (a token sent over http could be read by everybody on the way)
    mistakes.toml:17: cluster[0].token_id: must be only user@realm!tokenid; the part after `=` is the secret and belongs into token_secret_file
    mistakes.toml:18: cluster[0].token_secret_file: empty is empty
    mistakes.toml:19: cluster[0].ca_file: mistakes.toml holds no certificate; it must be the cluster's /etc/pve/pve-root-ca.pem
    mistakes.toml:20: cluster[0].verify: unknown key; known are name, endpoints, token_id, token_secret, token_secret_file, ca_file, fingerprints, admin_token_id, admin_token_secret, admin_token_secret_file
    mistakes.toml:22: cluster.lab.admin_token_secret_file: is missing: the path of a file that holds the secret and nothing else
    mistakes.toml:22: cluster.lab.token_id: is missing: user@realm!tokenid, such as "discord@pve!bot"
    mistakes.toml:24: cluster.lab.endpoints: is an empty list: name at least one, or take the key out
    mistakes.toml:25: cluster.lab.token_secret: must be one word, without spaces or line breaks in it
    mistakes.toml:26: cluster.lab.fingerprints[0]: must be a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons (pvenode cert info)
    mistakes.toml:29: cluster[2].name: there is a cluster of this name already, at mistakes.toml:22: write all of it there, or set single keys by variables
    mistakes.toml:33: people.owner: must be a Discord id, a number of up to 20 digits (switch on Developer Mode in Discord, then Copy ID)
    mistakes.toml:38: roles.friends: is a name in [people] as well; one of them needs another
    mistakes.toml:39: roles.all: is the id of the server itself, whose role is @everyone: give a role of its own to those who may do something
    mistakes.toml:42: allow[0].who[0]: `ownr` is not in [people] or [roles]; did you mean `owner`?
    mistakes.toml:42: allow[0].who[1]: `frends` is not in [people] or [roles]; did you mean `friends`?
    mistakes.toml:42: allow[0].who[2]: `184405311681986560` is not in [people] or [roles]: give the id a name there
    mistakes.toml:43: allow[0].actions[0]: unknown action `strat`; did you mean `start`? Known are view, start, shutdown, reboot, suspend, resume, stop, reset, snapshot.create, snapshot.rollback, snapshot.delete, backup.view, backup.run, task.view, task.stop, node.reboot, node.shutdown, node.wake, token, access, audit, power, force, snapshot.*, backup.*, task.*, node.*, *
    mistakes.toml:43: allow[0].actions[1]: this version has no `panel`
    mistakes.toml:43: allow[0].actions[2]: unknown action `fly`; known are view, start, shutdown, reboot, suspend, resume, stop, reset, snapshot.create, snapshot.rollback, snapshot.delete, backup.view, backup.run, task.view, task.stop, node.reboot, node.shutdown, node.wake, token, access, audit, power, force, snapshot.*, backup.*, task.*, node.*, *
    mistakes.toml:44: allow[0].guests: is an empty list: name at least one, or take the key out
    mistakes.toml:45: allow[0].hours: must be two times of day such as "16:00-23:30" (over midnight: "22:00-02:00")
    mistakes.toml:46: allow[0].limit: must be a number per time, such as "5 per hour" or "3 per 15 min"
    mistakes.toml:47: allow[0].ask: unknown key; known are who, actions, guests, nodes, channels, confirm, hours, limit, cooldown
    mistakes.toml:49: allow[1].actions: is missing: what may be done, such as ["view", "start"]
    mistakes.toml:49: allow[1].who: is missing: names of [people] and [roles], such as ["owner"]
    mistakes.toml:50: allow[1].guests: must be a list in square brackets, such as ["one", "two"]
    mistakes.toml:51: allow[1].channels[0]: must be a Discord id, a number of up to 20 digits (switch on Developer Mode in Discord, then Copy ID)
    mistakes.toml:52: allow[1].confirm[1]: this version has no `alert`
    mistakes.toml:57: deny[0].channels: a rule [[deny]] takes only who, actions, guests and nodes
    mistakes.toml:59: ask[0]: nobody can ask for `backup.view`, only for things to be done to a guest
    mistakes.toml:59: ask[0]: nobody can ask for `access`, only for things to be done to a guest
    mistakes.toml:59: ask[0].guests: is missing: the guests that one may ask for, such as ["tag:lab"]
    mistakes.toml:62: ask[0].hours: a rule [[ask]] takes only who, actions and guests
    mistakes.toml:64: allows: unknown section; did you mean `allow`?
    "#);
}

#[test]
fn broken_toml_is_not_quoted() {
    let folder = Folder::new();
    let told = folder
        .load(&["[discord]\ntoken = \"s3cret\nguilds = [1\n"], &[])
        .unwrap_err();
    assert!(
        told.starts_with("0.toml:2: is not valid TOML here: "),
        "{told}"
    );
    assert!(!told.contains("s3cret"), "{told}");
    let missing = with(&["no/such.toml".into()], &[]).unwrap_err();
    assert!(
        lines(&missing).starts_with("no/such.toml: cannot be read: "),
        "{missing:?}"
    );
}

#[test]
fn nothing_at_all_is_told_as_what_is_missing() {
    insta::assert_snapshot!(Folder::new().load(&[""], &[]).unwrap_err(), @r#"
    allow: is missing: without a rule [[allow]] nobody may do anything
    cluster: is missing: a section [[cluster]] with name, endpoints, token_id and token_secret_file
    discord.guilds: is missing: the ids of the Discord servers in which the bot listens, such as [1000000000000000000]
    discord.token_file: is missing: the path of a file that holds the secret and nothing else
    "#);
}

#[test]
fn later_files_win_and_lists_of_sections_grow() {
    let folder = Folder::new();
    let second = r#"
        [discord]
        guilds = ["2", 3_0]
        [bot]
        acts = "private"
        state_dir = "state"
        [[cluster]]
        name = "lab"
        endpoints = ["https://192.0.2.21:8006/"]
        token_id = "discord@pve!bot"
        token_secret_file = "secret"
        [roles]
        friends = "20"
        [[allow]]
        who = ["friends"]
        actions = ["power", "start"]
        guests = [101, "tag:games"]
        confirm = ["start"]
        [[deny]]
        who = ["owner"]
        actions = ["force"]
        nodes = ["pve1"]
    "#;
    let config = folder.load(&[SMALL, second], &[]).unwrap().config;
    assert_eq!(
        config
            .discord
            .guilds
            .iter()
            .map(|id| id.0)
            .collect::<Vec<_>>(),
        [2, 30]
    );
    assert_eq!(config.discord.token.expose(), "discord-token");
    assert_eq!(config.bot.acts, Acts::Private);
    assert_eq!(config.bot.state_dir, folder.0.path().join("state"));
    let names: Vec<_> = config
        .clusters
        .iter()
        .map(|cluster| cluster.name.as_str())
        .collect();
    assert_eq!(names, ["home", "lab"]);
    assert_eq!(config.clusters[1].endpoints, ["https://192.0.2.21:8006"]);
    assert_eq!(config.clusters[1].token_secret.expose(), UUID);
    let [_, rule] = &config.allow[..] else {
        panic!("{:?}", config.allow)
    };
    assert_eq!(rule.actions, Right::named("power").unwrap());
    assert_eq!(rule.guests, ["101", "tag:games"]);
    assert_eq!(rule.confirm, [Right::Start]);
    assert!(rule.place.file.ends_with("1.toml"));
    assert_eq!(rule.place.line, 14);
    assert_eq!(config.deny[0].guests, None);
    assert_eq!(
        config.deny[0].nodes.as_deref(),
        Some(&["pve1".to_owned()][..])
    );
}

#[test]
fn the_same_cluster_twice_is_a_mistake() {
    let folder = Folder::new();
    let again = "[[cluster]]\nname = \"home\"\n";
    let told = folder.load(&[SMALL, again], &[]).unwrap_err();
    assert!(
        told.starts_with(
            "1.toml:1: cluster[0].name: there is a cluster of this name already, at 0.toml:5"
        ),
        "{told}"
    );
}

#[test]
fn variables_win_over_files() {
    let folder = Folder::new();
    let variables = [
        ("DISCORD__TOKEN", "00123e5"),
        ("discord__guilds", "7, \"8\",,9"),
        ("DISCORD__CHANNELS", ""),
        ("CLUSTER__LAB__ENDPOINTS", "https://192.0.2.21:8006"),
        ("CLUSTER__LAB__TOKEN_ID", "a@pve!lab"),
        ("CLUSTER__LAB__TOKEN_SECRET", UUID),
    ];
    let told = folder.load(&[SMALL], &variables).unwrap_err();
    assert!(
        told.starts_with("$PVE_STEWARD__discord__guilds: discord.guilds[1]: must be"),
        "{told}"
    );

    let variables = [
        &variables[..1],
        &[("discord__guilds", "7, 9,")],
        &variables[2..],
    ]
    .concat();
    let config = folder.load(&[SMALL], &variables).unwrap().config;
    assert_eq!(config.discord.token.expose(), "00123e5");
    assert_eq!(
        config
            .discord
            .guilds
            .iter()
            .map(|id| id.0)
            .collect::<Vec<_>>(),
        [7, 9]
    );
    assert!(config.discord.channels.is_empty());
    assert_eq!(config.clusters[1].name.as_str(), "lab");
    assert_eq!(config.clusters[1].token_id, "a@pve!lab");
}

#[test]
fn variables_that_would_do_nothing_or_too_much() {
    let folder = Folder::new();
    let told = folder
        .load(
            &[SMALL],
            &[
                ("ALLOW__0__WHO", "owner"),
                ("PEOPLE__EVE", "66"),
                ("CLUSTER__HOME", "x"),
                ("CLUSTER__HOME__NAME", "other"),
                ("CLUSTER__HOEM__TOKEN_SECRET", UUID),
                ("DISCORD__TOKNE", "s3cret"),
                ("DISCROD__TOKEN", "s3cret"),
                ("DISCORD__TOKEN", "s3cret"),
                ("DISCORD__TOKEN_FILE", "elsewhere"),
            ],
        )
        .unwrap_err();
    assert!(!told.contains("s3cret"), "{told}");
    insta::assert_snapshot!(told, @r#"
    $PVE_STEWARD__ALLOW__0__WHO: allow.0.who: people, roles and rules stand only in files
    $PVE_STEWARD__CLUSTER__HOEM__TOKEN_SECRET: cluster.hoem: no file has a cluster `hoem`; did you mean `home`?
    $PVE_STEWARD__CLUSTER__HOEM__TOKEN_SECRET: cluster.hoem.endpoints: is missing: the addresses of the cluster's nodes, such as ["https://192.0.2.11:8006"]
    $PVE_STEWARD__CLUSTER__HOEM__TOKEN_SECRET: cluster.hoem.token_id: is missing: user@realm!tokenid, such as "discord@pve!bot"
    $PVE_STEWARD__CLUSTER__HOME: cluster.home: must be PVE_STEWARD__CLUSTER__<NAME>__<KEY>
    $PVE_STEWARD__CLUSTER__HOME__NAME: cluster.home.name: a cluster is named in its file, or by the variable's own name
    $PVE_STEWARD__DISCORD__TOKEN_FILE: discord.token_file: is set beside `token`: keep one of the two
    $PVE_STEWARD__DISCORD__TOKNE: discord.tokne: unknown key; did you mean `token`?
    $PVE_STEWARD__DISCROD__TOKEN: discrod.token: unknown section; did you mean `discord`?
    $PVE_STEWARD__PEOPLE__EVE: people.eve: people, roles and rules stand only in files
    "#);
    let slip = [("PVE_STEWARD_DISCORD_TOKEN".to_owned(), "s3cret".to_owned())];
    let loaded = load(&[folder.write("a.toml", SMALL)], slip.into_iter()).unwrap();
    assert!(
        lines(&loaded.warnings).contains("two underscores"),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn secrets_are_read_trimmed_and_never_shown() {
    let folder = Folder::new();
    let loaded = folder.load(&[SMALL], &[]).unwrap();
    assert_eq!(loaded.config.discord.token.expose(), "discord-token");
    assert_eq!(loaded.config.clusters[0].token_secret.expose(), UUID);
    assert_eq!(loaded.warnings, []);
    let shown = format!("{loaded:?}");
    assert!(
        !shown.contains("discord-token") && !shown.contains(UUID),
        "{shown}"
    );

    let slip = [
        ("DISCORD__TOKEN_FILE", "MTk4.s3cret"),
        ("CLUSTER__HOME__TOKEN_SECRET_FILE", "no/such"),
    ];
    let told = folder.load(&[SMALL], &slip).unwrap_err();
    assert!(
        told.contains("the file of this name in the working directory cannot be read"),
        "{told}"
    );
    assert!(
        told.contains("did you mean `token`?") && told.contains("install -m 600 /dev/null no/such"),
        "{told}"
    );
    assert!(!told.contains("s3cret"), "{told}");

    folder.secret("token", "\"MTk4.s3cret\"\n");
    let told = folder.load(&[SMALL], &[]).unwrap_err();
    assert!(
        told.contains("stands in quotes") && !told.contains("s3cret"),
        "{told}"
    );
    folder.secret("token", " \n");
    let told = folder.load(&[SMALL], &[]).unwrap_err();
    assert_eq!(told, "0.toml:3: discord.token_file: token is empty");
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read_is_a_warning() {
    let folder = Folder::new();
    chmod(&folder.0.path().join("secret"), 0o640);
    let inline = SMALL.replace("token_file = \"token\"", "token = \"t\"");
    let loaded = folder.load(&[&inline], &[]).unwrap();
    insta::assert_snapshot!(folder.lines(&loaded.warnings), @r#"
    0.toml:3: discord.token: 0.toml can be read or changed by others (mode 644): chmod 600 0.toml
    0.toml:9: cluster.home.token_secret_file: secret can be read or changed by others (mode 640): chmod 600 secret
    "#);
}

#[test]
fn a_certificate_file_must_hold_certificates() {
    let folder = Folder::new();
    let small = SMALL.replace(
        "token_secret_file",
        "ca_file = \"ca.pem\"\ntoken_secret_file",
    );
    let told = folder.load(&[&small], &[]).unwrap_err();
    assert!(
        told.starts_with("0.toml:9: cluster.home.ca_file: ca.pem cannot be read"),
        "{told}"
    );
    folder.write(
        "ca.pem",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    );
    let told = folder.load(&[&small], &[]).unwrap_err();
    assert!(told.contains("holds no certificate"), "{told}");
    folder.write("ca.pem", "-----BEGIN CERTIFICATE-----\nAA");
    let told = folder.load(&[&small], &[]).unwrap_err();
    assert!(told.contains("damaged"), "{told}");
    folder.write(
        "ca.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let config = folder.load(&[&small], &[]).unwrap().config;
    assert!(matches!(&config.clusters[0].trust, Trust::Ca(pem) if pem.contains("BEGIN")));
    let pin = "ab".repeat(32);
    let config = folder
        .load(&[&small], &[("CLUSTER__HOME__FINGERPRINTS", &pin)])
        .unwrap()
        .config;
    assert_eq!(
        config.clusters[0].trust,
        Trust::Fingerprints(vec![[0xab; 32]])
    );
}

#[test]
fn names_of_people_do_not_meet_names_of_keys() {
    let folder = Folder::new();
    let people = "[people]\ntoken_file = 11\n'mc-max.1' = 12\n";
    let more = "[people]\ntoken = 13\n";
    let config = folder.load(&[SMALL, people, more], &[]).unwrap().config;
    let names: Vec<_> = config.people.keys().map(String::as_str).collect();
    assert_eq!(names, ["mc-max.1", "owner", "token", "token_file"]);
}

#[test]
fn warnings_about_what_is_probably_not_meant() {
    let folder = Folder::new();
    let odd = SMALL
        .replace(":8006", "")
        .replace("[people]", "[people]\nme = 184405311681986560\nshort = 10")
        + "[[allow]]\nwho = [\"me\"]\nactions = [\"view\"]\nhours = \"16:00-23:30\"\n";
    folder.secret("secret", "not-a-uuid");
    let loaded = folder.load(&[&odd], &[]).unwrap();
    insta::assert_snapshot!(folder.lines(&loaded.warnings), @"
    0.toml:7: cluster.home.endpoints[0]: names no port, so 443 is meant; Proxmox itself listens on 8006
    0.toml:9: cluster.home.token_secret_file: does not look like a secret of Proxmox (12345678-1234-1234-1234-123456789abc)
    0.toml:12: people.short: is too short for an id of Discord, which has 17 to 20 digits: copy it again
    0.toml:13: people.owner: has the same id as `me`
    0.toml:18: allow[1]: covers nothing: it has neither `guests` nor `nodes`
    0.toml:18: bot.time_zone: `hours` are read in UTC, because [bot] time_zone is not set
    ");
}

#[test]
fn the_unit_gives_the_example_its_secrets() {
    let folder = Folder::new();
    folder.secret("discord_token", "t");
    folder.secret("pve_token", UUID);
    let unit = fs::read_to_string(repository("config/deploy/pve-steward.service")).unwrap();
    let credentials = folder.0.path().display().to_string();
    let variables: Vec<_> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("Environment=")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.replace("%d", &credentials)))
        .collect();
    let example = repository("config/example.toml");
    let loaded = load(&[example], variables.into_iter())
        .unwrap_or_else(|problems| panic!("{}", lines(&problems)));
    assert_eq!(loaded.config.clusters.len(), 1);
    assert_eq!(loaded.config.clusters[0].token_secret.expose(), UUID);
    assert_eq!(loaded.warnings, []);
}

#[test]
fn lengths_of_time_say_what_is_wrong_with_them() {
    let said = |line: &str| {
        let folder = Folder::new();
        let text = format!("[bot]\n{line}\n");
        let told = folder.load(&[&text], &[]).unwrap_err();
        let key = line.split(' ').next().unwrap();
        let about = told.lines().find(|told| told.contains(key)).unwrap();
        about.split_once(": ").unwrap().1.to_owned()
    };
    for bare in ["30", "\"30\""] {
        assert_eq!(
            said(&format!("ask_expires = {bare}")),
            "bot.ask_expires: is a number without a unit: write s, min, h or d behind it, in quotes, \
             such as \"30 min\" or \"6h\""
        );
        assert!(said(&format!("grant_max = {bare}")).contains("without a unit"));
    }
    for short in ["1 s", "59s"] {
        assert_eq!(
            said(&format!("ask_expires = \"{short}\"")),
            "bot.ask_expires: is too short for anybody to decide: at least \"1 min\""
        );
    }
    assert!(said("ask_expires = \"soon\"").contains("must be a length of time such as"));
}

/// The second token is for `/token` alone: both of its halves, and never the first one again.
#[test]
fn a_second_token_is_whole_and_another_one() {
    let folder = Folder::new();
    folder.secret("admin", &format!("{UUID}\n"));
    let read = |more: &str, variables: &[(&str, &str)]| {
        let with_more = format!("token_secret_file = \"secret\"\n{more}\n");
        let text = SMALL.replace("token_secret_file = \"secret\"\n", &with_more);
        with(&[folder.write("steward.toml", &text)], variables)
    };
    let id = "admin_token_id = \"steward@pve!admin\"";
    let file = "admin_token_secret_file = \"admin\"";
    let loaded = read(&format!("{id}\n{file}"), &[]).unwrap();
    let token = loaded.config.clusters[0].admin_token.as_ref().unwrap();
    assert_eq!(
        (token.id.as_str(), token.secret.expose()),
        ("steward@pve!admin", UUID)
    );
    assert!(!format!("{:?}", loaded.config).contains(UUID));
    let variables = [("CLUSTER__HOME__ADMIN_TOKEN_SECRET", UUID)];
    let loaded = read(id, &variables).unwrap();
    assert!(loaded.config.clusters[0].admin_token.is_some());
    assert!(
        read("", &[]).unwrap().config.clusters[0]
            .admin_token
            .is_none()
    );
    for (more, said) in [
        (id, "admin_token_secret_file: is missing"),
        (file, "admin_token_id: is missing"),
        (
            "admin_token_id = \"steward\"\nadmin_token_secret_file = \"admin\"",
            "admin_token_id: must be user@realm!tokenid",
        ),
        (
            "admin_token_id = \"discord@pve!bot\"\nadmin_token_secret_file = \"admin\"",
            "admin_token_id: is the token that the bot runs on",
        ),
    ] {
        let problems = read(more, &[]).unwrap_err();
        let told = lines(&problems);
        assert!(told.contains(said), "{more}: {told}");
    }
}
