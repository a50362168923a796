//! API tokens, and the rights that they are given: with a token of its own, which can do nothing
//! else in this program, and which no other call of this program uses.
//!
//! Shapes and privileges as in pve-access-control (`PVE/API2/User.pm`, `ACL.pm`, `Role.pm`): see each
//! call. For tokens of others it takes `User.Modify` on `/access/groups`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::access::{Paths, permissions};
use super::answer::{OF_ALL, OF_ONE};
use super::http::{Limits, Read, Transport, Verb, Write};
use super::kept::Kept;
use super::lists::TYPING_REST;
use super::path::ApiPath;
use super::perl::{Object, Scalar};
use super::turns::Lane;
use super::{Error, Permissions};
use crate::action::{Right, TargetKey};
use crate::config::{Cluster, Secret};
use crate::ids::{AclPath, ClusterName, PveUser, RoleName, TokenId, TokenName};
use crate::permission::Permit;

/// The door to one cluster's tokens. A type of its own, so that nothing else can be done through it.
pub struct TokenAdmin {
    transport: Transport,
    id: String,
    /// For completion.
    kept: Kept<PveUser, Vec<Token>>,
    users: Kept<(), BTreeSet<PveUser>>,
}

/// A token as Proxmox lists it: never its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub name: TokenName,
    /// Unix seconds; `None`: never.
    pub expires: Option<i64>,
    pub comment: Option<String>,
    /// It has only what both it and its user were given; otherwise all that its user has.
    pub separate: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub name: RoleName,
    pub privileges: BTreeSet<String>,
}

