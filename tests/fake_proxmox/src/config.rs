//! A guest's configuration file: what it says follows from the guest, and what is set changes it.
//!
//! Name, memory, cores, tags, lock ... are fields of the guest, which lists and states show; here
//! they are written as the file has them. All other options are kept as their text.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::guest::{Guest, Kind};

/// Options that Proxmox reads as numbers or yes-or-no; every other one stays the text it is,
/// also a VM's `memory` and any `cpulimit`.
const NUMBERS: &[&str] = &[
    "acpi",
    "autostart",
    "balloon",
    "console",
    "cores",
    "cpuunits",
    "debug",
    "freeze",
    "kvm",
    "localtime",
    "numa",
    "onboot",
    "protection",
    "reboot",
    "shares",
    "sockets",
    "swap",
    "tablet",
    "tdf",
    "template",
    "tty",
    "unprivileged",
    "vcpus",
];

impl Guest {
    /// Starts with this option.
    #[must_use]
    pub fn option(mut self, key: &str, value: &str) -> Guest {
        self.set(key, value);
        self
    }

    /// As a line of the configuration file: `set("memory", "2048")`, `set("mp0", "nas:8,mp=/srv")`.
    ///
    /// # Panics
    /// When the option is a number and the value is not.
    pub fn set(&mut self, key: &str, value: &str) {
        let number = || number(key, value);
        match (key, self.kind) {
            ("name", Kind::Vm) | ("hostname", Kind::Ct) => self.name = value.into(),
            ("memory", _) => {
                let mib = value.trim_start_matches("current=");
                self.maxmem = u64::from(self::number(key, mib)) << 20;
            }
            ("cores", _) => {
                self.cores = f64::from(number() * self.sockets());
                if let Some(limit) = self.cpulimit.take() {
                    self.options.insert("cpulimit".into(), limit);
                }
            }
            ("sockets", Kind::Vm) => {
                self.cores = self.cores / f64::from(self.sockets()) * f64::from(number());
                self.options.insert(key.into(), value.into());
            }
            ("cpulimit", Kind::Ct) if self.cpulimit.is_some() => self.cpulimit = Some(value.into()),
            ("tags", _) => {
                let tags = value.split([';', ',', ' ']).filter(|tag| !tag.is_empty());
                self.tags = tags.map(String::from).collect();
            }
            ("template", _) => self.template = is_on(value),
            ("lock", _) => self.lock = Some(value.into()),
            ("agent", _) => {
                self.agent = agent_enabled(value);
                self.options.insert(key.into(), value.into());
            }
            _ => {
                if NUMBERS.contains(&key) {
                    number();
                }
                if key == self.boot_disk()
                    && let Some(size) = part(value, "size").and_then(bytes)
                {
                    self.maxdisk = size;
                }
                self.options.insert(key.into(), value.into());
            }
        }
    }

    /// The option is no longer in the file: Proxmox's default holds.
    pub fn unset(&mut self, key: &str) {
        let fallback = match (key, self.kind) {
            ("name" | "hostname", _) => format!("{}{}", self.kind.unnamed(), self.vmid),
            ("memory", _) => "512".into(),
            ("cores", Kind::Vm) => "1".into(),
            ("tags", _) => String::new(),
            ("template", _) => "0".into(),
            ("lock", _) => {
                self.lock = None;
                return;
            }
            ("agent", _) => {
                self.agent = false;
                self.options.remove(key);
                return;
            }
            ("cores", Kind::Ct) => {
                let limit = self.options.remove("cpulimit");
                self.cpulimit = limit.or_else(|| self.cpulimit.take());
                return;
            }
            _ => {
                self.options.remove(key);
                return;
            }
        };
        self.set(key, &fallback);
    }

    /// The main part of the file, without lock, parent and digest.
    pub(crate) fn written(&self) -> Map<String, Value> {
        let mut all = Map::new();
        let boot = self.boot_disk();
        for (key, value) in &self.options {
            let sized = key == &boot && !value.contains("media=cdrom");
            let value = if sized {
                resized(value, self.maxdisk)
            } else {
                value.clone()
            };
            all.insert(key.clone(), self.typed(key, value));
        }
        all.extend(self.fields());
        all
    }

