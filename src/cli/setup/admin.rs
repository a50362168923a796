//! The second token, with which people manage tokens: only where somebody wants it.

use std::path::PathBuf;

use super::ask::{Dialogue, Stop};
use super::present::Present;
use super::proxmox::{Proxmox, only_secret};
use super::{Options, secret_of};
use crate::cli::check::tokens;
use crate::cli::say;
use crate::config::{AdminToken, Cluster, Secret, typed};
use crate::embed::check::{Grade, printed};
use crate::embed::setup::admin as words;
use crate::ids::ClusterName;
use crate::proxmox::Error;

/// What becomes of it.
pub(super) enum Admin {
    /// There is one, and nobody asked about it.
    AsItIs,
    LeftOut,
    Token {
        id: String,
        secret: Secret,
    },
}

/// The id that stands in the configuration.
pub(super) fn before(present: &Present) -> Option<String> {
    present.one("cluster", "admin_token_id")
}

/// One that was there before and is wanted no longer. Nothing of it is deleted: others may use it.
pub(super) struct Gone {
    id: String,
    secret: Option<PathBuf>,
}

/// `present` is as it was before.
pub(super) fn gone(admin: &Admin, present: &Present) -> Option<Gone> {
    let id = before(present).filter(|_| matches!(admin, Admin::LeftOut))?;
    let secret = present.path("cluster", "admin_token_secret_file");
    Some(Gone { id, secret })
}

/// Once all is written; `service`: the bot runs from the unit that comes with it.
pub(super) fn say_gone(gone: &Gone, cluster: &ClusterName, service: bool) {
    let cluster = service.then_some(cluster.as_str());
    say(&words::left_out(&gone.id, gone.secret.as_deref(), cluster));
}

/// Options that a run without questions needs and does not have.
pub(super) fn missing(
    options: &Options,
    present: &Present,
    kept: Option<&Secret>,
) -> Option<&'static str> {
    let secret = options.admin_token_secret_file.is_some();
    match &options.admin_token_id {
        Some(id) if id == words::NONE => None,
        Some(id) => {
            let there = secret || keeps(present, id, kept).is_some();
            (!there).then_some(words::SECRET_OPTION)
        }
        None => (secret && before(present).is_none()).then_some(words::ID_OPTION),
    }
}

/// Another token has another secret.
fn keeps<'s>(present: &Present, id: &str, kept: Option<&'s Secret>) -> Option<&'s Secret> {
    let same = before(present).is_none_or(|before| before == id);
    kept.filter(|_| same)
}

pub(super) async fn found(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
    (proxmox, kept): (&Proxmox, Option<&Secret>),
) -> Result<Admin, Stop> {
    let before = before(present);
    if !wanted(dialogue, options, before.as_deref()).await? {
        return Ok(Admin::LeftOut);
    }
    let given = options.admin_token_id.is_some() || options.admin_token_secret_file.is_some();
    if dialogue.unattended() && !given {
        return Ok(Admin::AsItIs);
    }
    let mut token = token(dialogue, options, present, (proxmox, kept)).await?;
    loop {
        let Some(default) = tried(dialogue, present, proxmox, &token).await? else {
            return Ok(token.into());
        };
        let choices = words::after_trying();
        let what = crate::embed::setup::WHAT_NOW;
        match dialogue.choose(what, &choices, Some(default)).await? {
            0 => {}
            1 => {
                // Options were tried, and did not work.
                let none = Options::default();
                token = self::token(dialogue, &none, present, (proxmox, None)).await?;
            }
            2 => return Ok(Admin::LeftOut),
            _ => return Ok(token.into()),
        }
    }
}

impl From<AdminToken> for Admin {
    fn from(AdminToken { id, secret }: AdminToken) -> Self {
        Self::Token { id, secret }
    }
}

async fn wanted(
    dialogue: &mut Dialogue,
    options: &Options,
    before: Option<&str>,
) -> Result<bool, Stop> {
    match options.admin_token_id.as_deref() {
        Some(id) => return Ok(id != words::NONE),
        None if options.admin_token_secret_file.is_some() => return Ok(true),
        None => {}
    }
    if dialogue.unattended() {
        return Ok(before.is_some());
    }
    say(&words::about());
    dialogue.yes(words::WANTED, before.is_some()).await
}

async fn token(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
    (proxmox, kept): (&Proxmox, Option<&Secret>),
) -> Result<AdminToken, Stop> {
    let before = before(present);
    let read = |typed: &str| match typed::token_id(typed)? {
        id if id == proxmox.token_id => Err(words::SAME.to_owned()),
        id => Ok(id),
    };
    let id = match (&options.admin_token_id, dialogue.unattended()) {
        (Some(id), _) => read(id).map_err(|why| bad(words::ID_OPTION, &why))?,
        (None, true) => before.unwrap_or_default(),
        (None, false) => {
            let default = before.as_deref().unwrap_or(words::USUAL);
            dialogue.ask(words::ID, Some(default), read).await?
        }
    };
    if let Some(file) = &options.admin_token_secret_file {
        let secret = secret_of(file, words::SECRET_OPTION)?;
        return Ok(AdminToken { id, secret });
    }
    let kept = keeps(present, &id, kept);
    let secret = match kept {
        Some(kept) if dialogue.unattended() => Some(kept.clone()),
        None if dialogue.unattended() => None,
        kept => {
            if kept.is_none() {
                say(&words::commands(&id));
            }
            let typed = dialogue.secret(words::SECRET, kept.is_some(), only_secret);
            typed.await?.or_else(|| kept.cloned())
        }
    };
    let missing = || Stop::lasting(crate::embed::setup::missing(&[words::SECRET_OPTION]));
    Ok(AdminToken {
        id,
        secret: secret.ok_or_else(missing)?,
    })
}

fn bad(option: &str, why: &str) -> Stop {
    Stop::lasting(crate::embed::setup::bad_option(option, why))
}

/// Says what it can do and what it lacks. `None`: go on; else what is likely wanted next, of
/// [`words::after_trying`].
async fn tried(
    dialogue: &Dialogue,
    present: &Present,
    proxmox: &Proxmox,
    token: &AdminToken,
) -> Result<Option<usize>, Stop> {
    let cluster = Cluster {
        name: present.cluster.clone(),
        endpoints: proxmox.endpoints.clone(),
        token_id: proxmox.token_id.clone(),
        token_secret: proxmox.secret.clone(),
        admin_token: Some(AdminToken {
            id: token.id.clone(),
            secret: token.secret.clone(),
        }),
        trust: proxmox.trust.trust(),
    };
    say(&crate::embed::setup::trying(present.cluster.as_str()));
    let Some(mut tried) = tokens::tried(&cluster).await else {
        return Ok(None);
    };
    let grade = tried.failed.as_ref().map(grade);
    for finding in &mut tried.findings {
        finding.grade = grade.unwrap_or(finding.grade);
        say(&printed(finding));
    }
    let refused = tried.failed.as_ref().is_some_and(Error::unauthorised);
    match grade {
        Some(Grade::Lasting) if dialogue.unattended() => Err(Stop::lasting(words::FAILED)),
        Some(_) if dialogue.unattended() => Err(Stop::passing(words::FAILED)),
        Some(_) => Ok(Some(usize::from(refused))),
        None => Ok((tried.lacks && !dialogue.unattended()).then_some(0)),
    }
}

/// What only another token mends, or what may pass by itself.
fn grade(error: &Error) -> Grade {
    if error.unauthorised() {
        Grade::Lasting
    } else {
        Grade::Passing
    }
}
