//! Endpoints that the bot reads and the stored schema leaves out, in our own words and in the schema's
//! form. From pve-manager's `Cluster.pm` (`get_options`) and pve-ha-manager's `API2/HA/Rules.pm`,
//! `Groups.pm`; what the schema comes to know goes before these.

use serde_json::{Value, json};

pub(super) fn endpoints() -> Value {
    let text = json!({"type": "string"});
    let may = |schema: &Value| {
        let mut schema = schema.clone();
        schema["optional"] = json!(1);
        schema
    };
    let flag = json!({"type": "boolean", "optional": 1});
    let read = |parameters: Value, returns: Value| json!({"GET": {"parameters": parameters, "returns": returns, "pve8_4_5": "same"}});
    let list = |properties: Value| {
        let items = json!({"type": "object", "properties": properties});
        json!({"type": "array", "items": items})
    };
    let policies = ["freeze", "failover", "conditional", "migrate"];
    let policy = json!({"type": "string", "enum": policies, "optional": 1});
    json!({
        "/cluster/options": read(json!({}), json!({"type": "object", "properties": {
            "description": may(&text),
            "mac_prefix": may(&text),
            "keyboard": may(&text),
            "ha": {
                "type": "object",
                "optional": 1,
                "properties": {"shutdown_policy": policy},
            },
            "allowed-tags": {"type": "array", "items": text},
        }})),
        "/cluster/ha/rules": read(
            json!({
                "type": {
                    "type": "string",
                    "enum": ["node-affinity", "resource-affinity"],
                    "optional": 1,
                },
                "resource": may(&text),
            }),
            list(json!({
                "rule": text,
                "type": text,
                "resources": text,
                "order": {"type": "integer"},
                "digest": text,
                "nodes": may(&text),
                "strict": flag,
                "affinity": may(&text),
                "disable": flag,
                "comment": may(&text),
            })),
        ),
        "/cluster/ha/groups": read(json!({}), list(json!({
            "group": text,
            "type": text,
            "nodes": text,
            "digest": text,
            "restricted": flag,
            "nofailback": flag,
        }))),
    })
}
