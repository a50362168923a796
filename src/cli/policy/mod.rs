//! `pve-steward policy`: the matrix, or one decision explained.

mod estate;
mod explain;

use std::sync::Arc;

use clap::Args;

use crate::action::Target;
use crate::config::Config;
use crate::embed::{policy as words, terminal};
use crate::ids::{ChannelId, GuildId};
use crate::permission::{Law, Policy, Subject, matrix, subjects};

use super::{CONFIGURATION, TRY_AGAIN, complain, say};
use estate::Estate;

#[derive(Debug, Args)]
pub(super) struct Query {
    /// Do not ask Proxmox: show what the rules say of invented guests, one for each word in `guests`.
    /// Takes no secrets. With --guest, name one by that word, such as `tag:games`
    #[arg(long)]
    pub(super) offline: bool,
    /// A person or a role, by the name that the rules use; a person is looked at without roles, a
    /// role as a member who has just that one
    #[arg(long, value_name = "NAME", requires = "action")]
    who: Option<String>,
    /// One of view, start, shutdown, reboot, suspend, resume, stop, reset, snapshot.create,
    /// snapshot.rollback, snapshot.delete, backup.view, backup.run, task.view, task.stop, node.reboot,
    /// node.shutdown, node.wake, token, access, audit; or several at once: power (start, shutdown,
    /// reboot, suspend, resume), force (stop, reset), snapshot.*, backup.*, task.*, node.*, * (all)
    #[arg(long, requires = "who")]
    action: Option<String>,
    /// VMID or name of a guest
    #[arg(long, requires = "who", conflicts_with = "node")]
    guest: Option<String>,
    /// Name of a node
    #[arg(long, requires = "who")]
    node: Option<String>,
    /// The channel from which it is asked, for rules with `channels`
    #[arg(long, value_name = "ID")]
    channel: Option<u64>,
    /// A role that the person holds besides, by the name that the rules use; may be given several
    /// times
    #[arg(long, value_name = "NAME", requires = "who")]
    role: Vec<String>,
}

pub(super) async fn policy(config: &Config, query: &Query) -> u8 {
    let law = match Policy::compile(config) {
        Ok(policy) => Law::of_rules(Arc::new(policy)),
        Err(problems) => {
            complain(&terminal::problems(&problems));
            return CONFIGURATION;
        }
    };
    let guild = config.discord.guilds.first().copied().unwrap_or(GuildId(0));
    let subjects = subjects(law.policy(), guild, ChannelId(query.channel.unwrap_or(0)));
    // What is wrong with the question is said before Proxmox is asked.
    let question = match explain::question(config, query, &subjects) {
        Ok(question) => question,
        Err(wrong) => {
            complain(&wrong);
            return CONFIGURATION;
        }
    };
    let estate = if query.offline {
        Estate::described(config, law.policy())
    } else {
        Estate::real(config).await
    };
    let Some(estate) = estate else {
        return TRY_AGAIN;
    };
    let text = match question {
        None => Ok(whole(&law, &estate, &subjects)),
        Some(question) => explain::explain(&law, &estate, query, &question),
    };
    match text {
        Ok(text) => {
            say(&text);
            0
        }
        Err(wrong) => {
            complain(&wrong);
            CONFIGURATION
        }
    }
}

fn whole(law: &Law, estate: &Estate, subjects: &[Subject]) -> String {
    let mut text = String::new();
    for (name, facts) in &estate.guests {
        let rows = matrix(law, subjects, &Target::Guest(facts));
        text.push_str(&words::matrix(name, &rows));
    }
    for node in &estate.nodes {
        let rows = matrix(law, subjects, &Target::Node(node));
        text.push_str(&words::matrix(&words::node_title(node), &rows));
    }
    let rows = matrix(law, subjects, &Target::Bot);
    text.push_str(&words::matrix(words::BOT_TITLE, &rows));
    text + words::LEGEND
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Right;

    /// Whatever a rule can give is named where people look for it.
    #[test]
    fn every_action_and_group_is_named_in_the_help_the_readme_and_the_example() {
        let command = Query::augment_args(clap::Command::new("policy"));
        let action = command.get_arguments().find(|one| one.get_id() == "action");
        let help = action.and_then(|one| one.get_help()).unwrap().to_string();
        let example = include_str!("../../../config/example.toml");
        let from = example.find("# actions   view").unwrap();
        let until = example.find("# guests    *").unwrap();
        let example = &example[from..until];
        let readme = include_str!("../../../README.md");
        let groups = Right::GROUPS.iter().map(|(name, _)| *name);
        for word in Right::ALL.map(Right::key).into_iter().chain(groups) {
            let parts = |text: &str| {
                text.split([' ', ',', ';', '\n'])
                    .any(|one| one.trim_end_matches('.') == word)
            };
            assert!(parts(&help), "help: {word}");
            assert!(parts(example), "example: {word}");
            assert!(readme.contains(&format!("`{word}`")), "readme: {word}");
        }
    }

    #[test]
    fn what_is_always_asked_is_told_in_the_readme_and_the_example() {
        let of = |text: &str, from: &str| {
            let at = text.find(from).unwrap();
            let end = text[at..].find("token").unwrap();
            text[at..at + end + "token".len()].to_owned()
        };
        let readme = of(
            include_str!("../../../README.md"),
            "can\nlose data is asked twice",
        );
        let example = include_str!("../../../config/example.toml");
        let example = of(example, "Always asked, whoever does it");
        for right in Right::ALL {
            for text in [&readme, &example] {
                let said = text
                    .split([' ', ',', '`', '\n'])
                    .any(|word| word == right.key());
                assert_eq!(said, right.always_confirmed(), "{right}: {text}");
            }
        }
    }
}
