//! What `pve-steward check` found, line by line: `ok`, `warn` or `FAIL`, and the next step.

mod cluster;
mod discord;
mod place;
mod privileges;
mod rules;
mod tokens;

use crate::embed::fault;
use crate::proxmox::Error;

pub use cluster::{
    endpoint, endpoint_failed, far_too_much, lacks_at_all, no_quorum, node_away, nothing_seen,
    of_root, reached, token, unread,
};
pub use discord::{
    bot, cannot_speak, channel, channel_elsewhere, guild, no_bot, no_channel, no_guild, no_person,
    no_role, not_looked_up, person, role,
};
pub use place::{no_place, open_place, place, unusable};
pub use privileges::{can_all, lacks, mended_by, no_storage, sees_some, too_much};
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

/// What a finding is about. The words are those of `--json` and stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    Configuration,
    State,
    Cluster,
    Rules,
    Discord,
}

impl Area {
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::State => "state",
            Self::Cluster => "cluster",
            Self::Rules => "rules",
            Self::Discord => "discord",
        }
    }
}

/// One line, and what may follow it indented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub grade: Grade,
    pub text: String,
    /// To be typed on a node, as root.
    pub lines: Vec<String>,
    /// In the words of the libraries, for those who ask for them.
    pub cause: Option<String>,
}

impl Finding {
    fn new(grade: Grade, text: impl Into<String>) -> Self {
        Self {
            grade,
            text: text.into(),
            lines: Vec::new(),
            cause: None,
        }
    }

    fn caused_by(self, error: &Error) -> Self {
        Self {
            cause: fault::cause(error).map(str::to_owned),
            ..self
        }
    }

    /// With its cause in the text.
    #[must_use]
    pub fn with_cause(mut self) -> Self {
        if let Some(cause) = self.cause.take() {
            self.text = format!("{}\n{cause}", self.text);
        }
        self
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
    let lines = finding.lines.iter().map(|line| format!("\n{line}"));
    let text: String = [finding.text.clone()].into_iter().chain(lines).collect();
    let text = text.replace('\n', "\n     ");
    format!("{mark}{text}\n")
}

/// For scripts: one object, whose fields stay as they are. `exit`: the exit code.
#[must_use]
pub fn json(findings: &[(Area, Finding)], exit: u8) -> String {
    let grade = |grade: Grade| match grade {
        Grade::Ok => "ok",
        Grade::Warning => "warning",
        Grade::Passing => "passing",
        Grade::Lasting => "lasting",
    };
    let one = |(area, finding): &(Area, Finding)| {
        serde_json::json!({
            "grade": grade(finding.grade),
            "area": area.key(),
            "text": finding.text,
            "lines": finding.lines,
        })
    };
    let findings: Vec<_> = findings.iter().map(one).collect();
    format!(
        "{:#}\n",
        serde_json::json!({"exit": exit, "findings": findings})
    )
}

#[must_use]
pub fn configuration(rules: usize, warnings: usize) -> Finding {
    let warned = match warnings {
        0 => String::new(),
        1 => ", 1 warning above".to_owned(),
        many => format!(", {many} warnings above"),
    };
    let rules = super::words::counted(rules, "rule");
    Finding::ok(format!("configuration: {rules}{warned}"))
}
