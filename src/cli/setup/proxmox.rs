//! Where Proxmox is, how it is known, and with which token it is asked.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::Options;
use super::ask::{Dialogue, Stop};
use super::present::Present;
use crate::cli::check::cluster;
use crate::cli::fingerprint::address;
use crate::cli::say;
use crate::config::{Cluster, Secret, Trust, typed};
use crate::embed::check::{self, Grade};
use crate::embed::fault;
use crate::embed::pveum::is_root;
use crate::embed::setup as words;
use crate::proxmox::{self, Client, Error, Inventory, Presented, fingerprint_text};

/// What was found out, and works.
pub(super) struct Proxmox {
    pub endpoints: Vec<String>,
    pub trust: Believed,
    pub token_id: String,
    pub secret: Secret,
}

/// How the servers are known.
pub(super) enum Believed {
    /// The text of the authority's certificate. `kept`: in the file that is named already.
    Ca {
        pem: String,
        kept: bool,
    },
    /// `kept`: as they are written already.
    Pinned {
        pins: Vec<[u8; 32]>,
        kept: bool,
    },
    Public,
}

impl Believed {
    pub(super) fn trust(&self) -> Trust {
        match self {
            Self::Ca { pem, .. } => Trust::Ca(pem.clone()),
            Self::Pinned { pins, .. } => Trust::Fingerprints(pins.clone()),
            Self::Public => Trust::SystemRoots,
        }
    }
}

pub(super) async fn found(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
    kept: Option<&Secret>,
) -> Result<Proxmox, Stop> {
    let (mut endpoints, mut shown) = endpoints(dialogue, options, present).await?;
    let mut trust = believed(dialogue, options, present, &shown).await?;
    let mut token = token(dialogue, options, present, kept).await?;
    loop {
        let (token_id, secret) = token.clone();
        let cluster = Cluster {
            name: present.cluster.clone(),
            endpoints: endpoints.clone(),
            token_id: token_id.clone(),
            token_secret: secret.clone(),
            admin_token: None,
            trust: trust.trust(),
        };
        let found = Proxmox {
            endpoints: endpoints.clone(),
            trust,
            token_id,
            secret,
        };
        let Some(failed) = tried(&cluster).await else {
            return Ok(found);
        };
        if dialogue.unattended() {
            return Err(match failed.grade {
                Grade::Lasting => Stop::lasting(words::PROXMOX_FAILED),
                _ => Stop::passing(words::PROXMOX_FAILED),
            });
        }
        let choices = words::after_failure();
        trust = found.trust;
        // Options were tried, and did not work.
        let none = Options::default();
        // The same token would be refused again.
        let default = usize::from(failed.refused);
        let what = dialogue.choose(words::WHAT_NOW, &choices, Some(default));
        match what.await? {
            0 => {}
            1 => token = self::token(dialogue, &none, present, None).await?,
            2 => {
                (endpoints, shown) = self::endpoints(dialogue, &none, present).await?;
                trust = believed(dialogue, &none, present, &shown).await?;
            }
            _ => return Ok(Proxmox { trust, ..found }),
        }
    }
}

/// Why Proxmox cannot be used like this.
struct Failed {
    grade: Grade,
    /// It does not accept the token.
    refused: bool,
}

/// Says what the token finds there; the worst, if that is a failure.
async fn tried(cluster: &Cluster) -> Option<Failed> {
    say(&words::trying(cluster.name.as_str()));
    let client = match Client::new(cluster) {
        Ok(client) => client,
        Err(error) => {
            let finding = check::unread(cluster.name.as_str(), &error);
            say(&check::printed(&finding));
            return Some(Failed {
                grade: finding.grade,
                refused: false,
            });
        }
    };
    let inventory = Inventory::new(Arc::new(client));
    let looked = cluster::findings(cluster, &inventory, None).await;
    for finding in &looked.findings {
        say(&check::printed(finding));
    }
    let worst = looked.findings.iter().map(|finding| finding.grade).max();
    let grade = worst.filter(|grade| *grade >= Grade::Passing)?;
    Some(Failed {
        grade,
        refused: looked.refused,
    })
}

