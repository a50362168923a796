//! The prompt: talk with the bot as anybody, and break things meanwhile.

mod editor;
mod lines;
mod obey;
mod offers;
mod order;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::arguments::Arguments;
use crate::conversation::Conversation;
use crate::world::World;
use lines::{Asked, Manner};
use obey::After;
use order::Order;

/// How often to look for news that nothing announces.
const LOOK: Duration = Duration::from_millis(500);

const BANNER: &str = "\
The real bot, between a fake Proxmox and a fake Discord. Try:
  /status             what runs                 as friend         be somebody else
  /vm start 101       watch it start            break task-fails  then start it again
  /vm stop 102        press [1] by typing 1     faults, mend      what breaks; all whole again
TAB or ? completes:   /vm start ?               help, quit";

/// Who types now, for the thread that completes.
type Who = Arc<Mutex<String>>;

/// Until `quit` or the end of the input; the exit code.
pub async fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    arguments.check()?;
    let world = World::start().await?;
    for name in &arguments.faults {
        world.break_by_name(name);
    }
    let who: Who = Arc::new(Mutex::new(arguments.person.clone()));
    let (screen, manner, mut asked) = lines::open(&world.discord, &who)?;
    let mut talk = Conversation::new(world, screen, &arguments.person);
    if manner == Manner::People {
        talk.screen.line(BANNER);
        talk.screen.line("");
    }
    let mut prompt = Prompt { talk, manner };
    loop {
        let revision = prompt.talk.world.discord.revision();
        let changed = prompt.talk.world.discord.changed_since(revision, LOOK);
        tokio::select! {
            biased;
            next = asked.recv() => {
                let Some(Asked { line, answered }) = next else { break };
                if prompt.line(&line, &who).await == After::Quit {
                    break;
                }
                // The thread may have gone; then the next `recv` says so.
                let _ = answered.send(());
            }
            _ = changed => {}
        }
        prompt.talk.show_news().await;
    }
    prompt.end().await
}

struct Prompt {
    talk: Conversation,
    manner: Manner,
}

impl Prompt {
    async fn line(&mut self, line: &str, who: &Who) -> After {
        if self.manner == Manner::Script {
            let echo = format!("{}{line}", prompt_of(self.talk.name()));
            let echo = self.talk.screen.paint.bold(&echo);
            self.talk.screen.line(&echo);
        }
        let after = self.obey(Order::read(line)).await;
        self.talk
            .name()
            .clone_into(&mut who.lock().unwrap_or_else(PoisonError::into_inner));
        after
    }

    async fn end(mut self) -> anyhow::Result<u8> {
        let line = self.talk.writes_line();
        self.talk.screen.line(&line);
        let code = u8::from(self.talk.faulty);
        self.talk.world.end().await;
        Ok(code)
    }
}

fn prompt_of(name: &str) -> String {
    format!("{name}> ")
}
