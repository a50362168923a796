//! One line at the prompt, read.

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Order {
    Nothing,
    /// `/vm start 101`
    Slash(String),
    /// `/vm start ?`: what could stand where the question mark is.
    Offers(String),
    /// `1`
    Press(String),
    Become(String),
    Break(String),
    Mend,
    Faults,
    People,
    /// Until the last act has ended, or so many seconds.
    Wait(Option<u64>),
    Help,
    Quit,
    Unclear(String),
}

/// The words of the prompt itself, with what they do; TAB offers them and `help` lists them.
pub const WORDS: &[(&str, &str)] = &[
    ("as", "as friend: be somebody else"),
    ("people", "who there is"),
    (
        "press",
        "press Refresh: a button by its label; its number alone does, too",
    ),
    ("break", "break node-down: switch a fault on"),
    ("mend", "end all faults"),
    ("faults", "what can be broken"),
    (
        "wait",
        "until the last command has ended; wait 5: five seconds",
    ),
    ("help", "this list and the bot's commands"),
    ("quit", "end; Ctrl-D does, too"),
];

impl Order {
    pub fn read(line: &str) -> Self {
        let line = line.trim();
        if line.starts_with('/') {
            return match line.strip_suffix('?') {
                Some(begun) => Self::Offers(begun.to_owned()),
                None => Self::Slash(line.to_owned()),
            };
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match (word, rest) {
            ("", _) => Self::Nothing,
            ("as", name) if !name.is_empty() && name != "?" => Self::Become(name.to_owned()),
            ("as", _) | ("people", "") => Self::People,
            ("press", button) if !button.is_empty() => Self::Press(button.to_owned()),
            ("break", name) if !name.is_empty() && name != "?" => Self::Break(name.to_owned()),
            ("break", _) | ("faults", "") => Self::Faults,
            ("mend", "") => Self::Mend,
            ("wait", "") => Self::Wait(None),
            ("wait", seconds) => match seconds.parse() {
                Ok(seconds) => Self::Wait(Some(seconds)),
                Err(_) => Self::Unclear(line.to_owned()),
            },
            ("help" | "?", "") => Self::Help,
            ("quit" | "exit", "") => Self::Quit,
            (number, "") if number.parse::<u8>().is_ok() => Self::Press(number.to_owned()),
            _ => Self::Unclear(line.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_orders() {
        let text = str::to_owned;
        for (line, order) in [
            ("", Order::Nothing),
            (" /vm start 101 ", Order::Slash(text("/vm start 101"))),
            ("/vm start ?", Order::Offers(text("/vm start "))),
            ("as friend", Order::Become(text("friend"))),
            ("as", Order::People),
            ("2", Order::Press(text("2"))),
            ("press Stop now", Order::Press(text("Stop now"))),
            ("break ?", Order::Faults),
            ("wait 5", Order::Wait(Some(5))),
            ("?", Order::Help),
            ("vm start 101", Order::Unclear(text("vm start 101"))),
        ] {
            assert_eq!(Order::read(line), order, "{line}");
        }
    }
}
