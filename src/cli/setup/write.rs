//! Writes all files or none: each beside its place first, and moved there when all are whole and
//! the configuration that they make can be loaded.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use super::ask::Stop;
use crate::config::{self, Problem};
use crate::embed::setup as words;
use crate::permission::Policy;

pub(super) const SECRET: u32 = 0o600;
pub(super) const PUBLIC: u32 = 0o644;

/// A file that shall be there.
pub(super) struct Planned {
    pub path: PathBuf,
    pub text: String,
    /// Of a new file, and of every secret; others keep theirs.
    pub mode: u32,
    /// The variable that names it to the configuration.
    pub variable: Option<String>,
}

/// Beside its place until it is moved there; gone if it never is.
struct Staged<'p> {
    planned: &'p Planned,
    /// The file itself, where its path is a link.
    place: PathBuf,
    beside: PathBuf,
    /// What stood in its place, until all are moved.
    before: Option<PathBuf>,
    moved: bool,
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.moved {
            let _ = fs::remove_file(&self.beside);
        }
        if let Some(before) = &self.before {
            let _ = fs::remove_file(before);
        }
    }
}

impl Staged<'_> {
    fn put_in_place(&mut self) -> io::Result<()> {
        let before = hidden(&self.place, "before");
        match fs::hard_link(&self.place, &before) {
            Ok(()) => self.before = Some(before),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A file system without links.
            Err(_) => {
                fs::copy(&self.place, &before)?;
                self.before = Some(before);
            }
        }
        fs::rename(&self.beside, &self.place)?;
        self.moved = true;
        Ok(())
    }

    /// As it was before.
    fn take_back(&mut self) -> io::Result<()> {
        match self.before.take() {
            Some(before) => fs::rename(before, &self.place),
            None => fs::remove_file(&self.place),
        }
    }
}

/// A name beside a file that nobody takes for it.
fn hidden(place: &Path, what: &str) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!(".{name}.{what}-{}", std::process::id()))
}

/// A folder that was made for this, and is taken away again while it is empty.
struct Folder<'p> {
    path: &'p Path,
    made: bool,
}

impl Drop for Folder<'_> {
    fn drop(&mut self) {
        if self.made {
            // Not where something was moved into it.
            let _ = fs::remove_dir(self.path);
        }
    }
}

/// The last of `files` is the configuration: until it is in its place, nothing names the others.
pub(super) fn write(folder: &Path, files: &[Planned]) -> Result<(), Stop> {
    let _folder = make(folder).map_err(|error| failed(folder, &error))?;
    let mut staged = Vec::with_capacity(files.len());
    for planned in files {
        let one = stage(planned).map_err(|error| failed(&planned.path, &error))?;
        staged.push(one);
    }
    would_load(&staged)?;
    move_all(&mut staged)?;
    // So that they are still there after a power cut.
    let synced = fs::File::open(or_here(folder)).and_then(|folder| folder.sync_all());
    synced.map_err(|error| failed(folder, &error))
}

fn failed(path: &Path, error: &io::Error) -> Stop {
    Stop::passing(words::not_written(path, &error.to_string()))
}

/// All or none.
fn move_all(staged: &mut [Staged<'_>]) -> Result<(), Stop> {
    for at in 0..staged.len() {
        let Err(error) = staged[at].put_in_place() else {
            continue;
        };
        let mut said = words::not_written(&staged[at].planned.path, &error.to_string());
        for one in &mut staged[..at] {
            if let Err(error) = one.take_back() {
                said += &words::not_put_back(&one.planned.path, &error.to_string());
            }
        }
        return Err(Stop::passing(said));
    }
    Ok(())
}

fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

fn make(folder: &Path) -> io::Result<Folder<'_>> {
    let made = !or_here(folder).is_dir();
    if made {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(folder)?;
    }
    Ok(Folder { path: folder, made })
}

