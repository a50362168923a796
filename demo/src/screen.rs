//! Where lines go: to stdout, or above the prompt while somebody types there.

use std::io::Write as _;

use crate::paint::Paint;

type Print = Box<dyn FnMut(String) + Send>;

pub struct Screen {
    pub paint: Paint,
    print: Print,
}

impl Screen {
    pub fn stdout() -> Self {
        Self::through(Box::new(|text| {
            // A reader that has gone, say `head`, is no reason to fail.
            let _ = std::io::stdout().write_all(text.as_bytes());
        }))
    }

    pub fn through(print: Print) -> Self {
        Self {
            paint: Paint::of_stdout(),
            print,
        }
    }

    pub fn line(&mut self, text: &str) {
        (self.print)(format!("{text}\n"));
    }

    /// Something besides the conversation, such as a mistake of whoever types.
    pub fn note(&mut self, text: &str) {
        let text = self.paint.warning(text);
        self.line(&text);
    }
}
