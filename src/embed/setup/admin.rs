//! What `setup` asks and says about the second token, for `/token`.

use std::path::Path;

use crate::embed::pveum;

pub const USUAL: &str = "steward@pve!admin";
/// What stands in the place of an id where none is wanted.
pub const NONE: &str = super::NONE;

pub const WANTED: &str = "Shall people manage API tokens from Discord (/token)?";
pub const ID: &str = "Id of the second token";
pub const SECRET: &str = "Secret of the second token";
pub const SAME: &str = "The bot runs on that one: the second token is another, for nothing else.";
pub const FAILED: &str = "The second token cannot be used like this: see FAIL above.";
/// Of an id without a file, and the other way round.
pub const ID_OPTION: &str = "--admin-token-id";
pub const SECRET_OPTION: &str = "--admin-token-secret-file";

#[must_use]
pub fn about() -> String {
    "\n/token lets those make and delete API tokens of Proxmox to whom a rule gives `token`. It takes a\n\
     second token, which is as good as root: it can make tokens for every user of Proxmox. Without it\n\
     there is no such command.\n"
        .to_owned()
}

/// How to make it, with no more than it needs.
#[must_use]
pub fn commands(id: &str) -> String {
    let mut text = "If there is no such token yet, make it: on any node, as root\n\n".to_owned();
    for line in pveum::admin(id, None) {
        text.push_str("  ");
        text.push_str(&line);
        text.push('\n');
    }
    text + "\nThe line with `token add` prints the secret as `value`, once. It is no matter if a role exists\n\
            already.\n\n"
}

/// The order is that of the answers.
#[must_use]
pub fn after_trying() -> [String; 4] {
    [
        "try the same again".to_owned(),
        "another token".to_owned(),
        "leave it out: no /token".to_owned(),
        "go on all the same".to_owned(),
    ]
}

/// It is out of the configuration, and still there. `service`: the cluster, where the bot runs from the
/// unit, which would not start without the file, nor with the variable alone.
#[must_use]
pub fn left_out(id: &str, file: Option<&Path>, service: Option<&str>) -> String {
    let (user, name) = id.split_once('!').unwrap_or((id, ""));
    let mut lines = vec![
        "\nThe second token is out of the configuration. Remove what stays, in this order:"
            .to_owned(),
    ];
    if let Some(file) = file {
        if let Some(cluster) = service {
            lines.push("  from the unit, if it has them, the lines".to_owned());
            let unit = unit(cluster, &name_of(file), file);
            lines.extend(unit.map(|line| format!("    {line}")));
        }
        lines.push(format!("  its secret: rm {}", file.display()));
    }
    lines.push(format!(
        "  the token, on a node as root: pveum user token remove {user} {name}\n"
    ));
    lines.join("\n")
}

fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The service cannot read the secret by itself.
#[must_use]
pub fn for_the_unit(cluster: &str, file: &Path) -> String {
    let name = name_of(file);
    let mut text =
        "\nIn the unit, so that the service gets the secret of the second token:\n".to_owned();
    for line in unit(cluster, &name, file) {
        text.push_str("  ");
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn unit(cluster: &str, name: &str, file: &Path) -> [String; 2] {
    let upper = cluster.to_ascii_uppercase();
    [
        format!("LoadCredential={name}:{}", file.display()),
        format!("Environment=PVE_STEWARD__CLUSTER__{upper}__ADMIN_TOKEN_SECRET_FILE=%d/{name}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_lines_are_those_that_it_has() {
        let there = include_str!("../../../config/deploy/pve-steward.service");
        let file = Path::new("/etc/pve-steward/pve_admin_token");
        for line in unit("home", "pve_admin_token", file) {
            assert!(there.contains(&format!("# {line}\n")), "{line}");
            assert!(for_the_unit("home", file).contains(&line));
        }
    }

    #[test]
    fn the_example_makes_it_with_the_same_lines() {
        let example = include_str!("../../../config/example.toml").lines();
        let example = example.filter_map(|line| line.strip_prefix("#   pveum "));
        let example: Vec<String> = example.map(|line| format!("pveum {line}")).collect();
        assert_eq!(example, pveum::admin(USUAL, None));
    }

    #[test]
    fn what_the_unit_needs_goes_from_the_unit_first() {
        let file = Path::new("/etc/pve-steward/pve_admin_token");
        let text = left_out("steward@pve!admin", Some(file), Some("home"));
        let place = |part: &str| text.find(part).unwrap();
        let lines = unit("home", "pve_admin_token", file).map(|line| place(&line));
        assert!(lines.iter().all(|line| *line < place("rm /etc")), "{text}");
        assert!(place("rm /etc") < place("pveum user token remove steward@pve admin"));
        let elsewhere = left_out("steward@pve!admin", Some(file), None);
        assert!(!elsewhere.contains("unit"), "{elsewhere}");
    }
}
