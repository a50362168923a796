//! The guests that a line of a task's log names: by what stands around a number, as Proxmox writes it.
//! Seconds, sizes and percent are none of them. What may be one and what may not counts as one.

use std::iter;

use crate::ids::Vmid;

/// Every number of a guest in the line, also of one that nobody knows.
pub(super) fn guests(line: &str) -> Vec<Vmid> {
    let line = line.to_lowercase();
    let named = numbers(&line).filter(Number::is_guest);
    named.filter_map(|number| number.vmid).collect()
}

struct Number<'l> {
    before: &'l str,
    vmid: Option<Vmid>,
    after: &'l str,
}

fn numbers(line: &str) -> impl Iterator<Item = Number<'_>> {
    let mut at = 0;
    iter::from_fn(move || {
        let from = at + line[at..].find(|c: char| c.is_ascii_digit())?;
        let more = line[from..].find(|c: char| !c.is_ascii_digit());
        at = more.map_or(line.len(), |more| from + more);
        Some(Number {
            before: &line[..from],
            vmid: line[from..at].parse().ok(),
            after: &line[at..],
        })
    })
}

/// What a number is glued to: volumes, archives, backups, locks, HA services, network devices.
const GLUED: [&str; 23] = [
    "base-",
    "base--",
    "basevol-",
    "ct-",
    "ct/",
    "ct:",
    "fwbr",
    "fwln",
    "fwpr",
    "images/",
    "lock-",
    "lxc-",
    "lxc/",
    "openvz-",
    "qemu-",
    "replicate_",
    "subvol-",
    "tap",
    "veth",
    "vm-",
    "vm--",
    "vm/",
    "vm:",
];

/// `105.conf` and the like.
const FILES: [&str; 9] = [
    ".conf", ".fw", ".log", ".pid", ".qga", ".qmp", ".scope", ".service", ".vnc",
];

/// A number, or a list of them, behind one of these is of guests: `VM 105`, `guests: 100, 105`.
const WORDS: [&str; 14] = [
    "--backup-id",
    "-id",
    "container",
    "containers",
    "ct",
    "ctid",
    "cts",
    "guest",
    "guests",
    "skip",
    "skipping",
    "vm",
    "vmid",
    "vms",
];

/// Where one of these stands, every number by itself may be of a list: `Migrating guests to pve2: 100`.
const MANY: [&str; 4] = ["containers", "cts", "guests", "vms"];

/// What follows these in the command line of a backup is no guest, however big.
const AMOUNTS: [&str; 7] = [
    "--bwlimit",
    "--ionice",
    "--lockwait",
    "--maxfiles",
    "--size",
    "--stopwait",
    "--zstd",
];

