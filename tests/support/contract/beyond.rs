//! Endpoints that the bot reads and the stored schema leaves out, in our own words and in the schema's
//! form. From pve-manager's `Cluster.pm` (`get_options`), pve-ha-manager's `API2/HA/Rules.pm` and
//! `Groups.pm`, pve-storage's `API2/Storage/Config.pm`, pve-access-control's `API2/User.pm`; what the
//! schema comes to know goes before these.

use serde_json::{Value, json};

pub(super) fn endpoints() -> Value {
    json!({
        "/access/users": users(),
        "/cluster/ha/groups": groups(),
        "/cluster/ha/rules": rules(),
        "/cluster/options": options(),
        "/storage": storages(),
    })
}

fn read(parameters: &Value, returns: &Value) -> Value {
    json!({"GET": {"parameters": parameters, "returns": returns, "pve8_4_5": "same"}})
}

fn list(properties: &Value) -> Value {
    json!({"type": "array", "items": {"type": "object", "properties": properties}})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn maybe(kind: &str) -> Value {
    json!({"type": kind, "optional": 1})
}

fn options() -> Value {
    let policies = ["freeze", "failover", "conditional", "migrate"];
    let policy = json!({"type": "string", "enum": policies, "optional": 1});
    let returns = json!({"type": "object", "properties": {
        "description": maybe("string"),
        "mac_prefix": maybe("string"),
        "keyboard": maybe("string"),
        "ha": {"type": "object", "optional": 1, "properties": {"shutdown_policy": policy}},
        "allowed-tags": {"type": "array", "items": text()},
    }});
    read(&json!({}), &returns)
}

fn rules() -> Value {
    let types = ["node-affinity", "resource-affinity"];
    let parameters = json!({
        "type": {"type": "string", "enum": types, "optional": 1},
        "resource": maybe("string"),
    });
    let rule = json!({
        "rule": text(),
        "type": text(),
        "resources": text(),
        "order": {"type": "integer"},
        "digest": text(),
        "nodes": maybe("string"),
        "strict": maybe("boolean"),
        "affinity": maybe("string"),
        "disable": maybe("boolean"),
        "comment": maybe("string"),
    });
    read(&parameters, &list(&rule))
}

fn groups() -> Value {
    let group = json!({
        "group": text(),
        "type": text(),
        "nodes": text(),
        "digest": text(),
        "restricted": maybe("boolean"),
        "nofailback": maybe("boolean"),
    });
    read(&json!({}), &list(&group))
}

fn storages() -> Value {
    let storage = json!({
        "storage": text(),
        "type": text(),
        "content": text(),
        "digest": text(),
        "path": maybe("string"),
        "nodes": maybe("string"),
        "shared": maybe("boolean"),
        "disable": maybe("boolean"),
        "snapshot-as-volume-chain": maybe("boolean"),
    });
    read(&json!({"type": maybe("string")}), &list(&storage))
}

fn users() -> Value {
    let parameters = json!({"enabled": maybe("boolean"), "full": maybe("boolean")});
    let user = json!({
        "userid": text(),
        "enable": maybe("boolean"),
        "expire": {"type": "integer", "minimum": 0, "optional": 1},
        "firstname": maybe("string"),
        "lastname": maybe("string"),
        "email": maybe("string"),
        "comment": maybe("string"),
        "keys": maybe("string"),
        "groups": maybe("string"),
        "realm-type": maybe("string"),
    });
    read(&parameters, &list(&user))
}
