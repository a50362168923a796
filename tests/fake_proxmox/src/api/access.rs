//! `/access`: what the caller may do.

use serde_json::{Map, Value, json};

use crate::access::{self, Caller, Privs};
use crate::answer::{Refusal, Reply};
use crate::gate::Call;
use crate::state::State;

/// Always allowed about oneself and one's own tokens; about others with Sys.Audit on /access.
pub(crate) fn permissions(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let subject = match call.params.get("userid") {
        None => call.caller.clone(),
        Some(id) => {
            // A user's tokens are the user's own; a token's user and sisters are not the token's.
            let own = id == call.caller.id || id.split('!').next() == Some(&call.caller.id);
            if !own && !access::may(state, &call.caller, "/access", "Sys.Audit") {
                return Err(Refusal::forbidden("/access", "Sys.Audit"));
            }
            let token = state.cfg.token(id);
            Caller {
                id: id.into(),
                privsep: token.is_some_and(|token| token.privsep),
            }
        }
    };
    let paths: Map<String, Value> = match call.params.get("path") {
        Some(path) => Map::from_iter([(path.into(), shown(&access::privs(state, &subject, path)))]),
        None => access::all_privs(state, &subject)
            .iter()
            .map(|(path, privs)| (path.clone(), shown(privs)))
            .collect(),
    };
    Ok(Value::from(paths).into())
}

/// 1: reaches what is below.
fn shown(privs: &Privs) -> Value {
    privs
        .iter()
        .map(|(name, down)| (name.clone(), json!(u8::from(*down))))
        .collect::<Map<_, _>>()
        .into()
}
