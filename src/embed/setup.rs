//! What `pve-steward setup` asks and says, in a plain terminal.

pub mod admin;
pub mod owner;

use std::fmt::Write as _;
use std::path::Path;

use crate::config::Problem;
use crate::ids::{ChannelId, GuildId, UserId};

use super::check::{Finding, printed};
use super::pveum;
use super::words::visible;

pub const USUAL_TOKEN: &str = "discord@pve!bot";
/// The name in `[people]` that the owner has.
pub const OWNER: &str = "owner";
/// What to type where no channel is wanted.
pub const NONE: &str = "none";

/// Keys of `[discord]`, in the order in which they are asked for.
pub const ROOMS: [&str; 4] = [
    "channels",
    "approvals_channel",
    "alerts_channel",
    "audit_channel",
];

pub const YES_OR_NO: &str = "Type yes or no.";
pub const NO_MORE_INPUT: &str =
    "There is no more input, and a question is open. For a run without questions: --yes";
pub const ADDRESS: &str = "Address of a node, or of several";
pub const NO_ADDRESS: &str = "Type an address, such as 192.0.2.11 or pve1.";
pub const GO_ON_UNSEEN: &str = "None of them answers. Go on all the same?";
pub const HOW_KNOWN: &str = "How shall the bot know that it talks to your Proxmox?";
pub const BY_CA: &str = "by the cluster's own authority: a copy of /etc/pve/pve-root-ca.pem";
pub const BY_PUBLIC: &str = "by public authorities: they vouch for these certificates";
pub const AS_BEFORE: &str = "as before";
pub const WHICH_CA: &str = "Path of the copy on this machine (Enter: choose again)";
pub const COMPARED: &str = "Are they the same as on the nodes?";
pub const NOT_COMPARED: &str =
    "Nothing is pinned that was not seen and compared. Choose again, or stop with Ctrl-C.\n";
pub const TOKEN_ID: &str = "Token id";
pub const ROOTS: &str = "This is a token of root@pam, the superuser. Without separated privileges it may do everything, and\n\
so may whoever reads its secret. Better is a user of its own, such as discord@pve.\n";
pub const ALL_THE_SAME: &str = "Go on with it all the same?";
pub const TOKEN_SECRET: &str = "Secret of the token";
pub const ONLY_THE_SECRET: &str = "Only what follows the `=` is the secret.";
pub const PROXMOX_FAILED: &str = "Proxmox cannot be used like this: see FAIL above.";
pub const WHAT_NOW: &str = "What now?";
pub const DISCORD_TOKEN: &str = "Token of the bot";
pub const NOT_THERE_YET: &str = "The bot is not in that server.\n";
pub const LOOK_AGAIN: &str = "The bot is in no server yet. Open the link above, then press";
pub const WHICH_GUILDS: &str = "In which server shall it listen (several: 1 2)";
pub const WHO_OWNS: &str = "User id of the owner, who may do everything";
pub const TIME_ZONE: &str = "Time zone, for hours and \"until tomorrow\"";
pub const WRITE: &str = "Write this?";
pub const NOTHING_WRITTEN: &str = "Nothing was written.\n";
pub const NOTHING_NEW: &str = "\nNothing is to be changed.\n\n";
pub const ONE_FILE: &str = "Name one file with --config, or a folder with --dir, and not both.";

#[must_use]
pub fn prompt(question: &str, default: Option<&str>) -> String {
    match default {
        Some(default) => format!("{question} [{default}]: "),
        None if question.ends_with('?') => format!("{question} "),
        None => format!("{question}: "),
    }
}

/// What is typed is not shown. `present`: Enter keeps what is there.
#[must_use]
pub fn secret_prompt(question: &str, present: bool) -> String {
    let kept = if present {
        "not shown; Enter keeps the one that is there"
    } else {
        "not shown"
    };
    format!("{question} ({kept}): ")
}

/// `why`: a sentence with its full stop, or what completes "It ...".
#[must_use]
pub fn not_that(why: &str) -> String {
    if why.ends_with('.') {
        return format!("  {why}\n");
    }
    format!("  It {why}.\n")
}

#[must_use]
pub fn numbered(choices: &[String]) -> String {
    let mut text = String::new();
    for (at, choice) in choices.iter().enumerate() {
        let _ = writeln!(text, "  {:>2}  {choice}", at + 1);
    }
    text
}

