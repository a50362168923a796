//! `[[cluster]]`: where Proxmox is, with which token, and whose certificates are believed.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::layer::{self, Slot};
use super::reader::{Found, Notes, Reader, nearest};
use super::settings::{note, path, token, values};
use super::{AdminToken, Cluster, Trust, want};
use crate::ids::ClusterName;

pub(super) fn clusters(slots: Vec<Slot>, notes: &mut Notes) -> Vec<Cluster> {
    if slots.is_empty() {
        let what = "is missing: a section [[cluster]] with name, endpoints, token_id and \
                    token_secret_file";
        notes.problem(None, "cluster", what);
    }
    let written = layer::names_in_files(&slots);
    let read = |slot: Slot| {
        if slot.only_variables
            && !(slot.table.contains_key("endpoints") && slot.table.contains_key("token_id"))
        {
            notes.problem(
                slot.place.as_deref(),
                &slot.path,
                unwritten(slot.name.as_ref(), &written),
            );
        }
        let reader = Reader::new("cluster[]", slot.path, slot.place, slot.table, notes);
        cluster(slot.name, reader)
    };
    slots.into_iter().filter_map(read).collect()
}

/// A variable for a cluster that stands in no file, and too few of them to make one.
fn unwritten(name: Option<&ClusterName>, written: &[String]) -> String {
    let name = name.map_or("", ClusterName::as_str);
    let known: Vec<&str> = written.iter().map(String::as_str).collect();
    match (nearest(name, &known), known.as_slice()) {
        (Some(near), _) => {
            format!("no file has a cluster `{name}`; did you mean `{near}`?")
        }
        (None, []) => format!(
            "no file has a cluster `{name}`: write [[cluster]] with name = \"{name}\" into the file, \
             or give all its keys in variables"
        ),
        (None, known) => format!(
            "no file has a cluster `{name}`; they have {}: the variable must name one of these, or \
             all keys of a new one must be given",
            known.join(", ")
        ),
    }
}

/// Reads one cluster. Its name was read and judged where the clusters were put together.
fn cluster(name: Option<ClusterName>, mut r: Reader<'_>) -> Option<Cluster> {
    r.done("name");
    let endpoints = endpoints(&mut r);
    let expected = "user@realm!tokenid, such as \"discord@pve!bot\"";
    let token_id = r.must("token_id", want::token_id, expected);
    let secret_key = ["token_secret", "token_secret_file"]
        .into_iter()
        .find_map(|key| Some((r.key(key), r.place_of(key)?)));
    let token_secret = token(&mut r, "token_secret", "token_secret_file");
    if let (Some(secret), Some((key, place))) = (&token_secret, secret_key) {
        warn_of_shape(secret.expose(), &key, &place, r.notes);
    }
    let trust = trust(&mut r);
    let admin_token = admin_token(&mut r, token_id.as_deref());
    r.finish();
    Some(Cluster {
        name: name?,
        endpoints,
        token_id: token_id?,
        token_secret: token_secret?,
        admin_token,
        trust: trust?,
    })
}

/// The second token, if there is one: both of its halves, and not the first one again.
fn admin_token(r: &mut Reader<'_>, token_id: Option<&str>) -> Option<AdminToken> {
    let [id_key, inline, in_file] = [
        "admin_token_id",
        "admin_token_secret",
        "admin_token_secret_file",
    ];
    if ![id_key, inline, in_file].iter().any(|key| r.has(key)) {
        for key in [id_key, inline, in_file] {
            r.done(key);
        }
        return None;
    }
    let expected = "user@realm!tokenid of the token for /token, such as \"steward@pve!admin\"";
    let place = r.place_of(id_key);
    let id = r.must(id_key, want::token_id, expected);
    let secret_key = [inline, in_file]
        .into_iter()
        .find_map(|key| Some((r.key(key), r.place_of(key)?)));
    let secret = token(r, inline, in_file);
    if let (Some(secret), Some((key, place))) = (&secret, secret_key) {
        warn_of_shape(secret.expose(), &key, &place, r.notes);
    }
    if id.is_some() && id.as_deref() == token_id {
        let what = "is the token that the bot runs on: what manages tokens must be another one, \
                    used for nothing else";
        let key = r.key(id_key);
        r.notes.problem(place.as_deref(), &key, what);
        return None;
    }
    Some(AdminToken {
        id: id?,
        secret: secret?,
    })
}

fn warn_of_shape(secret: &str, key: &str, place: &str, notes: &mut Notes) {
    if notes.without_secrets || want::is_uuid(secret) {
        return;
    }
    let what = if secret.contains('=') {
        "does not look like a secret of Proxmox: only what follows the `=` is the secret"
    } else {
        "does not look like a secret of Proxmox (12345678-1234-1234-1234-123456789abc)"
    };
    notes.warning(Some(place), key, what);
}

fn endpoints(r: &mut Reader<'_>) -> Vec<String> {
    let expected = "the addresses of the cluster's nodes, such as [\"https://192.0.2.11:8006\"]";
    let found = r.must_list("endpoints", want::endpoint, expected);
    for endpoint in found.iter().filter(|endpoint| !endpoint.value.has_port) {
        let what = "names no port, so 443 is meant; Proxmox itself listens on 8006";
        r.notes
            .warning(endpoint.place.as_deref(), &endpoint.key, what);
    }
    values(found)
        .into_iter()
        .map(|endpoint| endpoint.url)
        .collect()
}

/// The system's roots are believed where nothing else is named; nowhere is everything believed.
fn trust(r: &mut Reader<'_>) -> Option<Trust> {
    let both = r.has("ca_file") && r.has("fingerprints");
    let named = r.has("ca_file");
    let ca_file = r.find("ca_file", want::text);
    let fingerprints = r.filled("fingerprints", want::fingerprint);
    if both {
        let what = "is set beside `ca_file`: keep one of the two";
        let key = r.key("fingerprints");
        let place = r.place().map(ToOwned::to_owned);
        r.notes.problem(place.as_deref(), &key, what);
        return None;
    }
    if let Some(pins) = fingerprints {
        return Some(Trust::Fingerprints(values(pins)));
    }
    if !named {
        return Some(Trust::SystemRoots);
    }
    let ca_file = ca_file?;
    note(authorities(&ca_file), &ca_file, r.notes).map(Trust::Ca)
}

fn authorities(ca_file: &Found<String>) -> Result<String, String> {
    let path = path(ca_file);
    let shown = path.display();
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let blocks: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match blocks {
        Ok(blocks) if blocks.is_empty() => Err(format!(
            "{shown} holds no certificate; it must be the cluster's /etc/pve/pve-root-ca.pem"
        )),
        Ok(_) => Ok(text),
        Err(_) => Err(format!(
            "{shown} holds a damaged certificate; copy it again"
        )),
    }
}
