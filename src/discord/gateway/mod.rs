//! The connection on which Discord tells what people do: kept open, resumed, or given up.
//!
//! The protocol is in `session`; here is the network. serenity's own client stays out of it: on a
//! close frame without a code it spins, on 4012 it identifies for ever, an upgrade that is never
//! answered hangs it, and a lost acknowledgement costs a new session.

mod session;
mod wire;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use serenity::http::Http;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::{Fatal, Settings};
use session::{Leave, Session, Step};
use wire::Wire;

/// Discord's rule: one identify in 5 s.
const IDENTIFY_APART: Duration = Duration::from_secs(5);
/// Out of 1000 a day. Who uses them up loses the token, so some are left for the owner.
const IDENTIFIES_KEPT: u64 = 20;
/// Discord keeps a session for a few minutes; afterwards a new one is due.
const RESUMABLE: Duration = Duration::from_mins(3);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What the rest of the bot hears from the gateway.
pub(super) enum Heard {
    Ready {
        application: u64,
    },
    /// Discord is there: a session began, or a heartbeat was acknowledged.
    Alive,
    Interaction(Value),
}

/// Listens until `closing`; then goes offline properly. Returns early only when no further try can
/// succeed.
pub(super) async fn listen(
    settings: &Settings,
    http: &Http,
    closing: &CancellationToken,
    mut heard: impl FnMut(Heard),
) -> Result<(), Fatal> {
    let mut line = Line::new(settings, http)?;
    loop {
        let Some(connected) = closing.run_until_cancelled(Box::pin(line.connect())).await else {
            return Ok(());
        };
        let leave = match connected {
            Err(Trouble::Fatal(fatal)) => return Err(fatal),
            Err(Trouble::Passing(why)) => {
                tracing::warn!(why, "no connection to the gateway");
                Leave::Again("")
            }
            Ok(wire) => match line.hold(wire, closing, &mut heard).await {
                Some(leave) => leave,
                None => return Ok(()),
            },
        };
        let pause = match leave {
            Leave::Fatal(code, why) => return Err(Fatal::Closed(code, why)),
            Leave::Later(_) => line
                .pause()
                .max(Duration::from_secs_f64(1.0 + 4.0 * random())),
            Leave::Again(_) => line.pause(),
        };
        if closing.run_until_cancelled(sleep(pause)).await.is_none() {
            return Ok(());
        }
    }
}

/// Everything that lives longer than one connection.
struct Line<'a> {
    http: &'a Http,
    connect: wire::Connect,
    session: Session,
    /// The general address, as Discord last told it.
    url: String,
    identified: Option<Instant>,
    /// Connections in a row that were lost before they had proven to be good ones.
    failures: u32,
    lost: Option<Instant>,
}

enum Trouble {
    Fatal(Fatal),
    Passing(String),
}

impl<'a> Line<'a> {
    fn new(settings: &Settings, http: &'a Http) -> Result<Self, Fatal> {
        Ok(Self {
            http,
            connect: wire::Connect::new(settings).map_err(Fatal::Tls)?,
            session: Session::new(settings.token().to_owned(), Instant::now()),
            url: String::new(),
            identified: None,
            failures: 0,
            lost: None,
        })
    }

    async fn connect(&mut self) -> Result<Wire, Trouble> {
        if self.lost.is_some_and(|lost| lost.elapsed() > RESUMABLE) {
            self.session.forget();
        }
        let resume_url = self.session.resume().map(|resume| resume.url.clone());
        let url = match resume_url {
            Some(url) if self.connect.accepts(&url) => url,
            // Where a session began, it can be resumed too, if not as well.
            Some(_) => self.url.clone(),
            None => self.look_up().await?,
        };
        self.connect.open(&url).await.map_err(Trouble::Passing)
    }

    /// Where to begin a new session, once one may be begun.
    async fn look_up(&mut self) -> Result<String, Trouble> {
        loop {
            let found = self
                .http
                .get_bot_gateway()
                .await
                .map_err(|error| trouble(&error))?;
            let limit = found.session_start_limit;
            if limit.remaining < IDENTIFIES_KEPT {
                let wait =
                    Duration::from_millis(limit.reset_after).clamp(IDENTIFY_APART, RESUMABLE * 20);
                tracing::error!(
                    remaining = limit.remaining,
                    total = limit.total,
                    wait_s = wait.as_secs(),
                    "hardly any session starts are left today: waiting for the reset, as Discord \
                     takes the token away from who uses up the rest"
                );
                sleep(wait).await;
                continue;
            }
            if !self.connect.accepts(&found.url) {
                return Err(Trouble::Passing(
                    "the gateway's address is not a wss:// one".to_owned(),
                ));
            }
            if let Some(last) = self.identified {
                sleep_until(last + IDENTIFY_APART).await;
            }
            self.url.clone_from(&found.url);
            return Ok(found.url);
        }
    }

