//! The lines of a `vzdump` log. What scripts look for in them is as the real ones write it; how fast
//! the fake's disks are is made up.

use std::time::Duration;

use crate::guest::{Guest, Kind};
use crate::text;

/// Bytes per second.
pub(crate) const SPEED: u64 = 256 << 20;

pub(crate) fn begin(guest: &Guest, at: u64) -> Vec<String> {
    let status = if guest.is_up() { "running" } else { "stopped" };
    vec![
        format!(
            "INFO: Starting Backup of VM {} ({})",
            guest.vmid,
            guest.kind.path()
        ),
        format!("INFO: Backup started at {}", text::date_time(at)),
        format!("INFO: status = {status}"),
    ]
}

/// Everything between the lock and the first percent.
pub(crate) fn prepared(
    guest: &Guest,
    mode: &str,
    disk: &str,
    target: &str,
    pbs: bool,
    says_qmp: bool,
) -> Vec<String> {
    let up = guest.is_up();
    let mut lines = match guest.kind {
        Kind::Vm => vec![
            format!("VM Name: {}", guest.name),
            format!("include disk 'scsi0' '{disk}' {}G", guest.maxdisk >> 30),
        ],
        Kind::Ct => vec![
            format!("CT Name: {}", guest.name),
            "including mount point rootfs ('/') in backup".into(),
        ],
    };
    let settings = [format!("backup mode: {mode}"), "ionice priority: 7".into()];
    // Only a snapshot is prepared before its mode is known to work.
    if mode == "snapshot" {
        lines.extend(settings);
    } else {
        lines.splice(0..0, settings);
    }
    match (guest.kind, mode) {
        (_, "stop") if up => lines.push("stopping virtual guest".into()),
        (Kind::Ct, "snapshot") => lines.push("create storage snapshot 'vzdump'".into()),
        (_, "suspend") => lines.push("suspending guest".into()),
        _ => {}
    }
    if (guest.kind, mode) == (Kind::Ct, "suspend") {
        lines.push("resuming guest".into());
        lines.push("guest is online again after <1 seconds".into());
    }
    let archive = if pbs {
        "Proxmox Backup Server"
    } else {
        "vzdump"
    };
    lines.push(format!("creating {archive} archive '{target}'"));
    if guest.kind == Kind::Vm {
        lines.extend(machine(guest, mode, says_qmp));
    }
    lines
        .into_iter()
        .map(|line| format!("INFO: {line}"))
        .collect()
}

fn machine(guest: &Guest, mode: &str, says_qmp: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let runs = guest.state == "running";
    if !guest.is_up() || mode == "stop" {
        lines.push("starting kvm to execute backup task".into());
    }
    let freezes = runs && guest.agent && mode == "snapshot";
    if freezes {
        lines.push("issuing guest-agent 'fs-freeze' command".into());
    }
    if says_qmp {
        lines.push("starting backup via QMP command".into());
    }
    if freezes {
        lines.push("issuing guest-agent 'fs-thaw' command".into());
    }
    lines.push(format!(
        "started backup task '5d3f0c1e-7b4a-4c29-9e16-{:012x}'",
        guest.vmid
    ));
    if runs && mode == "snapshot" {
        lines.push("resuming VM again".into());
    } else if runs {
        lines.push("resuming VM again after 3 seconds".into());
    }
    lines
}

/// `INFO:  12% (1.2 GiB of 10.0 GiB) in 3s, read: 412.1 MiB/s, write: 398.7 MiB/s`
pub(crate) fn progress(total: u64, from: u64, to: u64) -> String {
    let at = total * to / 100;
    let seconds = at / SPEED;
    let step = (total * (to - from) / 100).max(1);
    let took = (step / SPEED).max(1);
    let read = step / took;
    format!(
        "INFO: {to:3}% ({} of {}) in {}, read: {}/s, write: {}/s",
        bytes(at, 1),
        bytes(total, 1),
        duration(seconds),
        bytes(read, 1),
        bytes(read / 20 * (11 + to % 8), 1),
    )
}

