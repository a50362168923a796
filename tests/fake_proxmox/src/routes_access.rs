//! The endpoints of `/access` and `/pools`.

use crate::api::{acl, pools, roles, tokens, users};
use crate::formats;
use crate::params::Type::{Boolean, Custom, Integer, Needing, OneOf, Text};
use crate::params::{Param, optional, required};
use crate::routes::{Check, Handler, Route, get, guarded};

const USER: Param = required("userid", Custom(formats::user_id));
const TOKEN: Param = required("tokenid", Custom(formats::token_name));
const ROLE: Param = required("roleid", Custom(formats::role_id));
const POOL: Param = required("poolid", Custom(formats::pool_id));
const PRIVS: Param = optional("privs", Text);
const COMMENT: Param = optional("comment", Text);
const EXPIRE: Param = optional("expire", Integer { min: 0 });
const PRIVSEP: Param = optional("privsep", Boolean);

const USERS: &str = "/access/users";
const ONE_TOKEN: &str = "/access/users/{userid}/token/{tokenid}";
const ROLES: &str = "/access/roles";
const ONE_ROLE: &str = "/access/roles/{roleid}";

const NEW_USER: &[Param] = &[
    USER,
    optional("comment", Custom(formats::user_comment)),
    optional("email", Custom(users::email)),
    optional("enable", Boolean),
    EXPIRE,
    optional("firstname", Custom(formats::user_text)),
    optional("groups", Custom(formats::group_ids)),
    optional("keys", Custom(users::keys)),
    optional("lastname", Custom(formats::user_text)),
    optional("password", Custom(formats::password)),
];

const OLD_POOL: &[Param] = &[
    POOL,
    optional("allow-move", Boolean),
    COMMENT,
    optional("delete", Boolean),
    optional("storage", Custom(formats::storage_ids)),
    optional("vms", Custom(formats::vmids)),
];

const fn with(
    method: &'static str,
    path: &'static str,
    params: &'static [Param],
    check: Check,
    handler: Handler,
) -> Route {
    Route {
        method,
        check: Some(check),
        ..get(path, params, handler)
    }
}

/// Roles belong to the whole of `/access`.
const fn of_role(
    method: &'static str,
    path: &'static str,
    params: &'static [Param],
    handler: Handler,
) -> Route {
    Route {
        method,
        ..guarded(get(path, params, handler), "/access", "Sys.Modify")
    }
}

pub(crate) static ROUTES: &[Route] = &[
    get(ROLES, &[], roles::index),
    of_role("POST", ROLES, &[ROLE, PRIVS], roles::create),
    get(ONE_ROLE, &[ROLE], roles::read),
    of_role(
        "PUT",
        ONE_ROLE,
        &[ROLE, PRIVS, optional("append", Needing("privs", &Boolean))],
        roles::update,
    ),
    of_role("DELETE", ONE_ROLE, &[ROLE], roles::delete),
    get("/access/acl", &[], acl::read),
    with(
        "PUT",
        "/access/acl",
        &[
            required("path", Text),
            required("roles", Custom(formats::role_ids)),
            optional("delete", Boolean),
            optional("groups", Custom(formats::group_ids)),
            optional("propagate", Boolean),
            optional("tokens", Custom(formats::token_ids)),
            optional("users", Custom(formats::user_ids)),
        ],
        acl::may_update,
        acl::update,
    ),
    get(
        USERS,
        &[optional("enabled", Boolean), optional("full", Boolean)],
        users::index,
    ),
    with("POST", USERS, NEW_USER, users::may_create, users::create),
    with(
        "DELETE",
        "/access/users/{userid}",
        &[USER],
        users::may_delete,
        users::delete,
    ),
    with(
        "GET",
        "/access/users/{userid}/token",
        &[USER],
        tokens::may_manage,
        tokens::index,
    ),
    with(
        "GET",
        ONE_TOKEN,
        &[USER, TOKEN],
        tokens::may_manage,
        tokens::read,
    ),
    with(
        "POST",
        ONE_TOKEN,
        &[USER, TOKEN, COMMENT, EXPIRE, PRIVSEP],
        tokens::may_manage,
        tokens::create,
    ),
    with(
        "PUT",
        ONE_TOKEN,
        &[
            USER,
            TOKEN,
            COMMENT,
            optional("delete", Custom(formats::config_ids)),
            EXPIRE,
            PRIVSEP,
            optional("regenerate", Boolean),
        ],
        tokens::may_manage,
        tokens::update,
    ),
    with(
        "DELETE",
        ONE_TOKEN,
        &[USER, TOKEN],
        tokens::may_manage,
        tokens::delete,
    ),
    get(
        "/pools",
        &[
            optional("poolid", Custom(formats::pool_id)),
            optional(
                "type",
                Needing("poolid", &OneOf(&["qemu", "lxc", "storage"])),
            ),
        ],
        pools::index,
    ),
    with(
        "POST",
        "/pools",
        &[POOL, COMMENT],
        pools::may_allocate,
        pools::create,
    ),
    with(
        "PUT",
        "/pools",
        OLD_POOL,
        pools::may_allocate,
        pools::update,
    ),
    with(
        "DELETE",
        "/pools",
        &[POOL],
        pools::may_allocate,
        pools::delete,
    ),
    with(
        "GET",
        "/pools/{poolid}",
        &[POOL, optional("type", OneOf(&["qemu", "lxc", "storage"]))],
        pools::may_see,
        pools::read,
    ),
    with(
        "PUT",
        "/pools/{poolid}",
        OLD_POOL,
        pools::may_allocate,
        pools::update,
    ),
    with(
        "DELETE",
        "/pools/{poolid}",
        &[POOL],
        pools::may_allocate,
        pools::delete,
    ),
];
