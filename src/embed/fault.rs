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
