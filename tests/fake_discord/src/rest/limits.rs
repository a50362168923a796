//! Route limits: the X-RateLimit headers, 429 when one is overrun, and who ignores a 429.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;

use crate::rest::Reply;
use crate::rest::call::Call;
use crate::rest::route::Route;

#[derive(Default)]
pub(crate) struct Limits {
    buckets: HashMap<String, Bucket>,
    global: Option<Bucket>,
}

struct Bucket {
    started: Instant,
    used: u32,
    /// A 429 was answered at the first instant; before the second nothing may be asked.
    wait: Option<(Instant, Instant)>,
}

/// Requests already under way when a 429 is answered are forgiven.
const UNDER_WAY: Duration = Duration::from_millis(250);
const GLOBAL_PER_SECOND: u32 = 50;

pub(crate) struct Verdict {
    pub headers: Vec<(&'static str, String)>,
    pub refused: Option<Reply>,
    pub ignored_wait: bool,
}

/// Key, how many, per how long. Discord does not publish the numbers; these are its usual headers.
fn rule(call: &Call) -> Option<(String, u32, Duration)> {
    let (route, template) = call.route.as_ref()?;
    let second = Duration::from_secs(1);
    let (key, most, window) = match route {
        Route::Callback { .. } | Route::File { .. } => return None,
        Route::FollowUps { token, .. } | Route::WebhookMessage { token, .. } => {
            (token.clone(), 5, second)
        }
        Route::Messages(channel) | Route::Message(channel, _) if call.method != Method::GET => {
            (format!("{}{channel}", call.method), 5, 5 * second)
        }
        Route::Commands { guild, .. } => (format!("{}{guild}", call.method), 20, 20 * second),
        _ => (format!("{}{template}", call.method), 40, second),
    };
    Some((format!("{key} {}", template.len()), most, window))
}

impl Limits {
    pub(crate) fn count(&mut self, call: &Call, enforce: bool) -> Verdict {
        let now = Instant::now();
        let Some((key, most, window)) = rule(call) else {
            return Verdict {
                headers: Vec::new(),
                refused: None,
                ignored_wait: false,
            };
        };
        let counts_globally = call
            .route
            .as_ref()
            .is_some_and(|(route, _)| route.carries_token().is_none());
        let name = bucket_name(&key);
        let bucket = self.buckets.entry(key).or_insert(Bucket {
            started: now,
            used: 0,
            wait: None,
        });
        let ignored_wait = bucket
            .wait
            .is_some_and(|(since, until)| now > since + UNDER_WAY && now + UNDER_WAY < until);
        if now >= bucket.started + window {
            (bucket.started, bucket.used) = (now, 0);
        }
        bucket.used += 1;
        let left = (bucket.started + window).saturating_duration_since(now);
        let headers = headers(most, most.saturating_sub(bucket.used), left, name);
        if enforce && bucket.used > most {
            bucket.wait = Some((now, now + left));
            let refused = Some(too_many(left.as_secs_f64(), false, "user", false));
            return Verdict {
                headers,
                refused,
                ignored_wait,
            };
        }
        let refused = (enforce && counts_globally && self.over_global(now))
            .then(|| too_many(1.0, true, "global", false));
        Verdict {
            headers,
            refused,
            ignored_wait,
        }
    }

    /// A 429 made by a fault binds like one of our own.
    pub(crate) fn must_wait(&mut self, call: &Call, wait: Duration) {
        let now = Instant::now();
        if let Some((key, ..)) = rule(call) {
            let bucket = self.buckets.entry(key).or_insert(Bucket {
                started: now,
                used: 0,
                wait: None,
            });
            bucket.wait = Some((now, now + wait));
        }
    }

    fn over_global(&mut self, now: Instant) -> bool {
        let bucket = self.global.get_or_insert(Bucket {
            started: now,
            used: 0,
            wait: None,
        });
        if now >= bucket.started + Duration::from_secs(1) {
            (bucket.started, bucket.used) = (now, 0);
        }
        bucket.used += 1;
        bucket.used > GLOBAL_PER_SECOND
    }
}

fn headers(
    most: u32,
    left: u32,
    reset_after: Duration,
    bucket: String,
) -> Vec<(&'static str, String)> {
    let reset = std::time::Duration::from_millis(crate::clock::unix_ms()) + reset_after;
    vec![
        ("x-ratelimit-limit", most.to_string()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-reset", format!("{:.3}", reset.as_secs_f64())),
        (
            "x-ratelimit-reset-after",
            format!("{:.3}", reset_after.as_secs_f64()),
        ),
        ("x-ratelimit-bucket", bucket),
    ]
}

/// Opaque and stable, as Discord's are (FNV-1a).
fn bucket_name(key: &str) -> String {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

pub(crate) fn too_many(retry_after: f64, global: bool, scope: &str, unreadable: bool) -> Reply {
    let mut reply = Reply::json(
        429,
        json!({"message": "You are being rate limited.", "retry_after": retry_after, "global": global, "code": 0}),
    );
    if unreadable {
        // What a proxy between the bot and Discord does: no JSON, and a header nobody can read.
        reply.raw = Some("<html>429 Too Many Requests</html>".into());
        reply.headers.push(("retry-after", "soon".into()));
        return reply;
    }
    // Retry-After is whole seconds, rounded up; the body has the exact time.
    reply
        .headers
        .push(("retry-after", format!("{:.0}", retry_after.ceil())));
    reply.headers.push(("x-ratelimit-scope", scope.to_owned()));
    if global {
        reply.headers.push(("x-ratelimit-global", "true".into()));
    }
    reply
}
