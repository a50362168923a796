//! `/access/users/{userid}/token`.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::access::Caller;
use crate::answer::{Refusal, Reply};
use crate::api::{change, users};
use crate::formats::list;
use crate::gate::Call;
use crate::params::UNKNOWN;
use crate::routes::Given;
use crate::state::State;
use crate::users::{User, UserToken};

/// One's own, or those of users one looks after. A token is not its user: it does not own its
/// sisters, nor itself.
pub(crate) fn may_manage(state: &State, caller: &Caller, given: &Given) -> Result<(), Refusal> {
    let user = users::named(given)?;
    let known = state.cfg.users.contains_key(&user);
    if known && (caller.id == user || users::looks_after(state, caller, &user)) {
        Ok(())
    } else {
        Err(Refusal::forbidden_at_all())
    }
}

fn info(token: &UserToken) -> Map<String, Value> {
    let mut shown = Map::from_iter([("privsep".into(), json!(u8::from(token.privsep)))]);
    if let Some(expire) = token.expire {
        shown.insert("expire".into(), json!(expire));
    }
    if let Some(comment) = &token.comment {
        shown.insert("comment".into(), json!(comment));
    }
    shown
}

pub(crate) fn rows(user: &User) -> Value {
    let rows = user.tokens.iter().map(|(name, token)| {
        let mut row = info(token);
        row.insert("tokenid".into(), json!(name));
        Value::Object(row)
    });
    rows.collect::<Vec<_>>().into()
}

fn ids(call: &Call) -> (&str, &str, String) {
    let (user, name) = (call.params.text("userid"), call.params.text("tokenid"));
    (user, name, format!("{user}!{name}"))
}

fn user<'a>(state: &'a State, name: &str) -> Result<&'a User, Refusal> {
    let absent = || Refusal::die(format!("no such user ('{name}')"));
    state.cfg.users.get(name).ok_or_else(absent)
}

fn token<'a>(state: &'a State, call: &Call) -> Result<&'a UserToken, Refusal> {
    let (user, name, _) = ids(call);
    let known = self::user(state, user)?.tokens.get(name);
    known.ok_or_else(|| Refusal::die(format!("no such token '{name}' for user '{user}'")))
}

pub(crate) fn index(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    Ok(rows(user(state, call.params.text("userid"))?).into())
}

pub(crate) fn read(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    Ok(Value::Object(info(token(state, call)?)).into())
}

/// The secret is in this answer and never again.
pub(crate) fn create(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let (user, name, full) = ids(call);
    if self::user(state, user)?.tokens.contains_key(name) {
        return Err(Refusal::parameter("tokenid", "Token already exists."));
    }
    let params = &call.params;
    let secret = secret(state, &full);
    let token = UserToken {
        secret: secret.clone(),
        privsep: params.get("privsep") != Some("0"),
        expire: params.number("expire"),
        comment: params
            .get("comment")
            .filter(|it| !it.is_empty())
            .map(String::from),
    };
    let shown = info(&token);
    change(state, "generating token", |cfg| {
        let user = cfg.users.entry(user.into()).or_default();
        user.tokens.insert(name.into(), token);
        Ok(())
    })?;
    Ok(json!({"full-tokenid": full, "info": shown, "value": secret}).into())
}

/// A UUID of the fourth kind: nothing else has its form, and no two are the same.
fn secret(state: &mut State, id: &str) -> String {
    state.secrets += 1;
    let seed = format!("{id} {} {:?}", state.secrets, std::time::SystemTime::now());
    let hash = Sha256::digest(seed.as_bytes());
    let mut bytes: [u8; 16] = hash[..16].try_into().unwrap_or_default();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = bytes.map(|b| format!("{b:02x}")).concat();
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

/// A new secret in place came with 9.2, as did taking a comment away by name.
pub(crate) fn update(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let params = &call.params;
    for name in ["delete", "regenerate"] {
        if !state.since(9, 2) && params.get(name).is_some() {
            return Err(Refusal::parameter(name, UNKNOWN));
        }
    }
    token(state, call)?;
    let (_, _, full) = ids(call);
    let delete = list(params.get("delete").unwrap_or_default());
    if let Some(other) = delete.iter().find(|it| **it != "comment") {
        let text = format!("unknown option '{other}'");
        return Err(Refusal::parameter("delete", &text));
    }
    let fresh = params.flag("regenerate").then(|| secret(state, &full));
    change(state, "updating token info", |cfg| {
        let Some(token) = cfg.token_mut(&full) else {
            return Ok(());
        };
        if let Some(privsep) = params.get("privsep") {
            token.privsep = privsep == "1";
        }
        token.expire = params.number("expire").or(token.expire);
        if let Some(comment) = params.get("comment") {
            token.comment = Some(comment.into()).filter(|it: &String| !it.is_empty());
        }
        if !delete.is_empty() {
            token.comment = None;
        }
        if let Some(fresh) = &fresh {
            token.secret.clone_from(fresh);
        }
        Ok(())
    })?;
    let mut shown = info(token(state, call)?);
    if let Some(fresh) = fresh {
        shown.insert("value".into(), json!(fresh));
        shown.insert("full-tokenid".into(), json!(full));
    }
    Ok(Value::Object(shown).into())
}

pub(crate) fn delete(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    token(state, call)?;
    let (_, _, full) = ids(call);
    change(state, "deleting token", |cfg| {
        cfg.remove_token(&full);
        Ok(())
    })
}