#[must_use]
pub fn one_of(most: usize) -> String {
    format!("Type a number from 1 to {most}.")
}

#[must_use]
pub fn not_hidden(why: &str) -> String {
    format!(
        "The terminal cannot hide what is typed ({why}).\n\
         Put the secrets into files and name them: --token-secret-file, --discord-token-file,\n\
         --admin-token-secret-file\n"
    )
}

#[must_use]
pub fn still_hidden(why: &str) -> String {
    format!("The terminal may not show what you type ({why}): stty echo\n")
}

/// What is missing for a run without questions.
#[must_use]
pub fn missing(options: &[&str]) -> String {
    let mut text = "With --yes nothing is asked, and this is missing:\n".to_owned();
    for option in options {
        let _ = writeln!(text, "  {option}");
    }
    text
}

#[must_use]
pub fn bad_option(option: &str, why: &str) -> String {
    let why = not_that(why);
    format!("{option}: {}", why.trim_start())
}

#[must_use]
pub fn not_read(path: &Path, why: &str) -> String {
    let path = path.display();
    format!("Is {path} the right file? It cannot be used: {why}.")
}

/// Without a slash it could be the secret itself.
#[must_use]
pub fn no_secret_in(path: &Path, why: &str) -> String {
    if path.components().count() > 1 {
        return not_read(path, why);
    }
    format!("The file of this name in the working directory cannot be read: {why}.")
}

#[must_use]
pub fn unreadable(file: &Path, why: &str) -> String {
    let file = file.display();
    format!("{file} cannot be read: {why}\nMend it or move it away, then run this again.\n")
}

#[must_use]
pub fn mistake(line: Option<usize>, what: &str) -> String {
    match line {
        Some(line) => format!("line {line}: {what}"),
        None => what.to_owned(),
    }
}

/// Not in a form whose single keys can be changed.
#[must_use]
pub fn not_changed(file: &Path, key: &str) -> String {
    let file = file.display();
    format!("{file}: {key} is written in a way that this cannot change. Change it by hand.\n")
}

#[must_use]
pub fn greeting(file: &Path, exists: bool) -> String {
    let file = file.display();
    let what = if exists {
        "is there. Enter keeps what it says; only what you change is\nchanged, and rules and remarks stay as they are"
    } else {
        "will be made. Nothing is written before the end"
    };
    format!("{file} {what}. Ctrl-C stops.\n")
}

#[must_use]
pub fn first_step() -> String {
    "\n1. Proxmox\n\
     One node is enough; with several the bot goes on when one is down. Such as: 192.0.2.11 pve2\n"
        .to_owned()
}

#[must_use]
pub fn second_step() -> String {
    "\n2. The API token of Proxmox\n\
     A user of its own with few rights, never root@pam.\n"
        .to_owned()
}

#[must_use]
pub fn third_step() -> String {
    "\n3. Discord\n\
     At https://discord.com/developers/applications: New Application, then Bot, Reset Token.\n\
     No privileged intent needs to be on.\n"
        .to_owned()
}

#[must_use]
pub fn no_address(typed: &str) -> String {
    let typed = visible(typed);
    format!("`{typed}` is no address of a node: 192.0.2.11, pve1, pve1:8006 or https://pve1:8006.")
}

#[must_use]
pub fn presented(url: &str, fingerprint: &str) -> String {
    format!(
        "\n{url} presented this certificate (SHA-256):\n  {fingerprint}\n\
         On the node itself `pvenode cert info` shows it, at pveproxy-ssl.pem or else pve-ssl.pem.\n\n"
    )
}

#[must_use]
pub fn by_pins(certificates: usize) -> String {
    match certificates {
        0 => "by fingerprints (no certificate was seen)".to_owned(),
        1 => "by the fingerprint above, after you have compared it".to_owned(),
        _ => "by the fingerprints above, after you have compared them".to_owned(),
    }
}

#[must_use]
pub fn trying(cluster: &str) -> String {
    format!("\nAsking {cluster} ...\n")
}

/// The order is that of the answers.
#[must_use]
pub fn after_failure() -> [String; 4] {
    [
        "try the same again".to_owned(),
        "another token".to_owned(),
        "another address or certificate".to_owned(),
        "go on all the same".to_owned(),
    ]
}

