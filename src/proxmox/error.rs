//! What can go wrong, by the question that matters after a write: can it have been done?

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;

use super::tls::Fault;

/// `Display` is for the log and for the owner's `check`: the whole chain, never a secret. What
/// people read is made in `embed`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It surely never reached Proxmox: no address, no connection, no TLS, or no turn in time.
    #[error("not sent: {0}")]
    NotSent(Failure),
    /// It was on its way when the connection broke or time was up: it may have been done.
    #[error("no answer: {0}")]
    NoAnswer(Failure),
    /// The server could not prove who it is. Nothing was sent to it.
    #[error("not sent: {endpoint}: certificate: {fault}")]
    Certificate { endpoint: String, fault: Fault },
    /// Proxmox answered, and the answer is no.
    #[error("Proxmox answered {status}: {reason}{}", in_fields(fields))]
    Refused {
        status: u16,
        /// `message`, else the reason phrase, else the status in words. One line.
        reason: String,
        /// What was wrong with which parameter.
        fields: BTreeMap<String, String>,
    },
    /// It answered something that is not what the API promises.
    #[error("unreadable answer: {0}")]
    BadReply(String),
    /// It answered more than such an answer can honestly be; the rest was not read.
    #[error("an answer of more than {most} bytes")]
    TooLong { most: usize },
    /// The permit was made for something else. A mistake in this program; nothing was sent.
    #[error("the permit does not cover this")]
    WrongPermit,
    /// The configuration of the cluster cannot be used: a URL, a certificate, a token.
    #[error("configuration: {0}")]
    Setup(String),
}

/// Where and why the transport failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `https://host:8006`; absent where no endpoint was reached for.
    pub endpoint: Option<String>,
    pub why: Why,
    /// The chain of causes, in the words of the libraries.
    pub chain: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Time was up.
    Time,
    /// Nobody answers at that address, or its name is unknown.
    Unreachable,
    /// Its name is unknown. Told apart only where somebody waits for the answer, see `tls::looked_up`.
    Name,
    /// A machine is there, and nothing listens at that port.
    Refused,
    /// Somebody answered, and does not speak TLS as we do.
    Tls,
    /// The connection was cut.
    Cut,
    /// Other reads took all turns.
    Busy,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Some(endpoint) => write!(f, "{endpoint}: {}", self.chain),
            None => f.write_str(&self.chain),
        }
    }
}

fn in_fields(fields: &BTreeMap<String, String>) -> String {
    let each = fields.iter().map(|(key, what)| format!("; {key}: {what}"));
    each.collect()
}

/// The privilege that a refusal (403) names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// Of the access control list, such as `/vms/100`.
    pub path: String,
    pub privileges: Vec<String>,
    /// One of them would do; otherwise there is only one.
    pub any: bool,
}

impl Error {
    /// Whether a write that ended so has surely changed nothing.
    ///
    /// 4xx, 500, 501 and 595 are answers from before the deed: a handler that dies answers 500
    /// before its task is forked, and 595 is a connection to the other node that never came about.
    /// 596 to 599 and a proxy's 502 to 504 mean that someone stopped waiting.
    #[must_use]
    pub fn surely_not_done(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::Certificate { .. } | Self::WrongPermit | Self::Setup(_) => {
                true
            }
            Self::NoAnswer(_) | Self::BadReply(_) | Self::TooLong { .. } => false,
            Self::Refused { status, .. } => {
                matches!(status, 400..=407 | 409..=499 | 500 | 501 | 595)
            }
        }
    }

    /// From `Permission check failed (/vms/100, VM.PowerMgmt)`; `a|b` means that either would do.
    #[must_use]
    pub fn missing_privilege(&self) -> Option<Missing> {
        let Self::Refused {
            status: 403,
            reason,
            ..
        } = self
        else {
            return None;
        };
        Missing::in_text(reason)
    }
}

impl Missing {
    /// The same in what a task wrote as its end.
    #[must_use]
    pub fn in_text(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("Permission check failed (")?;
        let (path, privileges) = rest.trim_end().strip_suffix(')')?.rsplit_once(", ")?;
        if !path.starts_with('/') {
            return None;
        }
        let privileges: Vec<String> = privileges.split('|').map(str::to_owned).collect();
        Some(Self {
            path: path.to_owned(),
            any: privileges.len() > 1,
            privileges,
        })
    }
}

impl Error {
    /// Proxmox is there, but could not reach the node that it would have to ask.
    #[must_use]
    pub fn unreachable_node(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 595..=599,
                ..
            }
        )
    }

    /// The token is not accepted at all: wrong, expired, deleted, or its user disabled.
    #[must_use]
    pub fn unauthorised(&self) -> bool {
        self.status() == Some(401)
    }

    /// Proxmox itself gave no sign of life, as opposed to an answer that we do not like.
    #[must_use]
    pub fn unreachable(&self) -> bool {
        matches!(
            self,
            Self::NotSent(_) | Self::NoAnswer(_) | Self::Certificate { .. }
        )
    }

    /// What Proxmox itself said.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused { reason, .. } => Some(reason),
            _ => None,
        }
    }

    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// The whole chain of causes in one line.
pub(super) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        // Many wrappers repeat what they wrap.
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, reason: &str) -> Error {
        Error::Refused {
            status,
            reason: reason.to_owned(),
            fields: BTreeMap::new(),
        }
    }

    #[test]
    fn the_missing_privilege_is_read_from_the_refusal() {
        let one = refused(403, "Permission check failed (/vms/100, VM.PowerMgmt)");
        assert_eq!(
            one.missing_privilege(),
            Some(Missing {
                path: "/vms/100".to_owned(),
                privileges: vec!["VM.PowerMgmt".to_owned()],
                any: false,
            })
        );
        let any = refused(
            403,
            "Permission check failed (/vms/1, VM.Snapshot|VM.Snapshot.Rollback)",
        );
        let any = any.missing_privilege().unwrap();
        assert_eq!((any.privileges.len(), any.any), (2, true));
        for other in [
            "Permission check failed (user != root@pam)",
            "Permission check failed",
            "",
        ] {
            assert_eq!(refused(403, other).missing_privilege(), None, "{other}");
        }
        let text = "Permission check failed (/vms/100, VM.Audit)";
        assert_eq!(refused(500, text).missing_privilege(), None);
    }

    #[test]
    fn only_answers_from_before_the_deed_are_sure() {
        for status in [400, 401, 403, 500, 501, 595] {
            assert!(refused(status, "").surely_not_done(), "{status}");
        }
        for status in [301, 408, 502, 503, 504, 596, 599] {
            assert!(!refused(status, "").surely_not_done(), "{status}");
        }
        assert!(!Error::BadReply(String::new()).surely_not_done());
        assert!(!Error::TooLong { most: 1 }.surely_not_done());
    }

    #[test]
    fn the_log_says_which_parameter() {
        let error = Error::Refused {
            status: 400,
            reason: "Parameter verification failed.".to_owned(),
            fields: BTreeMap::from([("vmid".to_owned(), "no such VM".to_owned())]),
        };
        assert_eq!(
            error.to_string(),
            "Proxmox answered 400: Parameter verification failed.; vmid: no such VM"
        );
    }
}
