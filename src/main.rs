//! The binary: everything is in the library, so that the demo and the tests run the same code.

use std::process::ExitCode;

fn main() -> ExitCode {
    pve_steward::cli::main()
}
