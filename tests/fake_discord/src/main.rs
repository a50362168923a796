//! The fake as a program: a Discord to point a bot at, with people whose words come from the terminal.

use std::io::BufRead as _;

use clap::Parser;
use fake_discord::{Discord, Setup};
use tokio::sync::mpsc;

/// A strict fake of Discord on 127.0.0.1
#[derive(Parser)]
struct Arguments {
    /// Port for REST and gateway; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let discord = Discord::start(Setup {
        port: arguments.port,
        ..Setup::home()
    })
    .await?;
    println!("api_url {}\ntoken   {}", discord.url(), discord.token());
    println!(
        "Type: owner /vm start 101 | owner click Confirm | fault gateway-drops | faults | violations"
    );
    let mut lines = read_lines();
    let mut last = None;
    while let Some(line) = lines.recv().await {
        obey(&discord, line.trim(), &mut last).await;
    }
    Ok(())
}

fn read_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

async fn obey(discord: &Discord, line: &str, last: &mut Option<fake_discord::Message>) {
    let (who, deed) = line.split_once(' ').unwrap_or((line, ""));
    match (who, deed) {
        ("", _) => return,
        ("faults", _) => {
            for (name, meaning) in Discord::fault_names() {
                println!("{name}: {meaning}");
            }
            return;
        }
        ("violations", _) => return println!("{}", discord.violations().join("\n")),
        ("fault", name) if discord.fault_by_name(name) => return println!("done"),
        ("fault", name) => return println!("no fault is called {name}"),
        _ => {}
    }
    if !Setup::home().people.iter().any(|person| person.name == who) {
        return println!("there is nobody called {who}");
    }
    let person = discord.person(who);
    let answer = match (deed.strip_prefix("click "), last.as_ref()) {
        (Some(label), Some(message)) => person.try_click(message, label).await,
        _ => person.try_slash(deed).await,
    };
    match answer {
        Err(problem) => println!("{problem}"),
        Ok(answer) => {
            let wait = tokio::spawn(async move { answer.settled().await });
            match wait.await {
                Ok(message) => {
                    println!("{}", message.text());
                    *last = Some(message);
                }
                Err(_) => println!("nothing came"),
            }
        }
    }
}