impl Number<'_> {
    fn is_guest(&self) -> bool {
        self.is_whole()
            && (self.is_glued() || self.is_file() || self.is_folder() || self.is_of_a_upid())
            || self.stands_alone()
                && (self.is_spoken_of() || self.is_argument() || self.is_backed_up())
    }

    /// No `104.5` and no `1.104`.
    fn is_whole(&self) -> bool {
        let fraction = self.after.strip_prefix('.');
        !self.before.ends_with('.')
            && !fraction.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// No `104s`, `104%`, `a-104-b` or `10:104`.
    fn stands_alone(&self) -> bool {
        let joined = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '@' | '%');
        let time = |c: char| c.is_ascii_digit() || c == ':';
        let clock = self.before.ends_with(':') && self.word().trim_end_matches(time).is_empty();
        self.is_whole()
            && !clock
            && !self.before.ends_with(joined)
            && !self.after.starts_with(joined)
    }

    /// What stands before it without a space.
    fn word(&self) -> &str {
        let apart = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '(');
        self.before.rsplit(apart).next().unwrap_or_default()
    }

    fn is_glued(&self) -> bool {
        let to = |glue: &str| {
            let rest = self.before.strip_suffix(glue);
            rest.is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
        };
        // `/var/tmp/vzdumptmp4711_105`
        let temporary = self.word().contains("vzdumptmp") && self.before.ends_with('_');
        temporary || GLUED.into_iter().any(to)
    }

    fn is_file(&self) -> bool {
        !self.before.ends_with(char::is_alphanumeric)
            && FILES.iter().any(|end| self.after.starts_with(end))
    }

    /// `nas:105/disk.raw`, and no port of an address.
    fn is_folder(&self) -> bool {
        self.before.ends_with(':') && self.after.starts_with('/') && !self.word().contains("//")
    }

    fn is_of_a_upid(&self) -> bool {
        let word = self.word();
        word.starts_with("upid:") && word.matches(':').count() == 6 && self.after.starts_with(':')
    }

    fn is_spoken_of(&self) -> bool {
        let between = |c: char| {
            c.is_ascii_digit()
                || c.is_whitespace()
                || matches!(c, ',' | ';' | ':' | '=' | '\'' | '"')
        };
        let words = |text| str::split(text, |c: char| !c.is_alphanumeric() && c != '-');
        let last = words(self.before.trim_end_matches(between)).next_back();
        last.is_some_and(|word| WORDS.contains(&word) || word.starts_with("lxc-"))
            || words(self.before).any(|word| MANY.contains(&word))
    }

    /// `qm start 105`
    fn is_argument(&self) -> bool {
        let mut words = self.before.split([' ', '\'', '"', '/']).rev();
        let mut words = words.by_ref().filter(|word| !word.is_empty());
        words
            .nth(1)
            .is_some_and(|word| matches!(word, "pct" | "qm"))
    }

    /// `vzdump 101 105 --mode snapshot`, or left out of it.
    fn is_backed_up(&self) -> bool {
        let Some((_, line)) = self.before.rsplit_once("vzdump ") else {
            return false;
        };
        let last = line.split([' ', ',']).rfind(|word| !word.is_empty());
        !self.before.ends_with('=') && !last.is_some_and(|word| AMOUNTS.contains(&word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(line: &str) -> Vec<u32> {
        let mut named: Vec<u32> = guests(line).into_iter().map(Vmid::get).collect();
        named.dedup();
        named
    }

    /// As Proxmox writes them.
    const LINES: &[(&str, &[u32])] = &[
        (
            "INFO: starting new backup job: vzdump 101 105 --storage nas --mode snapshot",
            &[101, 105],
        ),
        (
            "INFO: starting new backup job: vzdump --quiet 1 --all 1 --exclude 105,106",
            &[105, 106],
        ),
        (
            "INFO: starting new backup job: vzdump --dumpdir /root/x --snapshot 1123",
            &[1123],
        ),
        ("INFO: skip external VMs: 103, 104", &[103, 104]),
        ("INFO: Starting Backup of VM 105 (qemu)", &[105]),
        (
            "ERROR: Backup of VM 105 failed - VM is locked (backup)",
            &[105],
        ),
        ("INFO: Finished Backup of VM 105 (00:01:44)", &[105]),
        (
            "INFO: include disk 'scsi0' 'local-lvm:vm-105-disk-0' 104G",
            &[105],
        ),
        (
            "INFO: include disk 'scsi0' 'nfs:102/base-102-disk-1.qcow2' 512G",
            &[102],
        ),
        (
            "INFO: creating vzdump archive '/mnt/pve/nas/dump/vzdump-qemu-105-2026_11_24-02_00_04.vma.zst'",
            &[105],
        ),
        (
            "INFO: creating Proxmox Backup Server archive 'ct/105/2026-11-24T02:00:04Z'",
            &[105],
        ),
        (
            "INFO: run: lxc-usernsexec -m u:0:100000:65536 -- proxmox-backup-client backup pct.conf:/var/tmp/vzdumptmp4711_105/etc/vzdump/pct.conf --backup-id 105",
            &[105],
        ),
        (
            "INFO: removing backup 'nas:backup/vzdump-lxc-105-2026_11_23-02_00_04.tar.zst'",
            &[105],
        ),
        (
            "INFO: running 'proxmox-backup-client prune' for 'vm/105'",
            &[105],
        ),
        ("INFO: CTID 1123 exist mounted running", &[1123]),
        ("Removed volume 'nas:105/vm-105-disk-0.qcow2'", &[105]),
        ("can't remove 'nas:105/snap.raw'", &[105]),
        (
            "  Logical volume \"vm-105-state-before\" successfully removed.",
            &[105],
        ),
        ("device /dev/mapper/pve-vm--105--disk--0 is in use", &[105]),
        (
            "cannot destroy 'rpool/data/subvol-105-disk-0@__replicate_105-0_1700000000__'",
            &[105],
        ),
        (
            "can't lock file '/var/lock/qemu-server/lock-105.conf' - got timeout",
            &[105],
        ),
        (
            "Configuration file 'nodes/pve1/qemu-server/105.conf' does not exist",
            &[105],
        ),
        (
            "start failed: command '/usr/bin/kvm -id 105 -name payroll -pidfile /var/run/qemu-server/105.pid' failed",
            &[105],
        ),
        (
            "command 'systemctl start pve-container@105.service' failed",
            &[105],
        ),
        (
            "lxc-start 105 20261124020004.123 ERROR start - Failed to initialize container \"105\"",
            &[105],
        ),
        (
            "command '/usr/sbin/qm start 105 --skiplock' failed: exit code 255",
            &[105],
        ),
        ("kvm: tap105i0: no such device", &[105]),
        ("Requesting HA stop for service 'ct:105'", &[105]),
        (
            "UPID:pve1:0000A1B2:00C3D4E5:65000000:qmstart:105:root@pam:",
            &[105],
        ),
        ("Starting CT 105", &[105]),
        ("Starting VM 105 failed: got timeout", &[105]),
        ("Stopping VM 105 (timeout = 180 seconds)", &[105]),
        ("VM 105 not running, skipping suspension", &[105]),
        ("skipping 105, only VMs can be suspended", &[105]),
        ("skip VM 105 - precondition check failed:", &[105]),
        ("Check VM 105: precondition check passed", &[105]),
        ("Starting guests: 100, 105", &[100, 105]),
        ("Migrating guests to pve-200: 100, 105", &[100, 105]),
        ("Shutting down VM 105 (Timeout = 180 seconds)", &[105]),
        ("WARN: VM 105 already on pve2, skipping.", &[105]),
        (
            "TASK ERROR: Some guests failed to shutdown 100, 105",
            &[100, 105],
        ),
    ];

    #[test]
    fn what_proxmox_calls_a_guest_is_one() {
        for (line, all) in LINES {
            assert_eq!(named(line), *all, "{line}");
        }
    }

    #[test]
    fn what_is_counted_or_measured_is_none() {
        for line in [
            "INFO: transferred 8.00 GiB in 101 seconds (81.1 MiB/s)",
            "INFO: 103% (104.3 GiB of 105.0 GiB) in 104s, read: 104.3 MiB/s, write: 101.0 MiB/s",
            "INFO: VM Name: a-102-b",
            "INFO: Backup started at 2026-11-24 02:00:04",
            "INFO: guest is online again after 104 seconds",
            "INFO: resuming VM again after 104 seconds",
            "INFO: bandwidth limit: 102400 KiB/s",
            "INFO: starting new backup job: vzdump --bwlimit 102400 --lockwait 180 --all 1",
            "INFO: Total bytes written: 159580160 (152MiB, 104MiB/s)",
            "INFO: archive file size: 104MB",
            "INFO: backup was done incrementally, reused 101.00 GiB (91%)",
            "Waiting for 104 seconds (startup delay)",
            "All jobs finished, used 104 workers in total.",
            "Get:104 http://mirror.example.org:8006/debian trixie/main amd64 pve-qemu-kvm 10.0.104",
            "Fetched 104 MB in 101s",
        ] {
            assert_eq!(named(line), Vec::<u32>::new(), "{line}");
        }
    }
}
