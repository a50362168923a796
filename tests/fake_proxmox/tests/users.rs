//! Users, tokens, roles, ACLs and pools: over HTTPS, and as root types them.

mod support;

use fake_proxmox::{Cluster, Setup};
use serde_json::{Value, json};
use support::{almighty, ask, delete, get, home, post, put, quick, send, start, token_line};

const USER: &str = "discord@pve";

async fn as_root(cluster: &Cluster, method: &str, path: &str, form: &str) -> support::Answer {
    send(cluster, method, path, form, &almighty(cluster)).await
}

async fn may(cluster: &Cluster, line: &str, path: &str) -> Value {
    let path = format!("/access/permissions?path={path}");
    let data = ask(cluster, "GET", &path, line).await.data();
    data.as_object()
        .and_then(|all| all.values().next().cloned())
        .unwrap()
}

#[tokio::test]
async fn a_token_is_made_used_changed_and_removed() {
    let cluster = home().await;
    let path = "/access/users/discord@pve/token/second";
    let refused = post(&cluster, path, "").await;
    assert_eq!(
        refused.said(),
        "403 Permission check failed",
        "a token is not its user"
    );
    let made = as_root(&cluster, "POST", path, "comment=for+tests")
        .await
        .data();
    assert_eq!(made["full-tokenid"], "discord@pve!second");
    assert_eq!(made["info"], json!({"privsep": 1, "comment": "for tests"}));
    let secret = made["value"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 36);
    let line = token_line("discord@pve!second", &secret);
    assert_eq!(ask(&cluster, "GET", "/version", &line).await.status, 200);
    assert_eq!(
        may(&cluster, &line, "/vms/101").await,
        json!({}),
        "it has nothing of its own"
    );
    let again = as_root(&cluster, "POST", path, "").await;
    assert_eq!(again.error("tokenid"), "Token already exists.");
    let changed = as_root(&cluster, "PUT", path, "privsep=0&delete=comment&expire=0").await;
    assert_eq!(changed.data(), json!({"privsep": 0, "expire": 0}));
    assert_ne!(
        may(&cluster, &line, "/vms/101").await,
        json!({}),
        "now it is as its user"
    );
    let fresh = as_root(&cluster, "PUT", path, "regenerate=1").await.data();
    assert_eq!(ask(&cluster, "GET", "/version", &line).await.status, 401);
    let line = token_line("discord@pve!second", fresh["value"].as_str().unwrap());
    assert_eq!(ask(&cluster, "GET", "/version", &line).await.status, 200);
    let list = as_root(&cluster, "GET", "/access/users/discord@pve/token", "")
        .await
        .data();
    assert_eq!(
        list[1],
        json!({"tokenid": "second", "privsep": 0, "expire": 0})
    );
    assert_eq!(
        as_root(&cluster, "DELETE", path, "").await.data(),
        Value::Null
    );
    assert_eq!(ask(&cluster, "GET", "/version", &line).await.status, 401);
    let gone = as_root(&cluster, "DELETE", path, "").await;
    assert_eq!(
        gone.said(),
        "500 no such token 'second' for user 'discord@pve'"
    );
}

#[tokio::test]
async fn names_and_owners_are_checked() {
    let cluster = home().await;
    for name in ["b", "1st", "a%20b"] {
        let path = format!("/access/users/discord@pve/token/{name}");
        let answer = as_root(&cluster, "POST", &path, "").await;
        assert_eq!(
            answer.error("tokenid"),
            "value does not match the regex pattern"
        );
    }
    let odd = as_root(&cluster, "GET", "/access/users/discord/token", "").await;
    assert_eq!(
        odd.said(),
        "500 value 'discord' does not look like a valid user name"
    );
    let nobody = as_root(&cluster, "GET", "/access/users/nobody@pve/token", "").await;
    assert_eq!(nobody.said(), "403 Permission check failed");
    for who in [USER, "discord@pve!bot"] {
        cluster.clear_acls(who);
        cluster.acl("/access/groups/helpers", who, &["User.Modify"], true);
    }
    cluster.pveum("pveum user add anna@pve").expect("made");
    let path = "/access/users/anna@pve/token/app";
    assert_eq!(post(&cluster, path, "").await.status, 403);
    cluster.add_group("helpers", &["anna@pve"]);
    assert_eq!(
        post(&cluster, path, "").await.status,
        200,
        "she is in a group one looks after"
    );
    let own = get(&cluster, "/access/users").await.data();
    let own: Vec<&Value> = own
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["userid"])
        .collect();
    assert_eq!(own, [&json!("anna@pve")]);
}

