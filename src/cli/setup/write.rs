//! Writes all files or none: each beside its place first, and moved there when all are whole and
//! the configuration that they make can be loaded.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use super::ask::Stop;
use crate::cli::TRY_AGAIN;
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
    moved: bool,
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.moved {
            let _ = fs::remove_file(&self.beside);
        }
    }
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
    let failed = |path: &Path, error: &io::Error| {
        let said = words::not_written(path, &error.to_string());
        Stop::Failed(said, TRY_AGAIN)
    };
    let _folder = make(folder).map_err(|error| failed(folder, &error))?;
    let mut staged = Vec::with_capacity(files.len());
    for planned in files {
        let one = stage(planned).map_err(|error| failed(&planned.path, &error))?;
        staged.push(one);
    }
    would_load(&staged)?;
    for one in &mut staged {
        fs::rename(&one.beside, &one.place).map_err(|error| failed(&one.planned.path, &error))?;
        one.moved = true;
    }
    // So that they are still there after a power cut.
    let synced = fs::File::open(or_here(folder)).and_then(|folder| folder.sync_all());
    synced.map_err(|error| failed(folder, &error))
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
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let beside = format!(".{name}.setup-{}", std::process::id());
    let beside = place.with_file_name(beside);
    let there = match fs::metadata(&place) {
        Ok(there) if there.is_file() => Some(there),
        Ok(_) => return Err(io::Error::other("something that is no file stands there")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(planned.mode)
        .open(&beside)?;
    let staged = Staged {
        planned,
        place,
        beside,
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
    let named = others.iter().filter_map(|one| {
        let variable = one.planned.variable.clone()?;
        Some((variable, one.beside.display().to_string()))
    });
    let variables = config::environment().chain(named);
    let loaded = config::load(&[file.beside.clone()], variables);
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
