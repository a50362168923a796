//! Which button is meant: by its number below the newest card, or by its label.

use fake_discord::Message;

/// The message and the label, or why there is none, in words.
pub fn find(mut visible: Vec<Message>, which: &str) -> Result<(Message, String), String> {
    visible.retain(|message| !message.buttons().is_empty());
    visible.sort_by_key(|message| message.at);
    let Some(newest) = visible.last() else {
        return Err("there is no button to press here".to_owned());
    };
    if let Ok(number) = which.parse::<usize>() {
        let label = number
            .checked_sub(1)
            .and_then(|n| newest.buttons().into_iter().nth(n));
        return match label {
            Some(label) => Ok((newest.clone(), label)),
            None => Err(no_such(which, newest)),
        };
    }
    let found = visible.iter().rev().find_map(|message| {
        let mut labels = message.buttons().into_iter();
        let label = labels.find(|label| label.eq_ignore_ascii_case(which))?;
        Some((message.clone(), label))
    });
    found.ok_or_else(|| no_such(which, newest))
}

fn no_such(which: &str, newest: &Message) -> String {
    format!(
        "there is no button `{which}`; the newest card has: {}",
        newest.buttons().join(", ")
    )
}