    /// Holds one connection for as long as it lasts. `None`: it was closed because we stop.
    async fn hold(
        &mut self,
        mut wire: Wire,
        closing: &CancellationToken,
        heard: &mut impl FnMut(Heard),
    ) -> Option<Leave> {
        self.session.connected(Instant::now());
        let leave = 'connection: loop {
            let steps = tokio::select! {
                () = closing.cancelled() => {
                    wire::close(wire, 1000).await;
                    return None;
                }
                () = sleep_until(self.session.deadline()) => self.session.tick(Instant::now()),
                message = wire.next() => self.received(message),
            };
            for step in steps {
                if let Some(leave) = self.step(step, &mut wire, heard).await {
                    break 'connection leave;
                }
            }
        };
        if let Leave::Again(why) | Leave::Later(why) = leave {
            let resume = self.session.resume().is_some();
            tracing::info!(why, resume, "gateway connection left");
        }
        if self.session.proven() {
            self.failures = 0;
        }
        self.lost.get_or_insert_with(Instant::now);
        // Any code but 1000 and 1001 leaves the session alive.
        wire::close(wire, 4000).await;
        Some(leave)
    }

    fn received(&mut self, message: Option<Result<Message, wire::Error>>) -> Vec<Step> {
        match message {
            Some(Ok(Message::Text(text))) => self.session.frame(&text, Instant::now(), random()),
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map(|frame| u16::from(frame.code));
                tracing::info!(code, "the gateway closed the connection");
                vec![Step::Leave(self.session.closed(code))]
            }
            // Pings are answered by the library; binary frames were not asked for.
            Some(Ok(_)) => Vec::new(),
            Some(Err(error)) => {
                tracing::info!(%error, "the gateway connection broke");
                vec![Step::Leave(self.session.closed(None))]
            }
            None => vec![Step::Leave(self.session.closed(None))],
        }
    }

    async fn step(
        &mut self,
        step: Step,
        wire: &mut Wire,
        heard: &mut impl FnMut(Heard),
    ) -> Option<Leave> {
        match step {
            Step::Leave(leave) => return Some(leave),
            Step::Send(frame) => {
                if frame["op"] == 2 {
                    self.identified = Some(Instant::now());
                }
                if wire::send(wire, &frame).await.is_err() {
                    return Some(Leave::Again("a frame could not be sent"));
                }
            }
            Step::Ready { application } => {
                self.lost = None;
                tracing::info!("gateway session is up");
                heard(Heard::Alive);
                heard(Heard::Ready { application });
            }
            Step::Resumed => {
                self.lost = None;
                tracing::info!("gateway session is resumed");
                heard(Heard::Alive);
            }
            Step::Alive => heard(Heard::Alive),
            Step::Interaction(interaction) => heard(Heard::Interaction(interaction)),
        }
        None
    }

    /// How long to wait before the next try: not at all after a good connection, then ever longer.
    fn pause(&mut self) -> Duration {
        let failures = self.failures;
        self.failures += 1;
        if failures == 0 {
            return Duration::ZERO;
        }
        let longest = Duration::from_secs(1 << failures.min(6)).min(LONGEST_PAUSE);
        // Half fixed, half by chance: after an outage, not everybody comes at the same moment.
        longest.mul_f64(0.5 + 0.5 * random())
    }
}

fn trouble(error: &serenity::Error) -> Trouble {
    if let serenity::Error::Http(http) = error
        && http
            .status_code()
            .is_some_and(|status| status.as_u16() == 401)
    {
        return Trouble::Fatal(Fatal::Unauthorized);
    }
    Trouble::Passing(told(error))
}

/// A failed request of serenity's in words for the log, without addresses.
pub(super) fn told(error: &serenity::Error) -> String {
    use serenity::http::HttpError;
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => format!(
            "Discord says {}, code {}: {}",
            response.status_code.as_u16(),
            response.error.code,
            response.error.message
        ),
        serenity::Error::Http(HttpError::Request(error)) => {
            let mut cause: &dyn std::error::Error = error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            format!("no answer from Discord: {cause}")
        }
        _ => "the answer could not be read".to_owned(),
    }
}

/// A number from 0 to 1. The seeds of the standard library's hash maps are random enough to spread
/// reconnections, and nothing else hangs on it.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    f64::from(u32::try_from(bits).unwrap_or_default()) / f64::from(u32::MAX)
}
