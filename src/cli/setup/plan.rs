//! From answers to files: which are to be written, and what changes in the configuration.

use std::path::{Path, PathBuf};

use super::Options;
use super::admin::{self, Admin};
use super::ask::Stop;
use super::discord::Discord;
use super::edit::{self, Put};
use super::present::Present;
use super::proxmox::{Believed, Proxmox, before};
use super::write::{PUBLIC, Planned, SECRET};
use crate::config::Secret;
use crate::embed::setup as words;
use crate::proxmox::fingerprint_text;

const DISCORD_TOKEN: &str = "discord_token";
const ADMIN_TOKEN: &str = "pve_admin_token";

/// The secrets that are there.
pub(super) struct KeptSecrets {
    pub discord: Option<Secret>,
    pub proxmox: Option<Secret>,
    /// Of the second token.
    pub admin: Option<Secret>,
}

/// All answers.
pub(super) struct Found {
    pub proxmox: Proxmox,
    pub admin: Admin,
    pub discord: Discord,
    /// `None`: as it is.
    pub time_zone: Option<String>,
    /// The same.
    pub state_dir: Option<String>,
    pub api_url: Option<String>,
}

pub(super) struct Plan {
    /// The configuration is the last. Empty: nothing is to be changed.
    pub files: Vec<Planned>,
    keys: Vec<String>,
}

impl Plan {
    pub(super) fn shown(&self, present: &Present) -> String {
        let others = self.files.iter().filter(|it| it.path != present.file);
        let others: Vec<(&Path, bool)> = others
            .map(|it| (it.path.as_path(), it.path.exists()))
            .collect();
        words::plan(&present.file, present.text.is_some(), &self.keys, &others)
    }
}

/// Of the first cluster the names of the systemd unit; further ones have their own.
fn usual(present: &Present, stem: &str, end: &str) -> String {
    let first = present.clusters().into_iter().next();
    match first {
        Some(first) if first != present.cluster => format!("{stem}_{}{end}", present.cluster),
        _ => format!("{stem}{end}"),
    }
}

pub(super) fn kept(present: &Present) -> KeptSecrets {
    let file = usual(present, "pve_token", "");
    let admin_file = usual(present, ADMIN_TOKEN, "");
    KeptSecrets {
        discord: present.secret("discord", "token", DISCORD_TOKEN),
        proxmox: present.secret("cluster", "token_secret", &file),
        admin: present.secret("cluster", "admin_token_secret", &admin_file),
    }
}

/// Options that a run without questions needs and does not have.
pub(super) fn missing(
    options: &Options,
    present: &Present,
    kept: &KeptSecrets,
) -> Vec<&'static str> {
    let trusted = options.ca_file.is_some()
        || !options.fingerprint.is_empty()
        || options.public_roots
        || before(present).is_some();
    let there = |section: &str, key: &str| present.one(section, key).is_some();
    let others_rule = present.text.is_some() && present.doc.contains_key("allow");
    let needed = [
        (
            !options.endpoint.is_empty() || there("cluster", "endpoints"),
            "--endpoint",
        ),
        (trusted, "--ca-file, --fingerprint or --public-roots"),
        (
            options.token_id.is_some() || there("cluster", "token_id"),
            "--token-id",
        ),
        (
            options.token_secret_file.is_some() || kept.proxmox.is_some(),
            "--token-secret-file",
        ),
        (
            options.discord_token_file.is_some() || kept.discord.is_some(),
            "--discord-token-file",
        ),
        (
            !options.guild.is_empty() || there("discord", "guilds"),
            "--guild",
        ),
        (
            options.owner.is_some() || there("people", words::OWNER) || others_rule,
            "--owner",
        ),
    ];
    let missing = needed.into_iter().filter(|(there, _)| !there);
    let admin = admin::missing(options, present, kept.admin.as_ref());
    missing.map(|(_, option)| option).chain(admin).collect()
}

/// Changes the document as the answers say, and gives all files that differ from what is there.
pub(super) fn plan(present: &mut Present, kept: &KeptSecrets, found: &Found) -> Result<Plan, Stop> {
    let mut change = Change {
        keys: Vec::new(),
        files: Vec::new(),
        present,
    };
    change.discord(&found.discord, kept.discord.as_ref())?;
    if let Some(url) = &found.api_url {
        change.set("discord", "api_url", &Put::Text(url.clone()))?;
    }
    if let Some(zone) = &found.time_zone {
        change.set("bot", "time_zone", &Put::Text(zone.clone()))?;
    }
    match &found.state_dir {
        Some(folder) => change.set("bot", "state_dir", &Put::Text(folder.clone()))?,
        None if change.present.text.is_none() => change.set("bot", "state_dir", &Put::Nothing)?,
        None => {}
    }
    change.proxmox(&found.proxmox, kept.proxmox.as_ref())?;
    change.admin(&found.admin, kept.admin.as_ref())?;
    if let Some(owner) = found.discord.owner {
        change.set("people", words::OWNER, &Put::Id(owner.0))?;
        if !edit::is_allowed_something(&change.present.doc, words::OWNER) {
            edit::allow_all(&mut change.present.doc, words::OWNER);
            change.keys.push("allow".to_owned());
        }
    }
    let Change {
        keys,
        mut files,
        present,
    } = change;
    let text = match &present.text {
        Some(text) if keys.is_empty() => text.clone(),
        _ => edit::text(present),
    };
    // With a new secret it is written too, though it says the same: all is loaded before anything
    // is moved.
    if present.text.as_ref() != Some(&text) || !files.is_empty() {
        files.push(Planned {
            path: present.file.clone(),
            text,
            mode: PUBLIC,
            variable: None,
        });
    }
    Ok(Plan { files, keys })
}

