//! Grants and the lockdown, as rows.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::action::Right;
use crate::ids::{GrantId, GuestRef, GuildId, RoleId, UserId};
use crate::permission::{Giver, Grant, Lockdown};

pub(super) fn insert(db: &Connection, grant: &Grant) -> rusqlite::Result<GrantId> {
    db.execute(
        "INSERT INTO grants (user_id, rights, cluster, vmid, guest_name, giver, giver_roles, \
                             giver_guild, since, ends) \
         VALUES (:user, :rights, :cluster, :vmid, :guest, :giver, :roles, :guild, :since, :ends)",
        named_params! {
            ":user": grant.to.0.cast_signed(),
            ":rights": joined(grant.rights.iter().map(|right| right.key())),
            ":cluster": grant.guest.cluster.as_str(),
            ":vmid": grant.guest.vmid.get(),
            ":guest": grant.guest_name,
            ":giver": grant.giver.user.0.cast_signed(),
            ":roles": joined(grant.giver.roles.iter().map(ToString::to_string)),
            ":guild": grant.giver.guild.0.cast_signed(),
            ":since": grant.since,
            ":ends": grant.ends,
        },
    )?;
    Ok(GrantId(db.last_insert_rowid()))
}

pub(super) fn set_giver_roles(
    db: &Connection,
    giver: UserId,
    guild: GuildId,
    roles: &[RoleId],
) -> rusqlite::Result<()> {
    let roles = joined(roles.iter().map(ToString::to_string));
    let (giver, guild) = (giver.0.cast_signed(), guild.0.cast_signed());
    db.execute(
        "UPDATE grants SET giver_roles = ?1 WHERE giver = ?2 AND giver_guild = ?3",
        (roles, giver, guild),
    )?;
    Ok(())
}

/// Whether there was one.
pub(super) fn delete(db: &Connection, id: GrantId) -> rusqlite::Result<bool> {
    Ok(db.execute("DELETE FROM grants WHERE id = ?1", [id.0])? == 1)
}

/// A row that cannot be read back gives nobody anything: it is reported and left out.
pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<Grant>> {
    let mut query = db.prepare("SELECT * FROM grants ORDER BY id")?;
    let rows = query.query_map([], |row| Ok(read(row)))?;
    let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    let told = |error: &anyhow::Error| tracing::error!(%error, "a grant cannot be read");
    Ok(rows
        .into_iter()
        .filter_map(|row| row.inspect_err(told).ok())
        .collect())
}

fn read(row: &Row<'_>) -> anyhow::Result<Grant> {
    let id = |column: &str| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let rights: String = row.get("rights")?;
    let roles: String = row.get("giver_roles")?;
    let named = |word: &str| {
        let known = Right::ALL.into_iter().find(|right| right.key() == word);
        known.ok_or_else(|| anyhow::anyhow!("an unknown right"))
    };
    Ok(Grant {
        id: GrantId(row.get("id")?),
        to: UserId(id("user_id")?),
        rights: words(&rights).map(named).collect::<Result<_, _>>()?,
        guest: GuestRef {
            cluster: row.get::<_, String>("cluster")?.parse()?,
            vmid: row.get::<_, i64>("vmid")?.to_string().parse()?,
        },
        guest_name: row.get("guest_name")?,
        giver: Giver {
            user: UserId(id("giver")?),
            roles: words(&roles)
                .map(str::parse::<RoleId>)
                .collect::<Result<_, _>>()?,
            guild: GuildId(id("giver_guild")?),
        },
        since: row.get("since")?,
        ends: row.get("ends")?,
    })
}

fn joined<T: AsRef<str>>(words: impl Iterator<Item = T>) -> String {
    words
        .map(|word| word.as_ref().to_owned())
        .collect::<Vec<_>>()
        .join(",")
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|word| !word.is_empty())
}

pub(super) fn lockdown(db: &Connection) -> rusqlite::Result<Option<Lockdown>> {
    let read = |row: &Row<'_>| {
        Ok(Lockdown {
            by: UserId(row.get::<_, i64>("by_user")?.cast_unsigned()),
            reason: row.get("reason")?,
            since: row.get("since")?,
        })
    };
    db.query_row("SELECT * FROM lockdown", [], read).optional()
}

pub(super) fn set_lockdown(db: &Connection, to: Option<&Lockdown>) -> rusqlite::Result<()> {
    db.execute("DELETE FROM lockdown", [])?;
    if let Some(lockdown) = to {
        let by = lockdown.by.0.cast_signed();
        db.execute(
            "INSERT INTO lockdown (only, by_user, reason, since) VALUES (1, ?1, ?2, ?3)",
            (by, &lockdown.reason, lockdown.since),
        )?;
    }
    Ok(())
}
