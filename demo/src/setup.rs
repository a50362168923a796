//! `pve-steward setup` between both fakes, with all that it asks for at hand.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Context as _;
use fake_discord::Discord;
use fake_proxmox::{Cluster, Token};
use pve_steward::cli;
use pve_steward::embed::pveum;

/// The second token, and the secret that it has here.
const ADMIN: (&str, &str) = ("steward@pve!admin", "3f0a9c52-7d41-4e8b-9a6c-5b1e2d7f8043");

/// Runs it to its end; the exit code.
pub async fn run() -> anyhow::Result<u8> {
    let mut setup = fake_proxmox::Setup::home().lived_in();
    setup.tokens.push(Token {
        id: ADMIN.0.to_owned(),
        secret: ADMIN.1.to_owned(),
        privsep: true,
    });
    setup.typed.extend(pveum::admin(ADMIN.0));
    let proxmox = Cluster::start(setup).await?;
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
