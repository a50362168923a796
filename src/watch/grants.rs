//! Strikes out grants that are over, those that ended while the bot was away included. Decisions
//! look at the clock themselves: this only tidies up, and notes the end.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::audit::{Note, Noted};
use crate::permission::{Grant, Standing};

const EVERY: Duration = Duration::from_secs(5);

/// Looks every few seconds, until `stop`.
pub async fn end_grants(access: Arc<Access>, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for grant in over(&access.standing(), Timestamp::now().as_second()) {
            if let Err(error) = access.strike_out(grant.id, note(&grant)).await {
                tracing::error!(%error, grant = grant.id.0, "the end of a grant could not be noted");
            }
        }
    }
}

fn over(standing: &Standing, unix: i64) -> Vec<Arc<Grant>> {
    let over = standing.grants.iter().filter(|grant| grant.is_over(unix));
    over.cloned().collect()
}

fn note(grant: &Grant) -> Note {
    let rights: Vec<&str> = grant.rights.iter().map(|right| right.key()).collect();
    Note::new(Noted::Ended, rights.join(","))
        .concerning(grant.to)
        .on(grant.guest.clone(), Some(grant.guest_name.clone()))
        .until_ms(grant.ends.saturating_mul(1000))
}
