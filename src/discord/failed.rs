//! What can become of a request to Discord, told apart as far as the bot acts differently.

use std::fmt;
use std::time::Duration;

/// Why Discord did not do it, as far as it makes a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failed {
    /// 40060: somebody acknowledged this interaction before.
    AlreadyAnswered,
    /// 10062: too late, or never known.
    UnknownInteraction,
    /// 50027 or 10015: the 15 minutes are over.
    TokenExpired,
    Refused {
        status: u16,
        code: i64,
        message: String,
    },
    /// 429, and when to try again.
    Limited(Duration),
    /// It surely never left this machine.
    NotSent(String),
    /// It may have arrived.
    Unsure(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyAnswered => f.write_str("already acknowledged (40060)"),
            Self::UnknownInteraction => f.write_str("unknown interaction (10062)"),
            Self::TokenExpired => f.write_str("the interaction's 15 minutes are over"),
            Self::Refused {
                status,
                code,
                message,
            } => write!(f, "refused with {status}, code {code}: {message}"),
            Self::Limited(wait) => write!(f, "rate limited for {:.1} s", wait.as_secs_f64()),
            Self::NotSent(why) => write!(f, "not sent: {why}"),
            Self::Unsure(why) => write!(f, "no answer: {why}"),
        }
    }
}

impl std::error::Error for Failed {}

impl Failed {
    /// Which of these it is, without anything that Discord said of the message.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::AlreadyAnswered => "already acknowledged",
            Self::UnknownInteraction => "unknown interaction",
            Self::TokenExpired => "the 15 minutes are over",
            Self::Refused { .. } => "refused",
            Self::Limited(_) => "rate limited",
            Self::NotSent(_) => "not sent",
            Self::Unsure(_) => "no answer",
        }
    }

    /// Whether the same request may do better later.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Limited(_) | Self::NotSent(_) | Self::Unsure(_) => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::AlreadyAnswered | Self::UnknownInteraction | Self::TokenExpired => false,
        }
    }

    /// Whether Discord refuses what the message says or how it is made.
    pub(super) fn is_our_mistake(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if (400..500).contains(status) && !matches!(status, 403 | 404))
    }

    /// Whether Discord knows of no such member of the server.
    pub(super) fn is_no_member(&self) -> bool {
        matches!(self, Self::Refused { code: 10007, .. })
    }

    /// Whether it was surely not done, so that doing it again cannot do it twice.
    pub(super) fn undone(&self) -> bool {
        matches!(self, Self::Limited(_) | Self::NotSent(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_surely_not_done_is_posted_again() {
        assert!(Failed::Limited(Duration::ZERO).undone());
        assert!(Failed::NotSent(String::new()).undone());
        assert!(!Failed::Unsure(String::new()).undone());
        let server = Failed::Refused {
            status: 502,
            code: 0,
            message: String::new(),
        };
        assert!(server.passes() && !server.undone());
    }
}
