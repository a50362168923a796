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

pub(super) async fn findings(cluster: &Cluster) -> Vec<Finding> {
    let admin = match TokenAdmin::new(cluster) {
        Ok(None) => return Vec::new(),
        Ok(Some(admin)) => admin,
        Err(error) => return vec![words::token_admin_unread(cluster.name.as_str(), "", &error)],
    };
    let read = timeout(PATIENCE, lacking(&admin)).await;
    let read = read.unwrap_or_else(|_| Err(Error::BadReply("no answer in 20 s".to_owned())));
    let (name, id) = (cluster.name.as_str(), admin.id());
    match read {
        Err(error) => vec![words::token_admin_unread(name, id, &error)],
        Ok(lacking) => {
            let mut findings = vec![words::token_admin(name, id)];
            let lacks = |(path, privilege, what): &(&str, &str, &str)| {
                words::token_admin_lacks(name, id, (path, privilege), what)
            };
            findings.extend(lacking.iter().map(lacks));
            findings
        }
    }
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