/// A token to be made, with privileges of its own.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    pub token: &'a TokenId,
    /// Unix seconds; `None`: never.
    pub expires: Option<i64>,
    pub comment: &'a str,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenRow {
    tokenid: Scalar,
    expire: Scalar,
    comment: Scalar,
    privsep: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RoleRow {
    roleid: Scalar,
    privs: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UserRow {
    userid: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AclRow {
    #[serde(rename = "type")]
    kind: Scalar,
    ugid: Scalar,
}

/// Read field by field, so that no error can quote what stands in it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Made {
    value: Scalar,
}

impl TokenRow {
    fn read(self) -> Option<Token> {
        Some(Token {
            name: self.tokenid.parsed()?,
            expires: self
                .expire
                .whole()
                .and_then(|at| i64::try_from(at).ok())
                .filter(|at| *at > 0),
            comment: self.comment.text().filter(|text| !text.trim().is_empty()),
            separate: self.privsep.flag(),
        })
    }
}

impl AclRow {
    /// The user that was given something, or whose token was.
    fn user(&self) -> Option<PveUser> {
        let id = self.ugid.text()?;
        match self.kind.text()?.as_str() {
            "user" => id.parse().ok(),
            "token" => id.split_once('!')?.0.parse().ok(),
            _ => None,
        }
    }
}

impl RoleRow {
    fn read(self) -> Option<Role> {
        let privileges = self.privs.text().unwrap_or_default();
        let privileges = privileges.split([',', ' ']).filter(|word| !word.is_empty());
        Some(Role {
            name: self.roleid.parsed()?,
            privileges: privileges.map(str::to_owned).collect(),
        })
    }
}

fn token_path(token: &TokenId) -> ApiPath {
    let (user, name) = (token.user.as_str(), token.name.as_str());
    ApiPath::new(&["access", "users", user, "token", name])
}

impl TokenAdmin {
    /// `None`: the cluster has no token for this. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] if the configuration cannot be used.
    pub fn new(cluster: &Cluster) -> Result<Option<Self>, Error> {
        let Some(token) = &cluster.admin_token else {
            return Ok(None);
        };
        let transport = Transport::new(cluster, (&token.id, &token.secret), Limits::default())?;
        Ok(Some(Self {
            transport,
            id: token.id.clone(),
            kept: Kept::new(TYPING_REST),
            users: Kept::new(TYPING_REST),
        }))
    }

    #[must_use]
    pub fn cluster(&self) -> &ClusterName {
        self.transport.cluster()
    }

    /// `user@realm!tokenid` of the token that is used here.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// # Errors
    ///
    /// As every read: see [`Error`]. A user that does not exist is a 403 without a privilege in it,
    /// and so is one whom this token does not look after.
    pub async fn tokens(&self, user: &PveUser) -> Result<Vec<Token>, Error> {
        let path = ApiPath::new(&["access", "users", user.as_str(), "token"]);
        let rows: Vec<Object<TokenRow>> = self.get(&path, OF_ONE).await?;
        let rows = rows.into_iter().filter_map(|row| row.0);
        Ok(rows.filter_map(TokenRow::read).collect())
    }

    /// What is known of them, for completion: never waits, and begins a read where it is old.
    #[must_use]
    pub fn tokens_while_typing(self: &Arc<Self>, user: &PveUser) -> Option<Arc<Vec<Token>>> {
        let held = self.kept.now_and_later(user.clone(), || {
            let (admin, user) = (Arc::clone(self), user.clone());
            async move { admin.tokens(&user).await }
        })?;
        Some(Arc::clone(&held.value))
    }

    /// The users that this token looks after, and those that are known to have been given something, or
    /// whose tokens were: never waits, and begins a read where it is old.
    #[must_use]
    pub fn users_while_typing(self: &Arc<Self>) -> Option<Arc<BTreeSet<PveUser>>> {
        let held = self.users.now_and_later((), || {
            let admin = Arc::clone(self);
            async move { admin.users().await }
        })?;
        Some(Arc::clone(&held.value))
    }

    /// Proxmox lists users for whom the token has `User.Modify` or `Sys.Audit` on a group of theirs, and
    /// what was given only on paths where it may give rights itself: each list has what the other lacks.
    async fn users(&self) -> Result<BTreeSet<PveUser>, Error> {
        let path = |name| ApiPath::new(&["access", name]);
        let looked_after: Vec<Object<UserRow>> = self.get(&path("users"), OF_ALL).await?;
        let given: Vec<Object<AclRow>> = self.get(&path("acl"), OF_ALL).await?;
        let looked_after = looked_after.into_iter().filter_map(|row| row.0);
        let given = given.into_iter().filter_map(|row| row.0);
        let users = looked_after.filter_map(|row| row.userid.parsed());
        Ok(users.chain(given.filter_map(|row| row.user())).collect())
    }

    /// All roles. Every token may read them.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn roles(&self) -> Result<Vec<Role>, Error> {
        let path = ApiPath::new(&["access", "roles"]);
        let rows: Vec<Object<RoleRow>> = self.get(&path, OF_ONE).await?;
        let rows = rows.into_iter().filter_map(|row| row.0);
        Ok(rows.filter_map(RoleRow::read).collect())
    }

    /// What a user may do on one path, inherited rights and those of groups included. Needs
    /// `Sys.Audit` on `/access`.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn privileges_of(
        &self,
        user: &PveUser,
        path: &AclPath,
    ) -> Result<BTreeSet<String>, Error> {
        let asked = [("userid", user.as_str()), ("path", path.as_str())];
        self.privileges(&asked, path.as_str()).await
    }

    /// What a user may do on all paths that have an entry, or whose guest is in a pool. Needs
    /// `Sys.Audit` on `/access`.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn permissions_of(&self, user: &PveUser) -> Result<Permissions, Error> {
        let path = ApiPath::new(&["access", "permissions"]).query(&[("userid", user.as_str())]);
        let paths: Paths = self.get(&path, OF_ALL).await?;
        Ok(permissions(paths))
    }

    /// What this token itself may do on one path. Always allowed.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn own_privileges_on(&self, path: &str) -> Result<BTreeSet<String>, Error> {
        self.privileges(&[("path", path)], path).await
    }

    /// What this token itself may do, on all paths that have an entry. Always allowed.
    ///
    /// # Errors
    ///
    /// As every read: see [`Error`].
    pub async fn own_permissions(&self) -> Result<Permissions, Error> {
        let path = ApiPath::new(&["access", "permissions"]);
        let paths: Paths = self.get(&path, OF_ALL).await?;
        Ok(permissions(paths))
    }

    async fn privileges(
        &self,
        asked: &[(&str, &str)],
        path: &str,
    ) -> Result<BTreeSet<String>, Error> {
        let api = ApiPath::new(&["access", "permissions"]).query(asked);
        let mut found: BTreeMap<_, _> = permissions(self.get(&api, OF_ONE).await?).paths;
        Ok(found.remove(path).unwrap_or_default().into_keys().collect())
    }

    /// Makes it; gives its secret, which Proxmox tells nobody ever again.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPermit`] unless `permit` is for tokens; else see [`Error::surely_not_done`]. A
    /// token that was made and whose secret did not arrive is of no use.
    pub async fn create(&self, permit: &Permit, draft: Draft<'_>) -> Result<Secret, Error> {
        let expire = draft.expires.unwrap_or(0).to_string();
        let form = [
            ("privsep", "1"),
            ("expire", expire.as_str()),
            ("comment", draft.comment),
        ];
        let path = token_path(draft.token);
        let made = self.write(permit, Verb::Post, path, &form).await;
        self.kept.forget(&draft.token.user);
        let made: Object<Made> = made?;
        let secret = made.0.and_then(|made| made.value.text());
        secret
            .map(Secret::new)
            .ok_or_else(|| Error::BadReply("a token without a secret".to_owned()))
    }

    /// Gives it roles on a path and below. Needs `Permissions.Modify` there; on a guest, a storage or
    /// a pool `VM.Allocate`, `Datastore.Allocate` or `Pool.Allocate` will do for what one has oneself.
    ///
    /// # Errors
    ///
    /// As for [`TokenAdmin::create`]. To give what is given already changes nothing.
    pub async fn give(
        &self,
        permit: &Permit,
        token: &TokenId,
        roles: &[RoleName],
        path: &AclPath,
    ) -> Result<(), Error> {
        let roles: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
        let (roles, token) = (roles.join(","), token.to_string());
        let form = [
            ("path", path.as_str()),
            ("roles", &roles),
            ("tokens", &token),
            ("propagate", "1"),
        ];
        let acl = ApiPath::new(&["access", "acl"]);
        let _: Scalar = self.write(permit, Verb::Put, acl, &form).await?;
        Ok(())
    }

    /// Deletes it, and with it every right that it was given.
    ///
    /// # Errors
    ///
    /// As for [`TokenAdmin::create`]; for one that is not there a 500.
    pub async fn delete(&self, permit: &Permit, token: &TokenId) -> Result<(), Error> {
        let path = token_path(token);
        let gone = self.write(permit, Verb::Delete, path, &[]).await;
        self.kept.forget(&token.user);
        let _: Scalar = gone?;
        Ok(())
    }

    async fn get<T: DeserializeOwned>(&self, path: &ApiPath, most: usize) -> Result<T, Error> {
        let read = Read {
            lane: Lane::Cluster,
            path,
            limit: self.transport.limits().read,
            most,
        };
        self.transport.read(read).await?.data()
    }

    async fn write<T: DeserializeOwned>(
        &self,
        permit: &Permit,
        verb: Verb,
        path: ApiPath,
        form: &[(&str, &str)],
    ) -> Result<T, Error> {
        let write = Write {
            right: Right::Token,
            target: TargetKey::Bot,
            verb,
            path,
            form,
        };
        self.transport.write(permit, write).await?.data()
    }
}

