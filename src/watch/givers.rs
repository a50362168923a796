//! Keeps what was lent as small as its givers' roles are by now. Before an act the giver is looked up
//! anyway: this is for those who only look.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::errand::{Errands, Held};
use crate::ids::{GuildId, UserId};
use crate::permission::Standing;

/// A role that was taken away shows nothing for longer than this.
const EVERY: Duration = Duration::from_mins(5);

/// Looks at once, for what has changed while the bot was away, and then every few minutes, until
/// `stop`.
pub async fn look_up_givers(access: Arc<Access>, errands: Errands, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for (user, guild) in givers(&access.standing(), Timestamp::now().as_second()) {
            let asked = Instant::now();
            let roles = match errands.held(guild, user).await {
                Some(Held::Roles(roles)) => roles,
                Some(Held::NoMember) => Vec::new(),
                // Not worth hiding guests for: whoever acts has the giver looked up first.
                None => continue,
            };
            access.giver_holds(user, guild, &roles, asked).await;
        }
    }
}

/// Whose grants are not over.
fn givers(standing: &Standing, unix: i64) -> BTreeSet<(UserId, GuildId)> {
    let lasting = standing.grants.iter().filter(|grant| !grant.is_over(unix));
    lasting
        .map(|grant| (grant.giver.user, grant.giver.guild))
        .collect()
}
