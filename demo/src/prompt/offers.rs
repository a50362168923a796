//! What could stand next on a line: words of the prompt, commands, and what the bot suggests.

use fake_discord::Discord;
use serde_json::Value;

use super::order::WORDS;
use crate::arguments::all_faults;
use crate::catalogue;

pub struct Offer {
    /// What is typed for it.
    pub text: String,
    /// How it reads in the list.
    pub shown: String,
}

pub struct Offers {
    /// Where in the line an offer begins.
    pub start: usize,
    pub list: Vec<Offer>,
}

impl Offers {
    /// One line an offer, and nothing twice: the bot's own lists begin with what is typed.
    pub fn lines(&self) -> Vec<String> {
        let widths = self.list.iter().map(|offer| offer.text.chars().count());
        let width = widths.max().unwrap_or_default();
        let line = |offer: &Offer| match offer.shown.strip_prefix(&offer.text) {
            Some(_) => offer.shown.clone(),
            None => format!("{:width$}  {}", offer.text, offer.shown)
                .trim_end()
                .to_owned(),
        };
        self.list.iter().map(line).collect()
    }
}

/// What fits after `line`, as that person.
pub async fn offers(discord: &Discord, name: &str, line: &str) -> Result<Offers, String> {
    let start = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    if line.starts_with('/') {
        return slash(discord, name, line, start).await;
    }
    let begun = &line[start..];
    let list = match line[..start].trim() {
        "" => fitting(begun, WORDS.iter().copied()),
        "as" => {
            let people = discord.setup().people;
            fitting(
                begun,
                people.iter().map(|person| (person.name.as_str(), "")),
            )
        }
        "break" => fitting(begun, all_faults()),
        _ => Vec::new(),
    };
    Ok(Offers { start, list })
}

async fn slash(discord: &Discord, name: &str, line: &str, start: usize) -> Result<Offers, String> {
    let entries = catalogue::entries(discord);
    let whole = |command: &str| {
        line.strip_prefix(command)
            .is_some_and(|l| l.starts_with(' '))
    };
    if entries.iter().any(|entry| whole(&entry.command)) {
        return suggested(discord, name, line, start).await;
    }
    // The last word of the command is not typed to its end: the next word of all that fit.
    let mut list: Vec<Offer> = Vec::new();
    for entry in entries
        .iter()
        .filter(|entry| entry.command.starts_with(line))
    {
        let rest = &entry.command[start..];
        let text = rest.split_whitespace().next().unwrap_or(rest).to_owned();
        let shown = if text == rest {
            entry.help.clone()
        } else {
            "...".to_owned()
        };
        if !list.iter().any(|offer| offer.text == text) {
            list.push(Offer { text, shown });
        }
    }
    Ok(Offers { start, list })
}

/// The bot's own suggestions, asked for as Discord asks for them.
async fn suggested(
    discord: &Discord,
    name: &str,
    line: &str,
    start: usize,
) -> Result<Offers, String> {
    let choices = discord.person(name).try_type_ahead(line).await?;
    let offer = |choice: fake_discord::Choice| Offer {
        text: match choice.value {
            Value::String(text) => text,
            other => other.to_string(),
        },
        shown: choice.name,
    };
    // `guest:1`: the name of the option stays.
    let start = line[start..]
        .find(':')
        .map_or(start, |colon| start + colon + 1);
    let list = choices.into_iter().map(offer).collect();
    Ok(Offers { start, list })
}

fn fitting<'a>(begun: &str, all: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Offer> {
    all.filter(|(text, _)| text.starts_with(begun))
        .map(|(text, shown)| Offer {
            text: text.to_owned(),
            shown: shown.to_owned(),
        })
        .collect()
}
