//! The sign of life: a file that `run` touches while it is connected, and `health` reads.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const FILE: &str = "health";
const EVERY: Duration = Duration::from_secs(15);
/// Discord's heartbeat is 41 s; two of them missed is a connection lost.
const ALIVE_FOR: Duration = Duration::from_secs(100);

/// Why the bot is not called healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sick {
    /// There is no sign of life: never connected, or stopped since; or its file cannot be read.
    NeverSeen,
    /// The last one is so old.
    Silent(Duration),
}

/// The sign of life of a bot that runs.
#[derive(Debug)]
pub struct Beat {
    file: PathBuf,
    beating: JoinHandle<()>,
}

impl Beat {
    /// Begins to touch the file, until `stop`.
    #[must_use]
    pub fn start(
        state_dir: &Path,
        heard: watch::Receiver<Option<Instant>>,
        stop: CancellationToken,
    ) -> Self {
        let file = state_dir.join(FILE);
        let beating = tokio::spawn(beat(file.clone(), heard, stop));
        Self { file, beating }
    }

    /// Takes the sign of life away: a bot that was stopped is not alive for another minute.
    pub async fn end(self) {
        self.beating.abort();
        // Only to be sure that it touches the file no more.
        let _ = self.beating.await;
        // Not there: the bot was never connected. Cannot be removed: it grows old by itself.
        let _ = tokio::fs::remove_file(self.file).await;
    }
}

/// Touches the file for as long as Discord has been heard of lately.
async fn beat(file: PathBuf, mut heard: watch::Receiver<Option<Instant>>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            // The first sign of life comes with the connection, not a round later.
            changed = heard.changed() => if changed.is_err() { return },
            _ = ticks.tick() => {}
        }
        let lately = heard.borrow().is_some_and(|at| at.elapsed() < ALIVE_FOR);
        if lately && let Err(error) = tokio::fs::write(&file, b"").await {
            tracing::warn!(%error, "the sign of life cannot be written");
        }
    }
}

/// How long ago the bot was last seen alive.
///
/// # Errors
///
/// [`Sick`] where that is too long.
pub fn read(state_dir: &Path) -> Result<Duration, Sick> {
    let touched = std::fs::metadata(state_dir.join(FILE)).and_then(|file| file.modified());
    let touched = touched.map_err(|_| Sick::NeverSeen)?;
    let age = SystemTime::now()
        .duration_since(touched)
        .unwrap_or_default();
    if age < EVERY * 2 + ALIVE_FOR {
        Ok(age)
    } else {
        Err(Sick::Silent(age))
    }
}
