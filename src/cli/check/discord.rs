//! What Discord says, as findings.

use crate::discord::{Checked, Trouble, Useless, What, WhyUseless};
use crate::embed::check::{self as words, Finding};

pub(super) fn findings(checked: &Checked) -> Vec<Finding> {
    let mut findings = vec![match &checked.bot {
        Ok(name) => words::bot(name),
        Err(Trouble::Token) => words::no_bot(&checked.host, None),
        Err(trouble) => words::no_bot(&checked.host, Some(&trouble.to_string())),
    }];
    findings.extend(checked.guilds.iter().map(|(id, name)| match name {
        Ok(name) => words::guild(*id, name),
        Err(Trouble::NotThere | Trouble::Hidden) => words::no_guild(*id, None),
        Err(trouble) => words::no_guild(*id, Some(&trouble.to_string())),
    }));
    findings.extend(checked.useless.iter().map(useless));
    findings
}

fn useless(of: &Useless) -> Finding {
    let name = match &of.what {
        What::Person(name, id) => words::person(name, *id),
        What::Role(name, id) => words::role(name, *id),
        What::Channel(id, named_by) => words::channel(*id, named_by),
    };
    match (&of.what, &of.why) {
        (_, WhyUseless::Unknown(trouble)) => words::not_looked_up(&name, &trouble.to_string()),
        (_, WhyUseless::Lacks(lacking)) => words::cannot_speak(&name, lacking),
        (What::Channel(..), WhyUseless::NotThere) => words::no_channel(&name),
        (_, WhyUseless::Elsewhere) => words::channel_elsewhere(&name),
        (What::Person(..), WhyUseless::NotThere) => words::no_person(&name),
        (What::Role(..), WhyUseless::NotThere) => words::no_role(&name),
    }
}