#[tokio::test]
async fn tokens_end_with_time_and_with_their_user() {
    for (version, expired, disabled) in [
        ((9, 2), "Authentication failed!", "Authentication failed!"),
        (
            (8, 4),
            "token 'bot' access expired",
            "user 'discord@pve' is disabled",
        ),
    ] {
        let cluster = start(Setup { version, ..quick() }).await;
        cluster.expire_token("discord@pve!bot", Some(1_700_000_000));
        let answer = get(&cluster, "/version").await;
        assert_eq!(answer.said(), format!("401 {expired}"));
        cluster.expire_token("discord@pve!bot", Some(0));
        assert_eq!(get(&cluster, "/version").await.status, 200);
        cluster.set_user_enabled(USER, false);
        assert_eq!(
            get(&cluster, "/version").await.said(),
            format!("401 {disabled}")
        );
        cluster.set_user_enabled(USER, true);
        cluster
            .pveum("pveum user delete discord@pve")
            .expect("deleted");
        assert_eq!(get(&cluster, "/version").await.status, 401);
    }
}

#[tokio::test]
async fn roles_are_made_of_known_privileges() {
    for (version, known, unknown) in [
        ((9, 2), "VM.GuestAgent.Audit", "VM.Monitor"),
        ((8, 4), "VM.Monitor", "VM.GuestAgent.Audit"),
    ] {
        let cluster = start(Setup { version, ..quick() }).await;
        let form = format!("roleid=Some&privs=VM.Audit,{unknown}");
        let answer = as_root(&cluster, "POST", "/access/roles", &form).await;
        let text = format!("invalid format - invalid privilege '{unknown}'\n");
        assert_eq!(answer.error("privs"), text);
        let form = format!("roleid=Some&privs=VM.Audit,{known}");
        assert_eq!(
            as_root(&cluster, "POST", "/access/roles", &form)
                .await
                .status,
            200
        );
        let role = get(&cluster, "/access/roles/Some").await.data();
        assert_eq!(role, json!({"VM.Audit": 1, known: 1}));
    }
    let cluster = home().await;
    let denied = post(&cluster, "/access/roles", "roleid=Some").await;
    assert_eq!(
        denied.said(),
        "403 Permission check failed (/access, Sys.Modify)"
    );
    for (method, path, form, said) in [
        (
            "DELETE",
            "/access/roles/PVEAdmin",
            "",
            "auto-generated role 'PVEAdmin' cannot be deleted",
        ),
        (
            "PUT",
            "/access/roles/PVEAdmin",
            "",
            "auto-generated role 'PVEAdmin' cannot be modified",
        ),
        (
            "DELETE",
            "/access/roles/None",
            "",
            "delete role failed: role 'None' does not exist",
        ),
        (
            "POST",
            "/access/roles",
            "roleid=Administrator",
            "create role failed: role 'Administrator' already exists",
        ),
        (
            "GET",
            "/access/roles/None",
            "",
            "role 'None' does not exist",
        ),
    ] {
        let answer = as_root(&cluster, method, path, form).await;
        assert_eq!(answer.said(), format!("500 {said}"));
    }
    let pve = as_root(&cluster, "POST", "/access/roles", "roleid=pveMine").await;
    let text = "cannot use role ID starting with the (case-insensitive) 'PVE' namespace";
    assert_eq!(pve.error("roleid"), text);
    cluster.set_quorate(false);
    let alone = as_root(&cluster, "POST", "/access/roles", "roleid=Some").await;
    assert_eq!(
        alone.said(),
        "500 create role failed: cfs-lock 'file-user_cfg' error: no quorum!"
    );
}

