//! The binary as it is released, run beside a world.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use super::World;

pub fn steward(world: &World, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pve-steward"));
    command.arg("--config").arg(&world.files[0]).args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

pub async fn ended(command: &mut Command) -> Output {
    let output = command.output();
    tokio::time::timeout(Duration::from_secs(40), output)
        .await
        .expect("it ends")
        .unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What it printed, both streams, and its exit code.
pub async fn told(command: &mut Command) -> (String, Option<i32>) {
    let output = ended(command).await;
    let said = text(&output.stdout) + &text(&output.stderr);
    (said, output.status.code())
}
