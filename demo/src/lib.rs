//! The real bot between a fake Proxmox and a fake Discord, in a terminal.
//!
//! `world` starts the three; a `Conversation` is one person at a time who types and presses, and
//! prints what that person sees (`channel` finds what is new, `card` and `words` make it readable).
//! `exchange` does one command and ends; `prompt` goes on until you quit; `setup` is that of the bot.

mod arguments;
mod card;
mod catalogue;
mod channel;
mod conversation;
mod exchange;
mod paint;
mod press;
mod prompt;
mod screen;
mod setup;
mod words;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use arguments::Arguments;
use clap::Parser as _;

/// As a shell reports a program that was ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Parses the arguments and does what they say.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    if let Some(filter) = &arguments.log {
        pve_steward::logging::start(pve_steward::logging::Format::Text, Some(filter))?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let code = runtime.block_on(async {
        if arguments.setup {
            // It ends by itself on Ctrl-C, and says so.
            return setup::run().await;
        }
        let acted = async {
            match arguments.command() {
                Some(command) => exchange::run(arguments, &command).await,
                None => prompt::run(arguments).await,
            }
        };
        tokio::select! {
            code = acted => code,
            // Ends it the usual way, so that the temporary folder goes too.
            _ = tokio::signal::ctrl_c() => Ok(INTERRUPTED),
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}
