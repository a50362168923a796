//! Requests for what was refused: what approvers say, and how it stands.

/// What an approver says to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    Yes(Yes),
    No(Option<Remark>),
}

/// What a yes gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Yes {
    /// The one act, now.
    Once,
    /// The right, for an hour.
    Hour,
    /// The right, until tomorrow morning.
    Tomorrow,
}

impl Yes {
    pub const ALL: [Self; 3] = [Self::Once, Self::Hour, Self::Tomorrow];

    /// The word of buttons and of the store.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Hour => "hour",
            Self::Tomorrow => "tomorrow",
        }
    }
}

/// How it stands with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    Open,
    Approved(Yes),
    Declined,
    /// Nobody decided in time.
    Lapsed,
    /// A lockdown came, or nobody could be asked.
    Cancelled,
}

/// What one person wrote for others to read: one line, at most 200 characters, nothing invisible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark(String);

impl Remark {
    pub const MOST: u16 = 200;

    /// `None` for what is empty or too long.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown: String = one_line.chars().filter(|c| !c.is_control()).collect();
        (1..=usize::from(Self::MOST))
            .contains(&shown.chars().count())
            .then_some(Self(shown))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
