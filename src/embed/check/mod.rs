//! What `pve-steward check` found, line by line: `ok`, `warn` or `FAIL`, and the next step.

mod cluster;
mod discord;
mod place;
mod rules;
mod tokens;

pub use cluster::{
    endpoint, endpoint_failed, lacks, no_quorum, node_away, nothing_seen, of_root, reached, token,
    too_much, unread, unseen_pool,
};
pub use discord::{
    bot, cannot_speak, channel, channel_elsewhere, guild, no_bot, no_channel, no_guild, no_person,
    no_role, not_looked_up, person, role,
};
pub use place::{no_place, open_place, place, unusable};
pub use rules::{idle, unanswered};
pub use tokens::{token_admin, token_admin_lacks, token_admin_unread};

/// How one finding counts. A warning does not fail the check; of the failures, the command's exit
/// code tells apart those that may pass by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    Ok,
    Warning,
    /// A server that is away: it may be there later.
    Passing,
    /// What only a change of the configuration mends.
    Lasting,
}

/// One line, and what may follow it indented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub grade: Grade,
    pub text: String,
}

impl Finding {
    fn new(grade: Grade, text: impl Into<String>) -> Self {
        Self {
            grade,
            text: text.into(),
        }
    }

    fn ok(text: impl Into<String>) -> Self {
        Self::new(Grade::Ok, text)
    }

    fn warning(text: impl Into<String>) -> Self {
        Self::new(Grade::Warning, text)
    }
}

#[must_use]
pub fn printed(finding: &Finding) -> String {
    let mark = match finding.grade {
        Grade::Ok => "ok   ",
        Grade::Warning => "warn ",
        Grade::Passing | Grade::Lasting => "FAIL ",
    };
    let text = finding.text.replace('\n', "\n     ");
    format!("{mark}{text}\n")
}

#[must_use]
pub fn configuration(rules: usize, warnings: usize) -> Finding {
    let warned = match warnings {
        0 => String::new(),
        1 => ", 1 warning above".to_owned(),
        many => format!(", {many} warnings above"),
    };
    Finding::ok(format!("configuration: {rules} rules{warned}"))
}