struct Change<'p> {
    present: &'p mut Present,
    keys: Vec<String>,
    files: Vec<Planned>,
}

impl Change<'_> {
    fn set(&mut self, section: &str, key: &str, put: &Put) -> Result<(), Stop> {
        let changed = edit::set(self.present, section, key, put);
        let shown = format!("{section}.{key}");
        match changed {
            Some(true) => self.keys.push(shown),
            Some(false) => {}
            None => {
                return Err(Stop::lasting(words::not_changed(
                    &self.present.file,
                    &shown,
                )));
            }
        }
        Ok(())
    }

    fn discord(&mut self, found: &Discord, kept: Option<&Secret>) -> Result<(), Stop> {
        let variable = "PVE_STEWARD__DISCORD__TOKEN_FILE".to_owned();
        let file = (DISCORD_TOKEN, variable);
        self.secret("discord", "token", file, (&found.token, kept))?;
        let guilds = found.guilds.iter().map(|id| id.0).collect();
        self.set("discord", "guilds", &Put::Ids(guilds))?;
        for (key, ids) in &found.rooms {
            let put = match ids.as_slice() {
                [] => Put::Nothing,
                ids if *key == words::ROOMS[0] => Put::Ids(ids.iter().map(|id| id.0).collect()),
                [id, ..] => Put::Id(id.0),
            };
            self.set("discord", key, &put)?;
        }
        Ok(())
    }

    fn proxmox(&mut self, found: &Proxmox, kept: Option<&Secret>) -> Result<(), Stop> {
        self.set("cluster", "endpoints", &Put::Texts(found.endpoints.clone()))?;
        self.set("cluster", "token_id", &Put::Text(found.token_id.clone()))?;
        let usual_secret = usual(self.present, "pve_token", "");
        let file = (usual_secret.as_str(), self.variable("TOKEN_SECRET_FILE"));
        self.secret("cluster", "token_secret", file, (&found.secret, kept))?;
        match &found.trust {
            Believed::Ca { kept: true, .. } | Believed::Pinned { kept: true, .. } => {}
            Believed::Ca { pem, kept: false } => {
                let usual = usual(self.present, "pve-root-ca", ".pem");
                let path = self.present.folder.join(&usual);
                if std::fs::read_to_string(&path).ok().as_ref() != Some(pem) {
                    self.files.push(Planned {
                        path,
                        text: pem.clone(),
                        mode: PUBLIC,
                        variable: Some(self.variable("CA_FILE")),
                    });
                }
                let put = Put::Text(self.named(&usual));
                self.set("cluster", "ca_file", &put)?;
                self.set("cluster", "fingerprints", &Put::Nothing)?;
            }
            Believed::Pinned { pins, .. } => {
                let pins: Vec<String> = pins.iter().map(fingerprint_text).collect();
                self.set("cluster", "fingerprints", &Put::Texts(pins))?;
                self.set("cluster", "ca_file", &Put::Nothing)?;
            }
            Believed::Public => {
                self.set("cluster", "fingerprints", &Put::Nothing)?;
                self.set("cluster", "ca_file", &Put::Nothing)?;
            }
        }
        Ok(())
    }

    fn admin(&mut self, found: &Admin, kept: Option<&Secret>) -> Result<(), Stop> {
        match found {
            Admin::AsItIs => Ok(()),
            Admin::LeftOut => {
                let keys =
                    ["id", "secret", "secret_file"].map(|part| format!("admin_token_{part}"));
                keys.iter()
                    .try_for_each(|key| self.set("cluster", key, &Put::Nothing))
            }
            Admin::Token { id, secret } => {
                self.set("cluster", "admin_token_id", &Put::Text(id.clone()))?;
                let usual = usual(self.present, ADMIN_TOKEN, "");
                let file = (usual.as_str(), self.variable("ADMIN_TOKEN_SECRET_FILE"));
                self.secret("cluster", "admin_token_secret", file, (secret, kept))
            }
        }
    }

    /// What sets a key of the cluster from outside.
    fn variable(&self, key: &str) -> String {
        let upper = self.present.cluster.as_str().to_ascii_uppercase();
        format!("PVE_STEWARD__CLUSTER__{upper}__{key}")
    }

    /// A secret that is new is written to the file that held the one before, where that lies in
    /// the folder, else to its usual one; never into the configuration.
    fn secret(
        &mut self,
        section: &str,
        key: &str,
        (usual, variable): (&str, String),
        (secret, kept): (&Secret, Option<&Secret>),
    ) -> Result<(), Stop> {
        let key_file = format!("{key}_file");
        let same = kept.is_some_and(|kept| kept == secret);
        let named = self.present.path(section, &key_file);
        let inline = self.present.one(section, key).is_some();
        if same && (named.is_some() || inline) {
            return Ok(());
        }
        let own = |path: &PathBuf| path.parent() == Some(self.present.folder.as_path());
        let own = named.filter(own);
        if !same {
            let path = own.clone();
            self.files.push(Planned {
                path: path.unwrap_or_else(|| self.present.folder.join(usual)),
                text: format!("{}\n", secret.expose()),
                mode: SECRET,
                variable: Some(variable),
            });
        }
        if own.is_none() {
            let put = Put::Text(self.named(usual));
            self.set(section, &key_file, &put)?;
        }
        self.set(section, key, &Put::Nothing)
    }

    /// How the configuration names a file beside itself.
    fn named(&self, file: &str) -> String {
        if self.present.folder.is_absolute() {
            self.present.folder.join(file).display().to_string()
        } else {
            format!("./{file}")
        }
    }
}