#[tokio::test]
async fn acls_are_changed_by_who_may() {
    let cluster = home().await;
    let seen = get(&cluster, "/access/acl").await.data();
    assert_eq!(
        seen.as_array().map(Vec::len),
        Some(18),
        "an auditor of / sees all"
    );
    for who in [USER, "discord@pve!bot"] {
        cluster.clear_acls(who);
    }
    let form = "path=/vms/103&users=discord@pve&roles=PVEAuditor";
    let denied = put(&cluster, "/access/acl", form).await;
    let text = "403 Permission check failed (/vms/103, Permissions.Modify|VM.Allocate)";
    assert_eq!(denied.said(), text);
    assert_eq!(
        get(&cluster, "/access/acl").await.data(),
        json!([]),
        "one sees what one may change"
    );
    for (form, name, text) in [
        (
            "path=/vms/103&roles=PVEAuditor",
            "users",
            "either 'users', 'groups' or 'tokens' is required.",
        ),
        (
            "path=/guests&roles=PVEAuditor&users=discord@pve",
            "path",
            "invalid ACL path '/guests'",
        ),
        (
            "path=/v%20s&roles=PVEAuditor&users=discord@pve",
            "path",
            "invalid ACL path '/v s'",
        ),
        (
            "path=/&roles=PVEAuditor&tokens=discord@pve",
            "tokens",
            "invalid format - value 'discord@pve' does not look like a valid token ID\n",
        ),
        (
            "roles=PVEAuditor&users=discord@pve",
            "path",
            "property is missing and it is not optional",
        ),
    ] {
        let answer = as_root(&cluster, "PUT", "/access/acl", form).await;
        assert_eq!(answer.error(name), text, "{form}");
    }
    for (form, said) in [
        ("users=discord@pve&roles=None", "role 'None' does not exist"),
        (
            "users=who@pve&roles=PVEAuditor",
            "user 'who@pve' does not exist",
        ),
        ("groups=who&roles=PVEAuditor", "group 'who' does not exist"),
        (
            "tokens=discord@pve!who&roles=PVEAuditor",
            "no such token 'who' for user 'discord@pve'",
        ),
    ] {
        let answer = as_root(&cluster, "PUT", "/access/acl", &format!("path=/&{form}")).await;
        assert_eq!(answer.said(), format!("500 ACL update failed: {said}"));
    }
    // Who may only create guests gives away only what it has.
    for who in [USER, "discord@pve!bot"] {
        cluster.acl("/vms/103", who, &["VM.Allocate"], true);
    }
    let form = "path=/vms/103&users=discord@pve&roles=";
    let more = put(&cluster, "/access/acl", &format!("{form}PVEVMUser")).await;
    let text =
        "Cannot add role 'PVEVMUser' - requires 'Permissions.Modify' or superset of privileges.";
    assert_eq!(more.error("role"), text);
    let none = put(&cluster, "/access/acl", &format!("{form}NoAccess")).await;
    assert_eq!(
        none.error("role"),
        "Cannot add role 'NoAccess' - requires 'Permissions.Modify'"
    );
}

#[tokio::test]
async fn users_beat_groups_and_no_access_beats_all() {
    let cluster = home().await;
    cluster.add_token("anna@pve!app", "secret", false);
    let anna = token_line("anna@pve!app", "secret");
    cluster.add_group("family", &["anna@pve"]);
    let run = |line: &str| cluster.pveum(line).expect("done");
    run("pveum acl modify /vms -group family -role PVETemplateUser");
    let held = json!({"VM.Audit": 1, "VM.Clone": 1});
    assert_eq!(may(&cluster, &anna, "/vms/101").await, held);
    run("pveum acl modify /vms -user anna@pve -role PVEPoolUser");
    assert_eq!(
        may(&cluster, &anna, "/vms/101").await,
        json!({"Pool.Audit": 1})
    );
    run("pveum acl modify /vms/101 -group family -role NoAccess");
    run("pveum acl modify /pool/friends -user anna@pve -role PVETemplateUser");
    assert_eq!(may(&cluster, &anna, "/vms/101").await, json!({}));
    run("pveum acl delete /vms/101 -group family -role NoAccess");
    let both = json!({"Pool.Audit": 1, "VM.Audit": 0, "VM.Clone": 0});
    assert_eq!(
        may(&cluster, &anna, "/vms/101").await,
        both,
        "a pool adds, and passes nothing on"
    );
    run("pveum pool modify friends -storage nas");
    assert_eq!(
        may(&cluster, &anna, "/storage/nas").await,
        json!({"VM.Audit": 0, "VM.Clone": 0})
    );
}