fn stage(planned: &Planned) -> io::Result<Staged<'_>> {
    let place = fs::canonicalize(&planned.path).unwrap_or_else(|_| planned.path.clone());
    let beside = hidden(&place, "setup");
    let there = match fs::metadata(&place) {
        Ok(there) if there.is_file() => Some(there),
        Ok(_) => return Err(io::Error::other("something that is no file stands there")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        // Until it is known who may read it: a configuration can have a token in it.
        .mode(SECRET)
        .open(&beside)?;
    let staged = Staged {
        planned,
        place,
        beside,
        before: None,
        moved: false,
    };
    file.write_all(planned.text.as_bytes())?;
    let mut mode = planned.mode;
    if let Some(there) = there {
        let mine = file.metadata()?;
        if (mine.uid(), mine.gid()) != (there.uid(), there.gid()) {
            std::os::unix::fs::fchown(&file, Some(there.uid()), Some(there.gid()))?;
        }
        if mode != SECRET {
            mode = there.mode() & 0o777;
        }
    }
    // Whatever the umask is.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    Ok(staged)
}

/// Loads the new configuration with the new secrets, before anything is moved.
fn would_load(staged: &[Staged<'_>]) -> Result<(), Stop> {
    let Some((file, others)) = staged.split_last() else {
        return Ok(());
    };
    let named: Vec<(String, String)> = others
        .iter()
        .filter_map(|one| {
            let variable = one.planned.variable.clone()?;
            Some((variable, one.beside.display().to_string()))
        })
        .collect();
    // A variable that says the same in another way would stand beside it.
    let taken = |name: &str| {
        let name = name.to_ascii_uppercase();
        let same = |it: &(String, String)| {
            it.0 == name
                || it.0.strip_suffix("_FILE") == Some(&name)
                || it.0.replace("__CA_FILE", "__FINGERPRINTS") == name
        };
        named.iter().any(same)
    };
    let others = config::environment().filter(|(name, _)| !taken(name));
    let variables: Vec<_> = others.chain(named.clone()).collect();
    let loaded = config::load(std::slice::from_ref(&file.beside), variables.into_iter());
    let mut problems = match loaded {
        Ok(loaded) => match Policy::compile(&loaded.config) {
            Ok(_) => return Ok(()),
            Err(problems) => problems,
        },
        Err(problems) => problems,
    };
    let (beside, real) = (file.beside.display(), file.planned.path.display());
    let (beside, real) = (beside.to_string(), real.to_string());
    for Problem { place, what, .. } in &mut problems {
        *place = place.take().map(|place| place.replace(&beside, &real));
        *what = what.replace(&beside, &real);
    }
    Err(Stop::lasting(words::would_not_load(&problems)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(path: PathBuf, text: &str) -> Planned {
        Planned {
            path,
            text: text.to_owned(),
            mode: SECRET,
            variable: None,
        }
    }

    #[test]
    fn what_was_moved_is_taken_back_when_a_later_one_cannot_be() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("old"), "old").unwrap();
        let files = ["old", "new", "taken"].map(|name| planned(path(name), "mine"));
        let mut staged: Vec<_> = files.iter().map(|file| stage(file).unwrap()).collect();
        fs::create_dir(path("taken")).unwrap();
        assert!(move_all(&mut staged).is_err());
        drop(staged);
        assert_eq!(fs::read_to_string(path("old")).unwrap(), "old");
        let left = fs::read_dir(dir.path()).unwrap();
        let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["old", "taken"]);
    }

    #[test]
    fn a_link_stays_one_and_a_secret_is_closed_whatever_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("real"), "old").unwrap();
        fs::set_permissions(path("real"), fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink("real", path("link")).unwrap();
        let file = planned(path("link"), "mine");
        let mut staged = [stage(&file).unwrap()];
        assert!(move_all(&mut staged).is_ok());
        assert!(path("link").is_symlink());
        assert_eq!(fs::read_to_string(path("real")).unwrap(), "mine");
        let mode = fs::metadata(path("real")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
