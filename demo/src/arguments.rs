//! What can be said on the command line.

use anyhow::bail;
use clap::Parser;
use fake_discord::{Discord, Setup};

/// Try the bot: a fake Proxmox cluster, a fake Discord, and the real bot between them.
///
/// With a COMMAND one exchange is shown, and the end is told; without one there is a prompt.
/// Nothing real is touched, and nothing is left behind.
#[derive(Debug, Parser)]
#[command(
    name = "demo",
    after_help = "Examples:
  demo                                             a prompt
  demo --as friend '/vm start 101'                 a friend starts a VM
  demo --as stranger '/vm start 101'               a stranger is refused
  demo '/vm stop 102' --press 'Stop now'           the owner answers a question
  demo --setup                                     set it up, with answers at hand
  demo --break task-fails '/vm start 101'          Proxmox fails"
)]
pub struct Arguments {
    /// Who you are: owner, friend, max or stranger
    #[arg(long = "as", value_name = "NAME", default_value = "owner")]
    pub person: String,
    /// Press this button (its label or number) once the answer is there; may be given several times
    #[arg(long, value_name = "BUTTON", requires = "command")]
    pub press: Vec<String>,
    /// Break something first; `faults` at the prompt lists what; may be given several times
    #[arg(long = "break", value_name = "FAULT")]
    pub faults: Vec<String>,
    /// Show the bot's log on stderr: info, `pve_steward=debug`
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// Try `pve-steward setup`: it asks, and the answers are shown beforehand
    #[arg(long, conflicts_with_all = ["command", "person", "faults", "log"])]
    pub setup: bool,
    /// A slash command, such as /vm start 101
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

impl Arguments {
    /// The command in one piece, quoted or not; `None`: the prompt.
    pub fn command(&self) -> Option<String> {
        (!self.command.is_empty()).then(|| self.command.join(" "))
    }

    /// Refuses names that nobody and nothing has, before anything is started.
    pub fn check(&self) -> anyhow::Result<()> {
        let people = Setup::home().people;
        if !people.iter().any(|person| person.name == self.person) {
            let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
            bail!(
                "there is nobody called {}; there are {}",
                self.person,
                names.join(", ")
            );
        }
        let known: Vec<&str> = all_faults().map(|(name, _)| name).collect();
        for name in &self.faults {
            if !known.contains(&name.as_str()) {
                bail!(
                    "there is no fault called {name}; there are {}",
                    known.join(", ")
                );
            }
        }
        Ok(())
    }
}

/// Names of what can be broken on both sides, with what they do.
pub fn all_faults() -> impl Iterator<Item = (&'static str, &'static str)> {
    let both = [fake_proxmox::fault_names(), Discord::fault_names()];
    // What ends faults is not one.
    let names = both.into_iter().flatten().copied();
    names.filter(|(name, _)| *name != "healthy")
}