/// The addresses, and what stands behind each that could be looked at.
async fn endpoints(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
) -> Result<(Vec<String>, Vec<Presented>), Stop> {
    let before = present.list("cluster", "endpoints");
    let default = (!before.is_empty()).then(|| before.join(" "));
    let mut given = if options.endpoint.is_empty() {
        None
    } else {
        let given = addresses(options.endpoint.iter().map(String::as_str));
        Some(given.map_err(|why| Stop::lasting(words::bad_option("--endpoint", &why)))?)
    };
    if dialogue.unattended() {
        let Some(given) = given else {
            return Ok((before, Vec::new()));
        };
        let (shown, missing) = looked_at(&given).await;
        if shown.is_empty() {
            return Err(Stop::passing(missing));
        }
        return Ok((given, Vec::new()));
    }
    say(&words::first_step());
    // Kept as they are written.
    let read = |typed: &str| match &default {
        Some(default) if typed == default => Ok(before.clone()),
        _ => addresses(typed.split([',', ' ']).filter(|one| !one.is_empty())),
    };
    loop {
        let urls = match given.take() {
            Some(given) => given,
            None => {
                dialogue
                    .ask(words::ADDRESS, default.as_deref(), read)
                    .await?
            }
        };
        let (shown, missing) = looked_at(&urls).await;
        for (url, presented) in &shown {
            let pin = fingerprint_text(&presented.fingerprint);
            say(&words::presented(url, &pin));
        }
        say(&missing);
        let shown: Vec<Presented> = shown.into_iter().map(|(_, presented)| presented).collect();
        // One that is off may be added all the same; nowhere is no cluster.
        if !shown.is_empty() {
            return Ok((urls, shown));
        }
        if default.is_some() && dialogue.yes(words::GO_ON_UNSEEN, false).await? {
            return Ok((urls, shown));
        }
    }
}

/// What each shows, and what there is to say of those that show nothing.
async fn looked_at(urls: &[String]) -> (Vec<(&str, Presented)>, String) {
    let (mut shown, mut missing) = (Vec::new(), String::new());
    for url in urls {
        match proxmox::presented(url).await {
            Ok(presented) => shown.push((url.as_str(), presented)),
            Err(error) => {
                missing.push_str(&fault::no_certificate(url, &error));
                missing.push('\n');
            }
        }
    }
    (shown, missing)
}

fn addresses<'t>(typed: impl Iterator<Item = &'t str>) -> Result<Vec<String>, String> {
    let urls: Result<Vec<String>, String> = typed
        .map(|one| address(one).ok_or_else(|| words::no_address(one)))
        .collect();
    let urls = urls?;
    if urls.is_empty() {
        return Err(words::NO_ADDRESS.to_owned());
    }
    Ok(urls)
}

async fn believed(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
    shown: &[Presented],
) -> Result<Believed, Stop> {
    if let Some(file) = &options.ca_file {
        let pem = authority(&file.display().to_string());
        return pem.map_err(|why| Stop::lasting(words::bad_option("--ca-file", &why)));
    }
    if !options.fingerprint.is_empty() {
        let pins = options.fingerprint.clone();
        return Ok(Believed::Pinned { pins, kept: false });
    }
    if options.public_roots {
        return Ok(Believed::Public);
    }
    let before = before(present);
    if let (true, Some(before)) = (dialogue.unattended(), before) {
        return Ok(before);
    }
    asked_trust(dialogue, present, shown).await
}

/// How the servers of a cluster that is set up already are known.
pub(super) fn before(present: &Present) -> Option<Believed> {
    if let Some(path) = present.path("cluster", "ca_file") {
        let pem = fs::read_to_string(path).ok()?;
        return Some(Believed::Ca { pem, kept: true });
    }
    let pins = present.list("cluster", "fingerprints");
    if !pins.is_empty() {
        let pins: Result<Vec<_>, _> = pins.iter().map(|pin| typed::fingerprint(pin)).collect();
        let pins = pins.ok()?;
        return Some(Believed::Pinned { pins, kept: true });
    }
    // With neither key, an existing cluster is known by public authorities.
    let there = present.one("cluster", "token_id").is_some();
    there.then_some(Believed::Public)
}

