//! Whether `run` will be able to keep its state where the configuration says.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use crate::embed::check::{self as words, Finding};
use crate::store;

pub(super) fn findings(folder: &Path) -> Vec<Finding> {
    let exists = folder.exists();
    if let Err(error) = try_it(folder) {
        return vec![words::no_place(folder, &error.to_string())];
    }
    let mut findings = vec![words::place(folder, exists)];
    findings.extend(open_to(folder).map(|mode| words::open_place(folder, mode)));
    findings
}

/// Makes a file there and takes it away: modes and owners alone do not tell what a read-only mount
/// or an access list forbids. Where the folder is missing, the one that it would be made in counts.
fn try_it(folder: &Path) -> io::Result<()> {
    let Some(there) = folder.ancestors().find(|path| path.exists()) else {
        // A relative name without a folder in front: it would be made where the bot was started.
        return try_it(Path::new("."));
    };
    let probe = there.join(format!(".pve-steward-check-{}", std::process::id()));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe)?;
    fs::remove_file(&probe)?;
    match OpenOptions::new()
        .write(true)
        .open(folder.join(store::FILE))
    {
        // The first start makes it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        opened => opened.map(drop),
    }
}

/// The mode of a folder into which others may look.
#[cfg(unix)]
fn open_to(folder: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(folder).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to(_folder: &Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::check::Grade;

    fn grades(folder: &Path) -> Vec<Grade> {
        findings(folder)
            .iter()
            .map(|finding| finding.grade)
            .collect()
    }

    #[test]
    fn a_folder_that_is_there_or_can_be_made_is_well_and_is_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("state/of/the/bot");
        assert_eq!(grades(&deep), [Grade::Ok]);
        assert_eq!(grades(dir.path())[0], Grade::Ok);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_written_fails_for_good_and_says_which_key() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        // Where the database shall be stands a folder.
        let taken = dir.path().join("taken");
        fs::create_dir_all(taken.join(store::FILE)).unwrap();
        let below = file.join("below");
        for folder in [Path::new("/proc/nothing/here"), &file, &below, &taken] {
            assert_eq!(grades(folder), [Grade::Lasting], "{}", folder.display());
            let said = &findings(folder)[0].text;
            assert!(said.contains("`state_dir` in [bot]"), "{said}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_can_look_into_is_a_warning() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(grades(dir.path()), [Grade::Ok, Grade::Warning]);
    }
}
