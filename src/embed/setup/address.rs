//! What `setup` says of an address where nobody showed a certificate.

use crate::proxmox::{Error, Why};

/// Nothing of this is in the words of the libraries: `pve-steward fingerprint` has those.
#[must_use]
pub fn no_answer(url: &str, error: &Error) -> String {
    let why = match error {
        Error::NotSent(failure) | Error::NoAnswer(failure) => failure.why,
        _ => Why::Unreachable,
    };
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
        Why::Unreachable | Why::Cut | Why::Busy => {
            "cannot be reached. Is the address right, is that node on, and does a firewall let this\n\
             machine reach it?"
        }
    };
    format!("{url} {said}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxmox::Failure;

    #[test]
    fn the_words_of_the_libraries_are_not_repeated() {
        for why in [
            Why::Name,
            Why::Refused,
            Why::Time,
            Why::Tls,
            Why::Unreachable,
        ] {
            let said = no_answer(
                "https://pve1:8006",
                &Error::NotSent(Failure {
                    endpoint: Some("https://pve1:8006".to_owned()),
                    why,
                    chain: "client error (Connect)".to_owned(),
                }),
            );
            assert!(said.starts_with("https://pve1:8006 "), "{said}");
            assert!(!said.contains("client error"), "{said}");
            assert!(!said.contains("endpoints"), "{said}");
        }
    }
}