    fn fields(&self) -> Map<String, Value> {
        let mut all = Map::new();
        let mib = self.maxmem >> 20;
        match self.kind {
            Kind::Vm => {
                all.insert("name".into(), json!(self.name));
                all.insert("memory".into(), json!(mib.to_string()));
                if self.agent || self.options.contains_key("agent") {
                    all.insert("agent".into(), json!(self.agent_option()));
                }
            }
            Kind::Ct => {
                all.insert("hostname".into(), json!(self.name));
                all.insert("memory".into(), json!(mib));
                all.insert("swap".into(), json!(self.swap() >> 20));
            }
        }
        match &self.cpulimit {
            Some(limit) if self.kind == Kind::Ct => all.insert("cpulimit".into(), json!(limit)),
            _ => all.insert("cores".into(), json!(self.cores_each())),
        };
        if !self.tags.is_empty() {
            all.insert("tags".into(), json!(self.tags.join(";")));
        }
        if self.template {
            all.insert("template".into(), json!(1));
        }
        all
    }

    /// Bytes. A container has half its memory unless something else is set.
    pub(crate) fn swap(&self) -> u64 {
        match self.options.get("swap") {
            Some(mib) => u64::from(number("swap", mib)) << 20,
            None => self.maxmem / 2,
        }
    }

    /// What the configuration says of the agent; a VM may also say that it has none.
    fn agent_option(&self) -> &str {
        match self.options.get("agent") {
            Some(value) if agent_enabled(value) == self.agent => value,
            _ if self.agent => "1",
            _ => "0",
        }
    }

    /// The line is there, whatever it says.
    pub(crate) fn has_agent_line(&self) -> bool {
        self.agent || self.options.contains_key("agent")
    }

    /// Seconds that a shutdown may take by the `startup` option.
    pub(crate) fn down_time(&self) -> Option<u64> {
        part(self.options.get("startup")?, "down")?.parse().ok()
    }

    /// Every volume: its option and its text; CD drives are none.
    pub(crate) fn volumes(&self) -> Vec<(&str, &str)> {
        let buses: &[&str] = match self.kind {
            Kind::Vm => &["ide", "sata", "scsi", "virtio", "efidisk", "tpmstate"],
            Kind::Ct => &["rootfs", "mp"],
        };
        let is_disk = |key: &str| {
            let bus = key.trim_end_matches(|c: char| c.is_ascii_digit());
            buses.contains(&bus)
        };
        self.options
            .iter()
            .filter(|(key, value)| is_disk(key) && !value.contains("media=cdrom"))
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    }

    /// Sets everything back to what a snapshot has; description and unused disks stay.
    pub(crate) fn restore(&mut self, saved: &Map<String, Value>) {
        let stays = |key: &str| key == "description" || key.starts_with("unused");
        self.options.retain(|key, _| stays(key));
        self.tags.clear();
        (self.cpulimit, self.agent, self.template) = (None, false, false);
        if saved.contains_key("cpulimit") && !saved.contains_key("cores") {
            self.cpulimit = Some(String::new());
        }
        // Cores are counted per socket.
        for key in ["sockets", "boot"].into_iter().chain(names(saved)) {
            if let Some(value) = saved.get(key).filter(|_| !stays(key)) {
                self.set(key, &plain(value));
            }
        }
    }

    /// Changes with anything in the file; real ones are SHA-1.
    pub(crate) fn digest(&self) -> String {
        let file = format!(
            "{:?} {:?} {:?} {:?}",
            self.written(),
            self.lock,
            self.parent,
            self.snapshots
        );
        let hash = Sha256::digest(file.as_bytes());
        hash.iter().take(20).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    fn sockets(&self) -> u32 {
        let sockets = self.options.get("sockets");
        sockets.map_or(1, |it| number("sockets", it)).max(1)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn cores_each(&self) -> u32 {
        (self.cores / f64::from(self.sockets())) as u32
    }

    /// Whose size lists show.
    fn boot_disk(&self) -> String {
        if self.kind == Kind::Ct {
            return "rootfs".into();
        }
        let order = self.options.get("boot").and_then(|it| part(it, "order"));
        let mut devices = order.unwrap_or_default().split(';');
        let disk = devices.find(|it| ["scsi", "virtio", "sata"].iter().any(|b| it.starts_with(b)));
        disk.unwrap_or("scsi0").into()
    }

    fn typed(&self, key: &str, value: String) -> Value {
        match value.parse::<u64>() {
            Ok(number) if NUMBERS.contains(&key) => json!(number),
            // Comments end with the line they stood in, but only in containers' files.
            _ if key == "description" && self.kind == Kind::Ct => json!(value + "\n"),
            _ => json!(value),
        }
    }
}

fn names(saved: &Map<String, Value>) -> impl Iterator<Item = &str> {
    saved.keys().map(String::as_str)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), Into::into)
}

