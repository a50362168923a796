//! The options of a guest that nobody has configured any further.

use std::collections::BTreeMap;

use crate::guest::Kind;

/// What a fresh guest has apart from the fields.
pub(crate) fn options(kind: Kind, vmid: u32) -> BTreeMap<String, String> {
    let (mac, disk) = (mac(vmid, 0), format!("local-lvm:vm-{vmid}-disk-0"));
    let uuid = format!("5f1c{:04x}-77a1-4e0d-9c55-{vmid:012x}", vmid % 0xffff);
    let (vm, ct) = (
        [
            ("boot", "order=scsi0;net0".to_owned()),
            ("cpu", "x86-64-v2-AES".into()),
            ("meta", "creation-qemu=10.1.2,ctime=1761993000".into()),
            ("net0", format!("virtio={mac},bridge=vmbr0,firewall=1")),
            ("numa", "0".into()),
            ("ostype", "l26".into()),
            ("scsi0", format!("{disk},discard=on,iothread=1")),
            ("scsihw", "virtio-scsi-single".into()),
            ("smbios1", format!("uuid={uuid}")),
            ("sockets", "1".into()),
        ],
        [
            ("arch", "amd64".to_owned()),
            ("features", "nesting=1".into()),
            (
                "net0",
                format!("name=eth0,bridge=vmbr0,firewall=1,hwaddr={mac},ip=dhcp,type=veth"),
            ),
            ("ostype", "debian".into()),
            ("rootfs", disk),
            ("unprivileged", "1".into()),
        ],
    );
    let own = |(key, value): (&str, String)| (key.to_owned(), value);
    match kind {
        Kind::Vm => vm.into_iter().map(own).collect(),
        Kind::Ct => ct.into_iter().map(own).collect(),
    }
}

/// In Proxmox's own range; always the same for one guest and number.
pub(crate) fn mac(vmid: u32, number: u32) -> String {
    format!(
        "BC:24:11:{:02X}:{:02X}:{:02X}",
        0x20 + number % 0xd0,
        vmid >> 8 & 0xff,
        vmid & 0xff
    )
}
