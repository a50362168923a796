//! The Proxmox client against the fake cluster: real HTTPS, real time-outs, real certificates.

mod answers;
mod inventory;
mod reads;
mod tasks;
mod tls;
mod world;
mod writes;
