//! The entry of the audit, opened in time or not at all.

use std::time::Duration;

use tokio::time::timeout;

use crate::action::Request;
use crate::audit::{self, Ending, Entry, OpenError, Opening};
use crate::embed::Reply;
use crate::permission::Permit;

use super::desk::Desk;

/// A disk that takes longer is not one to rely on for what was done.
const PATIENCE: Duration = Duration::from_secs(4);

/// Why nothing may be done.
pub(super) enum NotOpened {
    /// This very interaction has acted already: its answer stands.
    Twice,
    Failed(Reply),
}

/// Opens the entry, or finds out in time that it cannot.
pub(super) async fn opened(
    desk: &Desk,
    permit: Permit,
    opening: &Opening<'_>,
) -> Result<Entry, NotOpened> {
    let id = opening.request.id;
    let store = desk.store.clone();
    let request: Request = opening.request.clone();
    let (about, detail, public) = (
        opening.about.clone(),
        opening.detail.clone(),
        opening.public,
    );
    let mut job = tokio::spawn(async move {
        let opening = Opening {
            request: &request,
            about,
            detail,
            public,
        };
        let opened = audit::open(&store, &permit, &opening).await;
        opened.map(|entry| (entry, store))
    });
    let failed = || NotOpened::Failed(desk.not_noted(opening.request));
    let Ok(opened) = timeout(PATIENCE, &mut job).await else {
        tracing::error!(interaction = %id, "the audit takes too long; nothing is done");
        // If it is opened after all, it says what became of it.
        tokio::spawn(async move {
            if let Ok(Ok((entry, store))) = job.await {
                let why = "noting it took too long".to_owned();
                audit::close(&store, entry, &Ending::NotSent(why)).await;
            }
        });
        return Err(failed());
    };
    match opened {
        Ok(Ok((entry, _))) => Ok(entry),
        Ok(Err(OpenError::Twice)) => {
            tracing::info!(interaction = %id, "acted on already; left alone");
            Err(NotOpened::Twice)
        }
        Ok(Err(OpenError::Store(error))) => {
            tracing::error!(interaction = %id, %error, "the audit cannot be opened; nothing is done");
            Err(failed())
        }
        Err(error) => {
            tracing::error!(interaction = %id, %error, "opening the audit crashed; nothing is done");
            Err(failed())
        }
    }
}
