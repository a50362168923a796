//! Why a cluster cannot be used, for its owner: what happened, and what to do about it. For `check`,
//! the log and the other commands of the terminal.

use crate::proxmox::{Error, Failure, Fault, Why};

/// One line for the log: what happened and the next step.
#[must_use]
pub fn line(error: &Error) -> String {
    let error_text = error.to_string();
    // Proxmox ends some of its reasons itself: "Authentication failed!"
    let what = error_text.trim_end_matches(['.', '!']);
    let line = format!("Proxmox cannot be used: {what}. {}", next_step(error));
    line.replace('\n', " ") + " The bot keeps trying."
}

/// What happened and the next step, in lines that fit a terminal. The words of the libraries are
/// [`cause`].
#[must_use]
pub fn told(error: &Error) -> String {
    match failure(error) {
        Some(Failure {
            endpoint: Some(url),
            why,
            ..
        }) => unreached(url, *why),
        Some(failure) => transport(failure).to_owned(),
        None => format!("{error}\n{}", next_step(error)),
    }
}

/// The same where only a certificate was wanted.
#[must_use]
pub fn no_certificate(url: &str, error: &Error) -> String {
    match failure(error) {
        Some(failure) => unreached(url, failure.why),
        None => format!("{url} showed no certificate: {}", told(error)),
    }
}

/// Why an address does not answer, in the words of the libraries.
#[must_use]
pub fn cause(error: &Error) -> Option<&str> {
    failure(error).map(|failure| failure.chain.as_str())
}

fn failure(error: &Error) -> Option<&Failure> {
    match error {
        Error::NotSent(failure) | Error::NoAnswer(failure) => Some(failure),
        _ => None,
    }
}

fn unreached(url: &str, why: Why) -> String {
    let said = match why {
        Why::Name => {
            "is not known here by that name. Is it spelt right? Its IP address does as well."
        }
        Why::Refused => {
            "refused the connection. Is the address right, and is it Proxmox that runs there?\n\
             It listens on 8006; on the node: systemctl status pveproxy"
        }
        Why::Time => {
            "did not answer in time. Is the address right, is that node on, and does a firewall let\n\
             this machine reach it?"
        }
        Why::Tls => "answers, but not as Proxmox does. Is the port right? Proxmox listens on 8006.",
        Why::Cut => {
            "ended the connection without an answer. Is it Proxmox that runs there? Its log, on the\n\
             node: journalctl -u pveproxy"
        }
        Why::Unreachable | Why::Busy => {
            "cannot be reached. Is the address right, is that node on, and does a firewall let this\n\
             machine reach it?"
        }
    };
    format!("{url} {said}")
}

/// The next step, in lines that fit a terminal.
#[must_use]
pub fn next_step(error: &Error) -> &'static str {
    match error {
        Error::Certificate { fault, .. } => certificate(fault),
        Error::Refused { status: 401, .. } => {
            "Proxmox does not accept the token. Is `token_id` spelt user@realm!tokenid, is its secret\n\
             whole, and are user and token neither disabled nor expired?"
        }
        Error::Refused { status: 403, .. } => {
            "The token lacks a privilege: `pve-steward check` shows the pveum lines that give it."
        }
        Error::Refused { .. } | Error::BadReply(_) | Error::TooLong { .. } => {
            "Is it really Proxmox VE (8 or 9) that answers there? Its log: journalctl -u pveproxy"
        }
        Error::NotSent(failure) | Error::NoAnswer(failure) => transport(failure),
        Error::Setup(_) | Error::WrongPermit => "Mend the section [[cluster]] that it names.",
    }
}

fn transport(failure: &Failure) -> &'static str {
    match failure.why {
        Why::Tls => {
            "Something answers there that does not speak TLS as Proxmox does. Is the port right\n\
             (Proxmox listens on 8006)?"
        }
        Why::Busy => "Proxmox is slow to answer; the bot asks again by itself.",
        Why::Time | Why::Unreachable | Why::Name | Why::Refused | Why::Cut => {
            "Is the address in `endpoints` right, is that node on, and does a firewall let this\n\
             machine reach it?"
        }
    }
}

fn certificate(fault: &Fault) -> &'static str {
    match fault {
        Fault::NotPinned(_) => {
            "The certificate is none of those in `fingerprints`. Proxmox renews its own at times:\n\
             compare it with `pvenode cert info` on the node, then put it there. `ca_file`, with a\n\
             copy of /etc/pve/pve-root-ca.pem, outlives renewals."
        }
        Fault::UnknownIssuer => {
            "Proxmox signs its certificate itself. Set `ca_file` or `fingerprints` in [[cluster]]:\n\
             `ca_file` is a copy of /etc/pve/pve-root-ca.pem from a node of this very cluster."
        }
        Fault::WrongName(_) => {
            "Write the node in `endpoints` by a name or address that is in its certificate, or pin\n\
             the certificate in `fingerprints`."
        }
        Fault::Expired | Fault::NotYetValid => {
            "Is the clock of this machine right? If so, renew the certificate on the node:\n\
             pvecm updatecerts --force"
        }
        Fault::BadSignature => {
            "Either `ca_file` is of another cluster whose authority has the same name: copy\n\
             /etc/pve/pve-root-ca.pem again, from this cluster. Or somebody in between pretends."
        }
        Fault::Other(_) => "Compare it with `pvenode cert info` on the node itself.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_libraries_are_not_repeated() {
        for why in [
            Why::Name,
            Why::Refused,
            Why::Time,
            Why::Tls,
            Why::Cut,
            Why::Unreachable,
        ] {
            let error = Error::NotSent(Failure {
                endpoint: Some("https://pve1:8006".to_owned()),
                why,
                chain: "client error (Connect)".to_owned(),
            });
            let said = told(&error);
            assert!(said.starts_with("https://pve1:8006 "), "{said}");
            assert!(!said.contains("client error"), "{said}");
            assert!(!said.contains("endpoints"), "{said}");
            assert_eq!(no_certificate("https://pve1:8006", &error), said);
            assert_eq!(cause(&error), Some("client error (Connect)"));
        }
    }
}
