//! `pve-steward setup` between both fakes, with all that it asks for at hand.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Context as _;
use fake_discord::Discord;
use fake_proxmox::Cluster;
use pve_steward::cli;

use crate::world::{ADMIN, with_second_token};

/// Runs it to its end; the exit code.
pub async fn run() -> anyhow::Result<u8> {
    let setup = fake_proxmox::Setup::home().lived_in();
    let proxmox = Cluster::start(with_second_token(setup)).await?;
    let discord = Discord::start(fake_discord::Setup::home()).await?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    println!("{}", answers(&proxmox, &discord));
    let code = cli::typed(words(folder.path(), &discord)).await?;
    if let Ok(written) = std::fs::read_to_string(folder.path().join("steward.toml")) {
        println!(
            "\nIn earnest you would go on with that. Here all of it ends now; this was written:\n"
        );
        println!("{written}");
    }
    Ok(code)
}

/// Nothing outside of the folder is touched.
fn words(folder: &Path, discord: &Discord) -> [OsString; 8] {
    [
        "pve-steward".into(),
        "setup".into(),
        "--dir".into(),
        folder.into(),
        "--state-dir".into(),
        folder.join("state").into(),
        "--discord-api-url".into(),
        discord.url().into(),
    ]
}

fn answers(proxmox: &Cluster, discord: &Discord) -> String {
    let address = proxmox.url_of("pve1");
    let fingerprint = proxmox.fingerprint("pve1");
    let (id, secret) = (proxmox.token_id(), proxmox.token_secret());
    let (admin, admin_secret) = ADMIN;
    let bot = discord.token();
    format!(
        "The real `pve-steward setup`, between a fake Proxmox and a fake Discord. Answer with these, or\n\
         with something else and see what it says; Enter takes what stands in brackets.\n\n  \
         Address of a node      {address}\n  \
         Its fingerprint        {fingerprint}\n  \
         Token id               {id}\n  \
         Secret of the token    {secret}\n  \
         Second token (/token)  {admin}\n  \
         Secret of the second   {admin_secret}\n  \
         Token of the bot       {bot}\n"
    )
}
