//! What a backup's task writes: how far it is, what it is called, and why it failed. The task itself
//! ends with `job errors`, whatever was wrong.

/// How far a backup is, where its log says so. Containers are packed without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Another backup job runs on the node; it goes on after that.
    Waiting,
    /// 0 to 100.
    Percent(u8),
}

/// What was read in it so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupLog {
    pub progress: Option<Progress>,
    /// The end of the volume's id: `vzdump-qemu-101-....vma.zst` or `vm/101/2026-11-24T22:07:00Z`.
    pub archive: Option<String>,
    /// Why the guest was not backed up, in Proxmox's words.
    pub failure: Option<String>,
    /// The storage had no room.
    pub full: bool,
}

impl BackupLog {
    #[must_use]
    pub fn of(lines: &[String]) -> Self {
        let mut log = Self::default();
        lines.iter().for_each(|line| log.read(line));
        log
    }

    pub fn read(&mut self, line: &str) {
        self.full |= line.contains("No space left on device");
        if let Some(error) = line.strip_prefix("ERROR: ") {
            let failure = error.strip_prefix("Backup of VM ");
            if let Some((_, why)) = failure.and_then(|rest| rest.split_once(" failed - ")) {
                self.failure = Some(why.trim().to_owned());
            }
            return;
        }
        let Some(info) = line.strip_prefix("INFO: ") else {
            return;
        };
        match info.trim() {
            "trying to get global lock - waiting..." => self.progress = Some(Progress::Waiting),
            "got global lock" => self.progress = None,
            info => {
                if let Some(percent) = percent(info) {
                    self.progress = Some(Progress::Percent(percent));
                }
                if let Some(archive) = archive(info) {
                    self.archive = Some(archive);
                }
            }
        }
    }

    /// Whether a volume is the one that this task wrote; `None`: its log does not say.
    #[must_use]
    pub fn wrote(&self, volume: &str) -> Option<bool> {
        let archive = self.archive.as_deref()?;
        let before = volume.strip_suffix(archive);
        Some(before.is_some_and(|before| before.ends_with('/')))
    }
}

/// ` 12% (1.2 GiB of 10.0 GiB) in 3s, read: ...`
fn percent(info: &str) -> Option<u8> {
    let (number, rest) = info.split_once("% (")?;
    let number = number.parse().ok().filter(|number| *number <= 100)?;
    rest.contains(" of ").then_some(number)
}

/// `creating vzdump archive '/mnt/pve/nas/dump/vzdump-...'`, or one of a server: `'vm/101/...'`.
fn archive(info: &str) -> Option<String> {
    let (kind, rest) = info.strip_prefix("creating ")?.split_once(" archive '")?;
    let target = rest.strip_suffix('\'')?;
    let name = match kind {
        "vzdump" => target.rsplit('/').next()?,
        _ => target,
    };
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> BackupLog {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        BackupLog::of(&lines)
    }

    #[test]
    fn progress_is_read_from_the_last_line_that_says_it() {
        let read = |lines: &[&str]| log(lines).progress;
        assert_eq!(read(&["INFO: starting new backup job"]), None);
        let some = [
            "INFO:   3% (2.0 GiB of 64.0 GiB) in 8s, read: 262.1 MiB/s, write: 196.6 MiB/s",
            "INFO:  12% (7.7 GiB of 64.0 GiB) in 30s, read: 262.1 MiB/s, write: 196.6 MiB/s",
            "INFO: include disk 'scsi0' 'local-lvm:vm-101-disk-0' 64G",
        ];
        assert_eq!(read(&some), Some(Progress::Percent(12)));
        let whole = "INFO: 100% (64.0 GiB of 64.0 GiB) in 4m, read: 1 GiB/s, write: 1 GiB/s";
        assert_eq!(read(&[whole]), Some(Progress::Percent(100)));
        let waits = "INFO: trying to get global lock - waiting...";
        assert_eq!(read(&[waits]), Some(Progress::Waiting));
        assert_eq!(read(&[waits, "INFO: got global lock"]), None);
        for other in [
            "INFO: backup is sparse: 26.88 GiB (42%) total zero data",
            "INFO: 300% (x of y) in 3s",
            "INFO: reused 1.0 GiB (91%)",
            " 12% (1 of 2)",
        ] {
            assert_eq!(read(&[other]), None, "{other}");
        }
    }

    #[test]
    fn the_volume_is_known_by_what_the_log_calls_it() {
        let file = "INFO: creating vzdump archive '/mnt/pve/nas/dump/vzdump-qemu-101-x.vma.zst'";
        let file = log(&[file]);
        assert_eq!(
            file.wrote("nas:backup/vzdump-qemu-101-x.vma.zst"),
            Some(true)
        );
        assert_eq!(
            file.wrote("nas:backup/vzdump-qemu-101-y.vma.zst"),
            Some(false)
        );
        assert_eq!(
            file.wrote("nas:backup/my-vzdump-qemu-101-x.vma.zst"),
            Some(false)
        );
        let time = "2026-11-24T22:07:00Z";
        let line = format!("INFO: creating Proxmox Backup Server archive 'vm/101/{time}'");
        let server = log(&[&line]);
        assert_eq!(
            server.wrote(&format!("pbs:backup/vm/101/{time}")),
            Some(true)
        );
        assert_eq!(
            server.wrote(&format!("pbs:backup/ct/101/{time}")),
            Some(false)
        );
        assert_eq!(log(&["INFO: creating tea"]).wrote("nas:backup/x"), None);
    }

    #[test]
    fn the_reason_is_in_the_log_and_not_in_the_end_of_the_task() {
        let failed = log(&[
            "ERROR: Backup of VM 101 failed - VM is locked (snapshot)",
            "INFO: Failed at 2026-11-24 22:07:00",
        ]);
        assert_eq!(failed.failure.as_deref(), Some("VM is locked (snapshot)"));
        assert!(!failed.full);
        let full = "ERROR: Backup of VM 101 failed - x: No space left on device (os error 28)";
        assert!(log(&[full]).full);
        assert!(log(&["INFO: zstd: error 70 : Write error : No space left on device"]).full);
    }
}