async fn asked_trust(
    dialogue: &mut Dialogue,
    present: &Present,
    shown: &[Presented],
) -> Result<Believed, Stop> {
    let public = !shown.is_empty() && shown.iter().all(|one| one.public);
    let mut choices = vec![words::BY_CA.to_owned(), words::by_pins(shown.len())];
    if public {
        choices.push(words::BY_PUBLIC.to_owned());
    }
    let before = before(present);
    if before.is_some() {
        choices.push(words::AS_BEFORE.to_owned());
    }
    let default = before.is_some().then(|| choices.len() - 1);
    let default = default.or(public.then_some(2));
    loop {
        let at = dialogue.choose(words::HOW_KNOWN, &choices, default).await?;
        match choices[at].as_str() {
            words::BY_CA => {
                let read = |typed: &str| match typed {
                    "" => Ok(None),
                    path => authority(path).map(Some),
                };
                // Whoever has no copy after all can go back.
                if let Some(found) = dialogue.ask(words::WHICH_CA, None, read).await? {
                    return Ok(found);
                }
            }
            words::BY_PUBLIC => return Ok(Believed::Public),
            words::AS_BEFORE => {
                if let Some(before) = before {
                    return Ok(before);
                }
                return Ok(Believed::Public);
            }
            _ if !shown.is_empty() && dialogue.yes(words::COMPARED, false).await? => {
                let mut pins: Vec<[u8; 32]> = shown.iter().map(|one| one.fingerprint).collect();
                pins.sort_unstable();
                pins.dedup();
                return Ok(Believed::Pinned { pins, kept: false });
            }
            _ => say(words::NOT_COMPARED),
        }
    }
}

/// The certificate in a file, whole.
fn authority(path: &str) -> Result<Believed, String> {
    let path = PathBuf::from(path);
    let pem =
        fs::read_to_string(&path).map_err(|error| words::not_read(&path, &error.to_string()))?;
    match proxmox::usable_authority(&pem) {
        Ok(()) => Ok(Believed::Ca { pem, kept: false }),
        Err(Error::Setup(why)) => Err(words::not_read(&path, &why)),
        Err(error) => Err(words::not_read(&path, &error.to_string())),
    }
}

async fn token(
    dialogue: &mut Dialogue,
    options: &Options,
    present: &Present,
    kept: Option<&Secret>,
) -> Result<(String, Secret), Stop> {
    let before = present.one("cluster", "token_id");
    let id = token_id(dialogue, options, before.as_deref()).await?;
    if let Some(file) = &options.token_secret_file {
        let secret = super::secret_of(file, "--token-secret-file")?;
        return Ok((id, secret));
    }
    // Another token has another secret.
    let kept = kept.filter(|_| before.as_deref().is_none_or(|before| before == id));
    match kept {
        Some(kept) if dialogue.unattended() => return Ok((id, kept.clone())),
        None if dialogue.unattended() => {
            return Err(Stop::lasting(words::missing(&["--token-secret-file"])));
        }
        None => say(&words::token_commands(&id)),
        Some(_) => {}
    }
    let typed = dialogue
        .secret(words::TOKEN_SECRET, kept.is_some(), only_secret)
        .await?;
    let secret = typed.or_else(|| kept.cloned());
    Ok((
        id,
        secret.ok_or_else(|| Stop::lasting(words::NO_MORE_INPUT))?,
    ))
}

/// The superuser's only where somebody insists on it.
async fn token_id(
    dialogue: &mut Dialogue,
    options: &Options,
    before: Option<&str>,
) -> Result<String, Stop> {
    let mut given = options.token_id.clone();
    if dialogue.unattended() {
        return Ok(given.unwrap_or_else(|| before.unwrap_or_default().to_owned()));
    }
    if given.is_none() {
        say(&words::second_step());
    }
    loop {
        let id = if let Some(given) = given.take() {
            given
        } else {
            let default = before.unwrap_or(words::USUAL_TOKEN);
            dialogue
                .ask(words::TOKEN_ID, Some(default), typed::token_id)
                .await?
        };
        if !is_root(&id) || before == Some(id.as_str()) {
            return Ok(id);
        }
        say(words::ROOTS);
        if dialogue.yes(words::ALL_THE_SAME, false).await? {
            return Ok(id);
        }
    }
}

/// Whoever copies the whole line of a token's header means the part behind the `=`.
pub(super) fn only_secret(typed: &str) -> Result<Secret, String> {
    if typed.contains('=') {
        return Err(words::ONLY_THE_SECRET.to_owned());
    }
    typed::secret(typed)
}
