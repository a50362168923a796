//! What a person sees, as plain data: cards, buttons, files. The edge turns it into Discord's
//! words, and nothing here knows them.

use std::borrow::Cow;

use crate::action::Action;

/// One message. Whether it is private is decided by whoever sends it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    pub cards: Vec<Card>,
    pub buttons: Vec<Button>,
    pub files: Vec<File>,
}

/// One embed: what happened in the title, the rest in lines that do not wrap on a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    pub colour: Colour,
    pub title: String,
    pub body: String,
    pub footer: Option<String>,
}

/// State, for those who see colours; the words say it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Running, done.
    Green,
    /// Stopped, nothing to do.
    Grey,
    /// Changing, or to be looked at.
    Amber,
    /// Failed, refused.
    Red,
}

/// A press asks for `action`, as whoever presses, and is checked like a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    pub label: Cow<'static, str>,
    pub style: Style,
    pub action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The one thing that most would do next.
    Primary,
    Secondary,
    /// Cannot be undone.
    Danger,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub text: String,
}

impl Reply {
    #[must_use]
    pub fn card(card: Card) -> Self {
        Self {
            cards: vec![card],
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with_buttons(mut self, buttons: Vec<Button>) -> Self {
        self.buttons = buttons;
        self
    }
}
