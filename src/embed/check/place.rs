//! The folder in which the bot keeps what must survive a restart.

use std::path::Path;

use super::{Finding, Grade};

#[must_use]
pub fn place(folder: &Path, exists: bool) -> Finding {
    let folder = folder.display();
    Finding::ok(if exists {
        format!("state: {folder} can be written to")
    } else {
        format!("state: {folder} is not there yet; the bot will make it")
    })
}

/// `why`: what the system says.
#[must_use]
pub fn no_place(folder: &Path, why: &str) -> Finding {
    let folder = folder.display();
    Finding::new(
        Grade::Lasting,
        format!(
            "state: {folder} cannot be used: {why}\n\
             {}",
            remedy()
        ),
    )
}

/// Others on the machine can read the audit, or change what the bot remembers.
#[must_use]
pub fn open_place(folder: &Path, mode: u32) -> Finding {
    let folder = folder.display();
    Finding::warning(format!(
        "state: {folder} is open to other users of this machine (mode {mode:o}); the audit is in it.\n\
         Close it: chmod 700 {folder}"
    ))
}

/// The same words where `run` cannot use the folder.
#[must_use]
pub fn unusable(folder: &Path, why: &str) -> String {
    format!(
        "the folder {} cannot be used: {why}. {}",
        folder.display(),
        remedy()
    )
}

fn remedy() -> &'static str {
    "Set `state_dir` in [bot] to a folder that this user may write to, or give this one to the user."
}