/// Without the secret.
impl fmt::Debug for TokenAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAdmin")
            .field("cluster", self.cluster())
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_any_shape() {
        let rows: Vec<Object<TokenRow>> = serde_json::from_str(
            r#"[{"tokenid":"bot","privsep":1},
                {"tokenid":"ci","privsep":"0","expire":"1795525985","comment":"nightly"},
                {"tokenid":"old","expire":0,"comment":" "}, {"tokenid":"../x"}, "odd", {}]"#,
        )
        .unwrap();
        let rows = rows.into_iter().filter_map(|row| row.0);
        let tokens: Vec<Token> = rows.filter_map(TokenRow::read).collect();
        let [bot, ci, old] = &tokens[..] else {
            panic!("{tokens:?}")
        };
        assert!(bot.separate && bot.expires.is_none());
        assert_eq!((ci.expires, ci.separate), (Some(1_795_525_985), false));
        assert_eq!(ci.comment.as_deref(), Some("nightly"));
        // What Perl does not find is false: then the token has all that its user has.
        assert_eq!(
            (old.expires, &old.comment, old.separate),
            (None, &None, false)
        );
    }

    #[test]
    fn no_error_quotes_a_secret() {
        for odd in [
            r#"{"data":"s3cret"}"#,
            r#"{"data":{"value":["s3cret"]}}"#,
            r#"{"data":["s3cret"]}"#,
        ] {
            #[derive(Deserialize)]
            struct Envelope {
                data: Object<Made>,
            }
            let read: Envelope = serde_json::from_str(odd).unwrap();
            assert_eq!(
                read.data.0.and_then(|made| made.value.text()),
                None,
                "{odd}"
            );
        }
    }

    #[test]
    fn users_are_those_that_were_given_something() {
        let rows: Vec<Object<AclRow>> = serde_json::from_str(
            r#"[{"type":"user","ugid":"ci@pve"}, {"type":"token","ugid":"a@pve!x"},
                {"type":"group","ugid":"admins"}, {"type":"user","ugid":"a,b@pve"}, "odd", {}]"#,
        )
        .unwrap();
        let rows = rows.into_iter().filter_map(|row| row.0);
        let users: Vec<PveUser> = rows.filter_map(|row| row.user()).collect();
        let named: Vec<&str> = users.iter().map(PveUser::as_str).collect();
        assert_eq!(named, ["ci@pve", "a@pve"]);
    }

    #[test]
    fn roles_are_words_with_commas() {
        let row: RoleRow =
            serde_json::from_str(r#"{"roleid":"A","privs":"VM.Audit,VM.PowerMgmt","special":0}"#)
                .unwrap();
        let role = row.read().unwrap();
        assert_eq!(role.privileges.len(), 2);
    }
}