pub(crate) fn copied(kind: Kind, total: u64, archive: u64, pbs: bool) -> Vec<String> {
    let seconds = (total / SPEED).max(1);
    let speed = bytes(total / seconds, 1);
    let mut lines = Vec::new();
    if kind == Kind::Vm {
        let zero = total / 100 * 42;
        lines.push(format!(
            "backup is sparse: {} (42%) total zero data",
            bytes(zero, 2)
        ));
        if pbs {
            lines.push(format!(
                "backup was done incrementally, reused {} (91%)",
                bytes(total / 100 * 91, 2)
            ));
        }
        lines.push(format!(
            "transferred {} in {seconds} seconds ({speed}/s)",
            bytes(total, 2)
        ));
    } else if !pbs {
        let short = bytes(total / 3, 1).replace(' ', "");
        let speed = speed.replace(' ', "");
        lines.push(format!(
            "Total bytes written: {} ({short}, {speed}/s)",
            total / 3
        ));
    }
    if !pbs {
        lines.push(format!("archive file size: {}", size(archive)));
    }
    if kind == Kind::Ct {
        lines.push("cleanup temporary 'vzdump' snapshot".into());
    }
    lines
}

pub(crate) fn end(vmid: u32, took: Duration, now: u64) -> Vec<String> {
    let seconds = took.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    vec![
        format!("Finished Backup of VM {vmid} ({hours:02}:{minutes:02}:{seconds:02})"),
        format!("Backup finished at {}", text::date_time(now)),
    ]
}

/// What the one who writes says when nothing more fits.
pub(crate) fn no_space(kind: Kind, pbs: bool, volid: &str) -> String {
    match (kind, pbs) {
        (_, true) => "backup write data failed: command error: write_data upload error: \
                      pipelined request failed: No space left on device (os error 28)"
            .into(),
        (Kind::Vm, false) => "vma_queue_write: write error - Broken pipe".into(),
        (Kind::Ct, false) => {
            let name = volid.rsplit('/').next().unwrap_or_default();
            let tar = name.split('.').next().unwrap_or_default();
            format!(
                "command 'set -o pipefail && tar cpf - --totals --one-file-system ./ | \
                 zstd '--threads=1' >{tar}.tar.dat' failed: exit code 70"
            )
        }
    }
}

/// As Proxmox rounds: `1.2 GiB`
pub(crate) fn bytes(value: u64, digits: usize) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut unit = 0;
    let mut scaled = value as f64;
    while scaled >= 1024.0 && unit + 1 < units.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{scaled:.digits$} {}", units[unit])
}

fn duration(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if parts.is_empty() {
        "0s".into()
    } else {
        parts.join(" ")
    }
}

/// The older way to say how big something is.
fn size(value: u64) -> String {
    let kib = value as f64 / 1024.0;
    let (mib, gib) = (kib / 1024.0, kib / 1024.0 / 1024.0);
    if kib < 1024.0 {
        format!("{}KB", kib.trunc())
    } else if mib < 1024.0 {
        format!("{}MB", mib.trunc())
    } else if gib < 1024.0 {
        format!("{gib:.2}GB")
    } else {
        format!("{:.2}TB", gib / 1024.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_as_the_real_ones() {
        assert_eq!(
            progress(64 << 30, 8, 12),
            "INFO:  12% (7.7 GiB of 64.0 GiB) in 30s, read: 262.1 MiB/s, write: 196.6 MiB/s"
        );
        assert_eq!(bytes(1023, 1), "1023.0 B");
        assert_eq!(bytes(64 << 30, 2), "64.00 GiB");
        assert_eq!(duration(3_905), "1h 5m 5s");
        assert_eq!(size(9 << 30), "9.00GB");
        assert_eq!(size(640 << 20), "640MB");
    }
}
