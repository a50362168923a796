//! Templates for the notes of a backup: `{{guestname}} of {{node}}`.

const VARIABLES: [&str; 4] = ["cluster", "guestname", "node", "vmid"];

/// What a template for notes may not contain.
pub(crate) fn check_template(template: &str) -> Result<(), String> {
    if template.contains('\n') {
        return Err("contains a line feed".into());
    }
    let mut wrong = Vec::new();
    let mut rest = template.char_indices();
    while let Some((at, c)) = rest.next() {
        if c == '\\'
            && let Some((_, next)) = rest.next()
            && next != 'n'
            && next != '\\'
        {
            wrong.push(format!("escape sequence '\\{next}' at char {at}"));
        }
    }
    for (at, _) in template.match_indices("{{") {
        let name = template[at + 2..]
            .split_once("}}")
            .map_or("", |(name, _)| name);
        let is_name = !name.is_empty() && !name.contains(['{', '}', ' ', '\t']);
        if is_name && !VARIABLES.contains(&name) {
            wrong.push(format!("variable '{name}' at char {}", at + 4));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("found unknown: {}", wrong.join(", ")))
    }
}

pub(crate) fn fill(template: &str, cluster: &str, guest: &str, node: &str, vmid: u32) -> String {
    let vmid = vmid.to_string();
    let values = [cluster, guest, node, &vmid];
    let filled = VARIABLES.iter().zip(values);
    let filled = filled.fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    });
    filled
        .replace("\\\\", "\0")
        .replace("\\n", "\n")
        .replace('\0', "\\")
}
