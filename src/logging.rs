//! Sets up the log: one line an event, to stderr, for journald and containers to collect.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::SubscriberInitExt;

/// What is logged when nothing else is asked for. The libraries tell their own warnings only: at
/// `info` they would say more than we do.
pub const DEFAULT_FILTER: &str =
    "info,serenity=warn,hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,tungstenite=warn";

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people; coloured on a terminal.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the log filter is not valid (an example: `info,pve_steward=debug`)")]
    Filter(#[from] ParseError),
    #[error("logging was started already")]
    Again(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts logging. `filter` comes on top of [`DEFAULT_FILTER`], so that `debug` is ours and not that
/// of every library; its syntax is that of `RUST_LOG`.
///
/// # Errors
///
/// The filter cannot be parsed, or something else set up logging before.
pub fn start(format: Format, filter: Option<&str>) -> Result<(), StartError> {
    use std::io::IsTerminal;

    let filter = match filter.filter(|filter| !filter.trim().is_empty()) {
        Some(filter) => EnvFilter::try_new(format!("{DEFAULT_FILTER},{filter}"))?,
        None => EnvFilter::try_new(DEFAULT_FILTER)?,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        Format::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .finish()
            .try_init()?,
        Format::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_makes_no_sense_is_an_error() {
        let both = EnvFilter::try_new(format!("{DEFAULT_FILTER},debug,hyper=info")).unwrap();
        let both = both.to_string();
        for part in ["debug", "hyper=info", "serenity=warn"] {
            assert!(both.split(',').any(|one| one == part), "{part} in {both}");
        }
        let refused = start(Format::Text, Some("pve_steward=loud"));
        assert!(matches!(refused, Err(StartError::Filter(_))), "{refused:?}");
    }
}
