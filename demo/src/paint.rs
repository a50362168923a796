//! Colour, where it can be seen and is wanted.

use std::io::IsTerminal as _;

#[derive(Clone, Copy, Debug)]
pub struct Paint {
    on: bool,
}

impl Paint {
    #[cfg(test)]
    pub const OFF: Paint = Paint { on: false };

    /// Colour only on a terminal, and never against <https://no-color.org>.
    #[expect(
        clippy::disallowed_methods,
        reason = "a custom of all terminals, no setting of the bot's"
    )]
    pub fn of_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            on: std::io::stdout().is_terminal() && !refused,
        }
    }

    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub fn warning(self, text: &str) -> String {
        self.with("33", text)
    }

    /// Near to a card's colour, in the sixteen that every terminal has.
    pub fn rgb(self, rgb: u64, text: &str) -> String {
        let (red, green, blue) = (rgb >> 16 & 0xff, rgb >> 8 & 0xff, rgb & 0xff);
        let code = match () {
            () if red.abs_diff(blue) < 40 => "90",
            () if green > red => "32",
            () if green * 2 < red => "31",
            () => "33",
        };
        self.with(code, text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
