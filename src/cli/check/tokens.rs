//! The token for `/token`, where a cluster has one: whether it works, and what it can do.

use std::time::Duration;

use tokio::time::timeout;

use crate::config::Cluster;
use crate::embed::check::{self as words, Finding};
use crate::proxmox::{Error, TokenAdmin};

/// What `/token` needs, where, and what does not work without it.
const NEEDED: [(&str, &str, &str); 3] = [
    (
        "/access/groups",
        "User.Modify",
        "no token can be seen, made or deleted",
    ),
    ("/", "Permissions.Modify", "no token can be given roles"),
    (
        "/access",
        "Sys.Audit",
        "what a new token can do cannot be told",
    ),
];

const PATIENCE: Duration = Duration::from_secs(20);

/// What came of trying it.
pub(in crate::cli) struct Tried {
    pub findings: Vec<Finding>,
    /// It lacks something of [`NEEDED`].
    pub lacks: bool,
    pub failed: Option<Error>,
}

pub(super) async fn findings(cluster: &Cluster) -> Vec<Finding> {
    tried(cluster).await.map_or_else(Vec::new, |it| it.findings)
}

/// `None`: the cluster has no such token.
pub(in crate::cli) async fn tried(cluster: &Cluster) -> Option<Tried> {
    let name = cluster.name.as_str();
    let id = &cluster.admin_token.as_ref()?.id;
    let failed = |error: Error| Tried {
        findings: vec![words::token_admin_unread(name, id, &error)],
        lacks: false,
        failed: Some(error),
    };
    let admin = match TokenAdmin::new(cluster) {
        Ok(admin) => admin?,
        Err(error) => return Some(failed(error)),
    };
    let read = timeout(PATIENCE, lacking(&admin)).await;
    let read = read.unwrap_or_else(|_| Err(Error::BadReply("no answer in 20 s".to_owned())));
    Some(match read {
        Err(error) => failed(error),
        Ok(lacking) => {
            let mut findings = vec![words::token_admin(name, id)];
            let lacks = |(path, privilege, what): &(&str, &str, &str)| {
                words::token_admin_lacks(name, id, (path, privilege), what)
            };
            findings.extend(lacking.iter().map(lacks));
            Tried {
                findings,
                lacks: !lacking.is_empty(),
                failed: None,
            }
        }
    })
}

/// `Permissions.Modify` may well be held only below the root: there is enough then.
async fn lacking(
    admin: &TokenAdmin,
) -> Result<Vec<(&'static str, &'static str, &'static str)>, Error> {
    let anywhere = admin.own_permissions().await?;
    let mut lacking = Vec::new();
    for needed in NEEDED {
        let (path, privilege, _) = needed;
        let held = if privilege == "Permissions.Modify" {
            anywhere.anywhere(privilege)
        } else {
            admin.own_privileges_on(path).await?.contains(privilege)
        };
        if !held {
            lacking.push(needed);
        }
    }
    Ok(lacking)
}
