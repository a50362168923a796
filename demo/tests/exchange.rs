//! The demo as a newcomer and as CI runs it: the built program, its output and its exit code.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// One limit for every run; the demo itself gives up earlier and says for what.
const LIMIT: Duration = Duration::from_secs(90);

struct Ran {
    code: Option<i32>,
    said: String,
    /// What a person sees besides: the start-up, and mistakes.
    noted: String,
}

/// Runs the demo with these arguments and this on its standard input.
fn run(arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let mut stdout = child.stdout.take().unwrap();
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let mut said = String::new();
        let read = stdout.read_to_string(&mut said);
        let _ = sender.send(read.map(|_| said));
    });
    let Ok(said) = ended.recv_timeout(LIMIT) else {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("demo {arguments:?} took longer than {LIMIT:?}");
    };
    let mut noted = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut noted)
        .unwrap();
    let code = child.wait().unwrap().code();
    let said = said.unwrap();
    Ran { code, said, noted }
}

impl Ran {
    /// All of these, one after the other.
    fn says_in_order(&self, parts: &[&str]) {
        let mut rest = self.said.as_str();
        for part in parts {
            let Some(at) = rest.find(part) else {
                panic!(
                    "no `{part}` where it should be in:\n{}\n{}",
                    self.noted, self.said
                )
            };
            rest = &rest[at + part.len()..];
        }
    }

    fn never_says(&self, part: &str) {
        assert!(!self.said.contains(part), "`{part}` in:\n{}", self.said);
    }
}

#[test]
fn a_friend_starts_a_guest_and_sees_every_state() {
    let ran = run(&["--as", "friend", "/vm start 101"], "");
    ran.says_in_order(&[
        "friend types /vm start 101",
        "valheim · starting",
        "Asked by @friend",
        "valheim · starting",
        "Proxmox is at work",
        "valheim · started",
        "By @friend, done in",
        "[1] Shutdown   [2] Reboot   [3] Refresh",
        "\nProxmox: 1 write: POST /nodes/pve1/qemu/101/status/start\n",
    ]);
    // Each version once, and nothing that only a program can read.
    assert_eq!(
        ran.said.matches("valheim · started").count(),
        1,
        "{}",
        ran.said
    );
    for unreadable in ["<@", "<t:", "\x1b["] {
        ran.never_says(unreadable);
    }
    assert_eq!(ran.code, Some(0));
}

#[test]
fn a_stranger_is_refused_and_proxmox_hears_nothing() {
    let ran = run(&["--as", "stranger", "/vm start 101"], "");
    ran.says_in_order(&[
        "private: only stranger sees this",
        "No guest 101 for you here",
        "\nProxmox: no writes\n",
    ]);
    ran.never_says("valheim");
    assert_eq!(ran.code, Some(0));
}

#[test]
fn an_owner_answers_the_question_before_a_stop() {
    let ran = run(
        &["--as", "owner", "/vm stop 102", "--press", "Stop now"],
        "",
    );
    ran.says_in_order(&[
        "Really stop minecraft?",
        "[1] Stop now   [2] Cancel",
        "owner presses [Stop now]",
        "minecraft · stopping",
        "minecraft · stopped",
        "\nProxmox: 1 write: POST /nodes/pve2/qemu/102/status/stop\n",
    ]);
    assert_eq!(ran.code, Some(0));
}

#[test]
fn a_question_that_nobody_answers_changes_nothing() {
    let ran = run(&["/vm stop 102"], "");
    ran.says_in_order(&["Really stop minecraft?", "\nProxmox: no writes\n"]);
    assert_eq!(ran.code, Some(0));
    let wrong = run(&["/vm stop 102", "--press", "Do it"], "");
    wrong.says_in_order(&[
        "there is no button `Do it`; the newest card has: Stop now, Cancel",
        "\nProxmox: no writes\n",
    ]);
    assert_eq!(wrong.code, Some(1));
}

#[test]
fn what_is_no_command_is_an_error_that_lists_the_commands() {
    // Unquoted words are one command as well.
    let ran = run(&["/vm", "explode", "101"], "");
    ran.says_in_order(&["no `explode` here", "/vm start guest", "Proxmox: no writes"]);
    assert_eq!(ran.code, Some(1));
    for (option, expected) in [("--as", "there are owner, max"), ("--break", "node-down")] {
        let wrong = run(&[option, "nothing", "/status"], "");
        assert!(wrong.noted.contains(expected), "{}", wrong.noted);
        assert_eq!(wrong.code, Some(1));
    }
}

#[test]
fn a_failing_task_is_told_and_its_log_only_to_who_asked() {
    let ran = run(
        &["--as", "friend", "--break", "task-fails", "/vm start 101"],
        "",
    );
    ran.says_in_order(&[
        "valheim · did not start",
        "private: only friend sees this",
        "what Proxmox wrote",
        "TASK ERROR",
    ]);
    assert_eq!(ran.code, Some(0));
}

#[test]
fn a_script_plays_several_people() {
    let script = "/status
as friend
1
/vm start ?
/vm start 101
as max
3
as stranger
/status
break no-such
break gateway-drops
mend
as nobody
vm list
/vm
quit
/vm stop 102
";
    let ran = run(&[], script);
    ran.says_in_order(&[
        "owner> /status",
        "private: only owner sees this",
        "home · 3 running, 4 stopped",
        "friend> 1",
        "there is no button to press here",
        "friend> /vm start ?",
        "101 valheim · stopped",
        "friend> /vm start 101",
        "valheim · started",
        "max> 3",
        "max presses [Refresh]",
        "private: only max sees this",
        "valheim · running",
        "stranger> /status",
        "Nothing here for you",
        "There is no fault called no-such",
        "gateway-drops: the gateway connection ends",
        "All faults are ended",
        "There is nobody called nobody",
        "begin with a slash: /vm list",
        "stranger> /vm\n",
        "no `` here",
        "stranger> quit",
        "\nProxmox: 1 write: POST /nodes/pve1/qemu/101/status/start\n",
    ]);
    assert_eq!(ran.code, Some(0));
}

/// What it shows beforehand is what it takes.
#[test]
fn setup_can_be_tried_with_the_answers_that_are_shown() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_demo"))
        .arg("--setup")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut shown = String::new();
    while !shown.contains("Token of the bot ") {
        assert!(stdout.read_line(&mut shown).unwrap() > 0, "{shown}");
    }
    let answer = |question: &str| {
        let line = shown.lines().find(|line| line.contains(question)).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    let (id, secret) = (answer("Second token"), answer("Secret of the second"));
    let (address, token) = (answer("Address of a node"), answer("Token id"));
    let (tokens, bots) = (answer("Secret of the token"), answer("Token of the bot"));
    let about_proxmox = [&address, "2", "yes", &token, &tokens, "yes", &id, &secret];
    let about_discord = [&bots, "1", "1", "none", "none", "none", "", "UTC", "yes"];
    for line in about_proxmox.iter().chain(&about_discord) {
        writeln!(stdin, "{line}").unwrap();
    }
    let mut said = String::new();
    stdout.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    for part in [
        &answer("Its fingerprint"),
        "ok   home: Proxmox VE",
        "admin_token_id = \"steward@pve!admin\"",
        "fingerprints = [",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("admin lacks"), "{said}");
    assert!(!said.contains(&secret), "{said}");
}
