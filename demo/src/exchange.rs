//! One command as one person, shown to its end.

use std::time::Duration;

use crate::arguments::Arguments;
use crate::catalogue;
use crate::conversation::{Conversation, Rest};
use crate::screen::Screen;
use crate::world::World;

const LIMIT: Duration = Duration::from_secs(30);

/// The exit code: 0 for every answer that came, a refusal too.
pub async fn run(arguments: &Arguments, command: &str) -> anyhow::Result<u8> {
    arguments.check()?;
    let world = World::start().await?;
    for name in &arguments.faults {
        world.break_by_name(name);
    }
    let mut talk = Conversation::new(world, Screen::stdout(), &arguments.person);
    let went_well = converse(&mut talk, command, &arguments.press).await;
    let line = talk.writes_line();
    talk.screen.line(&line);
    let code = u8::from(!went_well || talk.faulty);
    talk.world.end().await;
    Ok(code)
}

async fn converse(talk: &mut Conversation, command: &str, presses: &[String]) -> bool {
    let typed = format!("{} types {command}", talk.name());
    talk.screen.line(&talk.screen.paint.bold(&typed));
    talk.screen.line("");
    if let Err(problem) = talk.slash(command).await {
        talk.screen.note(&problem);
        talk.screen.line("\nThere are these commands:");
        talk.screen
            .line(&catalogue::lines(&talk.world.discord).join("\n"));
        talk.screen.line("");
        return false;
    }
    if !settled(talk).await {
        return false;
    }
    for which in presses {
        if let Err(problem) = talk.press(which).await {
            talk.screen.note(&format!("{problem}\n"));
            return false;
        }
        talk.screen.line("");
        if !settled(talk).await {
            return false;
        }
    }
    true
}

async fn settled(talk: &mut Conversation) -> bool {
    let rest = talk.until_settled(LIMIT).await;
    match rest {
        Rest::Settled => {}
        Rest::Unanswered => talk.screen.note("There was no answer.\n"),
        Rest::Unfinished => {
            let limit = LIMIT.as_secs();
            let text = format!("Still at work after {limit} s; not waited for.\n");
            talk.screen.note(&text);
        }
    }
    rest == Rest::Settled
}