#[tokio::test]
async fn pools_hold_each_guest_once() {
    let cluster = home().await;
    let denied = post(&cluster, "/pools", "poolid=mine").await;
    assert_eq!(
        denied.said(),
        "403 Permission check failed (/pool/mine, Pool.Allocate)"
    );
    let denied = delete(&cluster, "/pools?poolid=friends").await;
    assert_eq!(
        denied.said(),
        "403 Permission check failed (/pool/friends, Pool.Allocate)"
    );
    for (method, form, said) in [
        (
            "POST",
            "poolid=friends",
            "create pool failed: pool 'friends' already exists",
        ),
        (
            "POST",
            "poolid=a/b",
            "create pool failed: parent 'a' of pool 'a/b' does not exist",
        ),
        (
            "POST",
            "poolid=1st",
            "create pool failed: pool name must start with a letter",
        ),
        (
            "PUT",
            "poolid=none&vms=101",
            "update pools failed: pool 'none' does not exist",
        ),
        (
            "PUT",
            "poolid=friends&vms=101",
            "update pools failed: VM 101 is already a pool member",
        ),
        (
            "PUT",
            "poolid=friends&vms=103&delete=1",
            "update pools failed: VM 103 is not a pool member",
        ),
        (
            "DELETE",
            "poolid=friends",
            "delete pool failed: pool 'friends' is not empty (contains VM 101)",
        ),
    ] {
        let answer = as_root(&cluster, method, "/pools", form).await;
        assert_eq!(answer.said(), format!("500 {said}"), "{form}");
    }
    as_root(&cluster, "POST", "/pools", "poolid=other")
        .await
        .data();
    let taken = as_root(&cluster, "PUT", "/pools", "poolid=other&vms=103,101").await;
    let text = "500 update pools failed: VM 101 belongs already to pool 'friends' and 'allow-move' is not set";
    assert_eq!(taken.said(), text);
    assert_eq!(cluster.guest(103).unwrap().pool, None, "all or nothing");
    as_root(
        &cluster,
        "PUT",
        "/pools",
        "poolid=other&vms=101&allow-move=1",
    )
    .await
    .data();
    assert_eq!(cluster.guest(101).unwrap().pool.as_deref(), Some("other"));
    as_root(&cluster, "DELETE", "/pools/friends", "")
        .await
        .data();
    let left = as_root(&cluster, "GET", "/pools", "").await.data();
    assert_eq!(left, json!([{"poolid": "other"}]));
}

#[tokio::test]
async fn the_console_takes_what_the_real_one_takes() {
    let cluster = start(Setup::empty(&["pve1"])).await;
    let run = |line: &str| cluster.pveum(line);
    for line in [
        r#"pveum role add Look --privs="VM.Audit Sys.Audit""#,
        "pveum role mod Look -append 1 -privs Pool.Audit   # more",
        "pveum useradd max@pve -comment 'Max M.'",
        "pveum user token add max@pve app -privsep 0 -expire 0",
        "pveum acl modify / --tokens 'max@pve!app' --roles Look",
        "pveum acl mod / -user max@pve -role Look -propagate 0",
        "pveum pool add games -comment fun",
        "pveum acl delete / -user max@pve -role Look",
        "pveum user token modify max@pve app -comment x",
        "pveum user token remove max@pve app",
        "pveum role delete Look",
        "pveum pool delete games",
        "pveum user delete nobody@pve",
    ] {
        run(line).unwrap_or_else(|text| panic!("{line}\n{text}"));
    }
    for (line, text) in [
        (
            "pveum token add max@pve app",
            "ERROR: unknown command 'pveum token'",
        ),
        (
            "pveum user token",
            "ERROR: incomplete command 'pveum user token'",
        ),
        (
            "pveum user token frob x",
            "ERROR: unknown command 'pveum user token frob'",
        ),
        ("pveum role add", "400 not enough arguments"),
        ("pveum role add A B", "400 too many arguments"),
        (
            "pveum role add A -privileges VM.Audit",
            "Unknown option: privileges\n400 unable to parse option",
        ),
        (
            "pveum role add A -privs",
            "Option privs requires an argument\n400 unable to parse option",
        ),
        (
            "pveum user token add max@pve app -privsep maybe",
            "400 unable to parse boolean option",
        ),
        (
            "pveum role add A -privs VM.Monitor",
            "400 Parameter verification failed.\nprivs: invalid format - invalid privilege 'VM.Monitor'",
        ),
        (
            "pveum role add PVEMine",
            "400 Parameter verification failed.\nroleid: cannot use role ID starting with the (case-insensitive) 'PVE' namespace",
        ),
        (
            "pveum acl modify / -user max@pve -role None",
            "ACL update failed: role 'None' does not exist",
        ),
        (
            "pveum acl modify / -token max@pve!app -role PVEAdmin",
            "pveum acl modify / -token max@pve!app -role PVEAdmin: event not found",
        ),
        (
            "pveum acl modify / -role PVEAdmin -delete 1",
            "Unknown option: delete\n400 unable to parse option",
        ),
        (
            "pveum user add max",
            "400 Parameter verification failed.\nuserid: invalid format - value 'max' does not look like a valid user name",
        ),
        (
            "pveum user add max@pve",
            "create user failed: user 'max@pve' already exists",
        ),
        (
            "pveum pool modify none -vms 101",
            "update pools failed: pool 'none' does not exist",
        ),
    ] {
        assert_eq!(run(line), Err(text.into()));
    }
    let shown = run("pveum user token add max@pve bot").unwrap();
    assert!(shown.contains("│ full-tokenid │ max@pve!bot "), "{shown}");
    let list = run("pveum user token list max@pve --output-format json").unwrap();
    assert_eq!(list, r#"[{"privsep":1,"tokenid":"bot"}]"#);
}