fn number(key: &str, value: &str) -> u32 {
    let number = value.parse();
    number.unwrap_or_else(|_| panic!("{key} is a number, not {value}"))
}

fn is_on(value: &str) -> bool {
    ["1", "on", "yes", "true"].contains(&value)
}

/// `1`, `enabled=1`, `1,fstrim_cloned_disks=1`
fn agent_enabled(value: &str) -> bool {
    let mut parts = value.split(',');
    parts.any(|it| is_on(it.trim_start_matches("enabled=")))
}

/// The value of `key=` among what commas separate.
fn part<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut parts = text.split(',').filter_map(|it| it.split_once('='));
    parts.find(|(name, _)| *name == key).map(|(_, value)| value)
}

fn resized(volume: &str, size: u64) -> String {
    let kept: Vec<&str> = volume
        .split(',')
        .filter(|it| !it.starts_with("size="))
        .collect();
    let units = [(30, "G"), (20, "M"), (10, "K")];
    let whole = units
        .iter()
        .find(|(bits, _)| size.is_multiple_of(1 << bits));
    let size = whole.map_or_else(
        || size.to_string(),
        |(bits, unit)| format!("{}{unit}", size >> bits),
    );
    format!("{},size={size}", kept.join(","))
}

fn bytes(size: &str) -> Option<u64> {
    let digits = size.trim_end_matches(['K', 'M', 'G', 'T']);
    let bits = match &size[digits.len()..] {
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => 0,
    };
    digits.parse::<u64>().ok().map(|number| number << bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_what_is_written() {
        let mut vm = Guest::vm(101, "one", "pve1");
        for (key, value) in [
            ("memory", "2048"),
            ("sockets", "2"),
            ("cores", "3"),
            ("scsi0", "nas:101/vm-101-disk-0.qcow2,size=1536M"),
            ("tags", "b a"),
            ("cpulimit", "1.5"),
            ("onboot", "1"),
        ] {
            vm.set(key, value);
        }
        assert_eq!((vm.maxmem, vm.maxdisk), (2 << 30, 1536 << 20));
        assert!((vm.cores - 6.0).abs() < 0.1);
        let all = vm.written();
        assert_eq!(all["memory"], "2048");
        assert_eq!(all["cores"], 3);
        assert_eq!(all["scsi0"], "nas:101/vm-101-disk-0.qcow2,size=1536M");
        assert_eq!(
            (&all["tags"], &all["cpulimit"]),
            (&json!("b;a"), &json!("1.5"))
        );
        assert_eq!(all["onboot"], 1);
    }

    #[test]
    fn a_restored_guest_is_as_it_was() {
        for before in [
            Guest::vm(101, "one", "pve1")
                .tags(&["a"])
                .option("sockets", "2"),
            Guest::ct(104, "two", "pve1").option("mp0", "nas:8,mp=/srv,size=8G"),
        ] {
            let mut after = before.clone();
            after.set("memory", "4096");
            after.set("cores", "9");
            after.set("tags", "b");
            after.set("onboot", "1");
            after.set("description", "kept");
            after.restore(&before.written());
            assert_eq!(after.options.remove("description").as_deref(), Some("kept"));
            assert_eq!(after.written(), before.written());
            assert_eq!(after.tags, before.tags);
        }
    }

    #[test]
    fn the_agents_line() {
        let mut vm = Guest::vm(101, "one", "pve1");
        assert_eq!(vm.written()["agent"], "1");
        vm.set("agent", "0");
        assert_eq!((vm.agent, vm.has_agent_line()), (false, true));
        vm.unset("agent");
        assert_eq!(vm.written().get("agent"), None);
        vm.set("agent", "enabled=1,fstrim_cloned_disks=1");
        assert!(vm.agent);
    }
}