/// How to make the token, where there is none yet.
#[must_use]
pub fn token_commands(id: &str) -> String {
    let mut text = "If there is no such token yet, make it: on any node, as root\n\n".to_owned();
    for line in pveum_commands(id) {
        let _ = writeln!(text, "  {line}");
    }
    text + "\nThe line with `token add` prints the secret as `value`, once. The last lines give power over all\n\
            guests: put /pool/NAME in the place of /vms to give it over one pool.\n\n"
}

/// The least that the bot's own commands need.
fn pveum_commands(id: &str) -> Vec<String> {
    let (user, token) = id.split_once('!').unwrap_or((id, "bot"));
    let acl =
        |path: &str, who: &str, role: &str| format!("pveum acl modify {path} {who} -role {role}");
    let (user_flag, token_flag) = (format!("-user {user}"), format!("-token '{id}'"));
    let mut lines = vec![
        r#"pveum role add StewardRead  -privs "VM.Audit Sys.Audit Pool.Audit""#.to_owned(),
        r#"pveum role add StewardPower -privs "VM.Audit VM.PowerMgmt Pool.Audit""#.to_owned(),
    ];
    // The superuser is there, and holds everything already.
    let is_new = !pveum::is_root(id);
    lines.extend(is_new.then(|| format!(r#"pveum user add {user} -comment "pve-steward""#)));
    lines.push(format!("pveum user token add {user} {token} -privsep 1"));
    for (path, role) in [("/", "StewardRead"), ("/vms", "StewardPower")] {
        lines.extend(is_new.then(|| acl(path, &user_flag, role)));
        lines.push(acl(path, &token_flag, role));
    }
    lines
}

#[must_use]
pub fn discord_failed(finding: &Finding) -> String {
    printed(finding)
}

#[must_use]
pub fn bot_found(name: &str) -> String {
    format!("The token belongs to {}.\n", visible(name))
}

#[must_use]
pub fn invite(link: &str) -> String {
    format!(
        "\nThis link adds the bot to a server, with View Channels, Send Messages, Embed Links and\n\
         Attach Files, and no more:\n  {link}\n\n"
    )
}

#[must_use]
pub fn not_in_guild(link: &str) -> String {
    format!("The bot is not in every server of --guild. This link adds it:\n  {link}\n")
}

#[must_use]
pub fn guild(id: GuildId, name: &str) -> String {
    format!("{} ({id})", visible(name))
}

/// `lacks`: permissions, by the names that Discord shows.
#[must_use]
pub fn room(name: &str, lacks: &[&str]) -> String {
    let name = visible(name);
    if lacks.is_empty() {
        return format!("#{name}");
    }
    format!("#{name} (the bot lacks {} there)", lacks.join(", "))
}

#[must_use]
pub fn room_question(key: &str) -> &'static str {
    match key {
        "channels" => "Commands only in (number; none: everywhere)",
        "approvals_channel" => "Requests are decided in (none: in direct messages)",
        "alerts_channel" => "What needs looking at is said in",
        _ => "The audit can be read along in",
    }
}

#[must_use]
pub fn room_option(key: &str) -> &'static str {
    match key {
        "channels" => "--commands-channel",
        "approvals_channel" => "--approvals-channel",
        "alerts_channel" => "--alerts-channel",
        _ => "--audit-channel",
    }
}

#[must_use]
pub fn rooms_before(ids: &[ChannelId]) -> String {
    if ids.is_empty() {
        return NONE.to_owned();
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(" ")
}

#[must_use]
pub fn no_room(most: usize) -> String {
    format!("Type a number from 1 to {most}, the id of one of these channels, or {NONE}.")
}

#[must_use]
pub fn made_by(name: &str, id: UserId) -> String {
    format!("\nThe application belongs to {} ({id}).\n", visible(name))
}

/// Before anything is written. `keys`: what changes in the configuration.
#[must_use]
pub fn plan(file: &Path, exists: bool, keys: &[String], others: &[(&Path, bool)]) -> String {
    let verb = |exists: bool| if exists { "change" } else { "make  " };
    let mut text = "\n".to_owned();
    for (path, exists) in others {
        let _ = writeln!(text, "  {} {}", verb(*exists), path.display());
    }
    let _ = write!(text, "  {} {}", verb(exists), file.display());
    if exists {
        let _ = write!(text, ": {}", keys.join(", "));
    }
    text + "\n"
}

#[must_use]
pub fn would_not_load(problems: &[Problem]) -> String {
    let mut text = "The configuration would have mistakes:\n".to_owned();
    for problem in problems {
        let _ = writeln!(text, "  {problem}");
    }
    text
}

#[must_use]
pub fn not_written(path: &Path, why: &str) -> String {
    format!("{} cannot be written: {why}\n", path.display())
}

#[must_use]
pub fn not_put_back(path: &Path, why: &str) -> String {
    let path = path.display();
    format!("{path} was replaced and could not be put back: {why}\n")
}

pub const WRITTEN: &str = "\nWritten. Now `pve-steward check`:\n\n";

/// What to do next. `service`: the files are where the systemd unit looks for them.
#[must_use]
pub fn next(file: &Path, cluster: &str, service: bool, exists: bool) -> String {
    if !service {
        let shown = file.display();
        let run = format!("\nNext:\n  pve-steward --config {shown} run\n");
        return run + &rules_for_others(file, exists);
    }
    if exists {
        return "\nNext, so that a service that runs takes it up:\n  systemctl restart pve-steward\n"
            .to_owned();
    }
    let mut text = "\nNext, from the folder of the source:\n  \
        install -m 644 config/deploy/pve-steward.service /etc/systemd/system/\n  \
        systemctl daemon-reload && systemctl enable --now pve-steward\n  \
        journalctl -u pve-steward -f\n"
        .to_owned();
    if cluster != "home" {
        let upper = cluster.to_ascii_uppercase();
        let _ = writeln!(
            text,
            "In the unit, write PVE_STEWARD__CLUSTER__{upper}__ in the place of \
             PVE_STEWARD__CLUSTER__HOME__."
        );
    }
    text + &rules_for_others(file, exists)
}

/// A new file allows the owner everything, and nobody else anything.
fn rules_for_others(file: &Path, exists: bool) -> String {
    if exists {
        return String::new();
    }
    let file = file.display();
    format!("Rules for others go into {file}: README.md, \"Who may do what\".\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_made_with_the_lines_of_the_readme() {
        let readme = include_str!("../../README.md");
        for line in pveum_commands(USUAL_TOKEN) {
            let line = line.replace("/vms", "/pool/discord");
            assert!(readme.contains(&line), "{line}");
        }
    }

    #[test]
    fn nobody_is_told_to_make_root() {
        let lines = pveum_commands("root@pam!bot").join("\n");
        assert!(
            lines.contains("pveum user token add root@pam bot"),
            "{lines}"
        );
        assert!(
            !lines.contains("user add root") && !lines.contains("-user root"),
            "{lines}"
        );
    }

    #[test]
    fn a_secret_in_the_place_of_a_path_is_not_repeated() {
        assert!(!no_secret_in(Path::new("s3cret"), "no such file").contains("s3cret"));
        assert!(no_secret_in(Path::new("/run/x"), "no such file").contains("/run/x"));
    }

    #[test]
    fn the_plan_says_what_is_made_and_what_changes() {
        let (file, token) = (Path::new("/e/steward.toml"), Path::new("/e/pve_token"));
        let keys = ["bot.time_zone".to_owned()];
        assert_eq!(
            plan(file, true, &keys, &[(token, false)]),
            "\n  make   /e/pve_token\n  change /e/steward.toml: bot.time_zone\n"
        );
        assert_eq!(
            plan(file, false, &keys, &[]),
            "\n  make   /e/steward.toml\n"
        );
    }

    #[test]
    fn the_next_step_depends_on_where_the_files_are() {
        let file = Path::new("/etc/pve-steward/steward.toml");
        let service = next(file, "lab", true, false);
        assert!(
            service.contains("systemctl enable --now pve-steward"),
            "{service}"
        );
        assert!(service.contains("PVE_STEWARD__CLUSTER__LAB__"), "{service}");
        assert!(!next(file, "home", true, false).contains("__HOME__"));
        assert!(service.ends_with("steward.toml: README.md, \"Who may do what\".\n"));
        assert!(next(file, "home", true, true).contains("systemctl restart"));
        let own = next(Path::new("config/steward.toml"), "home", false, true);
        assert_eq!(
            own,
            "\nNext:\n  pve-steward --config config/steward.toml run\n"
        );
    }

    #[test]
    fn a_refusal_is_a_sentence() {
        assert_eq!(not_that("is empty"), "  It is empty.\n");
        assert_eq!(not_that(YES_OR_NO), "  Type yes or no.\n");
        assert_eq!(
            bad_option("--ca-file", "must be a file"),
            "--ca-file: It must be a file.\n"
        );
    }
}
