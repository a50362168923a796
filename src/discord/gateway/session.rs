//! The gateway's protocol as a state machine: frames and the clock go in, what to do comes out.
//! It sends nothing itself, so that every trap can be tested without a network.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

/// How long a silent gateway is believed to be alive.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
const READY_WITHIN: Duration = Duration::from_secs(30);
/// An interval of nothing would send heartbeats without a pause.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

const NO_INTENTS: u64 = 0;

/// What a session is known by after the connection broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resume {
    pub session: String,
    /// Where Discord wants it resumed.
    pub url: String,
    pub seq: u64,
}

/// What the loop has to do.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    Send(Value),
    Ready {
        application: u64,
    },
    Resumed,
    /// The other side has just been heard of.
    Alive,
    Interaction(Value),
    /// Close this connection and go on like this.
    Leave(Leave),
}

/// How to go on after a connection. Whether the session is resumed stands in the session itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leave {
    /// With a new connection: at once, if this one had been a good one.
    Again(&'static str),
    /// With a new connection after the 1 to 5 s that Discord asks for.
    Later(&'static str),
    /// Not at all: Discord would close every further try in the same way.
    Fatal(u16, &'static str),
}

/// One connection, and the session that outlives it.
pub(super) struct Session {
    token: String,
    resume: Option<Resume>,
    stage: Stage,
    beat: Option<Beat>,
    /// A heartbeat was acknowledged after READY or RESUMED: this connection is a good one.
    proven: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    WaitsForHello { until: Instant },
    WaitsForReady { until: Instant },
    Up,
}

/// Heartbeats, each to be acknowledged before the next is due.
struct Beat {
    interval: Duration,
    next: Instant,
    acknowledged: bool,
}

#[derive(Deserialize)]
struct Frame {
    op: u64,
    #[serde(default)]
    d: Value,
    #[serde(default)]
    s: Option<u64>,
    #[serde(default)]
    t: Option<String>,
}

impl Session {
    pub(super) fn new(token: String, now: Instant) -> Self {
        Self {
            token,
            resume: None,
            stage: Stage::WaitsForHello { until: now },
            beat: None,
            proven: false,
        }
    }

    /// A connection was made; HELLO comes next.
    pub(super) fn connected(&mut self, now: Instant) {
        self.stage = Stage::WaitsForHello {
            until: now + HELLO_WITHIN,
        };
        self.beat = None;
        self.proven = false;
    }

    pub(super) fn resume(&self) -> Option<&Resume> {
        self.resume.as_ref()
    }

    /// The next connection will identify anew.
    pub(super) fn forget(&mut self) {
        self.resume = None;
    }

    pub(super) fn proven(&self) -> bool {
        self.proven
    }

    /// When [`Session::tick`] is due.
    pub(super) fn deadline(&self) -> Instant {
        let beat = self.beat.as_ref().map(|beat| beat.next);
        match self.stage {
            Stage::WaitsForHello { until } | Stage::WaitsForReady { until } => {
                beat.map_or(until, |beat| beat.min(until))
            }
            // Up without heartbeats does not happen; a tick would do no harm.
            Stage::Up => beat.unwrap_or_else(|| Instant::now() + READY_WITHIN),
        }
    }

    /// The clock has reached the deadline.
    pub(super) fn tick(&mut self, now: Instant) -> Vec<Step> {
        match self.stage {
            Stage::WaitsForHello { until } if now >= until => {
                return vec![Step::Leave(Leave::Again("no HELLO came"))];
            }
            Stage::WaitsForReady { until } if now >= until => {
                // A session that cannot be resumed in that time had better be made anew.
                return vec![Step::Leave(self.anew("neither READY nor RESUMED came"))];
            }
            _ => {}
        }
        let heartbeat = self.heartbeat();
        let Some(beat) = self.beat.as_mut().filter(|beat| now >= beat.next) else {
            return Vec::new();
        };
        if !beat.acknowledged {
            return vec![Step::Leave(Leave::Again(
                "a heartbeat was not acknowledged",
            ))];
        }
        beat.acknowledged = false;
        beat.next = now + beat.interval;
        vec![Step::Send(heartbeat)]
    }

    /// A text frame came. Whatever cannot be read or is not known is passed over.
    pub(super) fn frame(&mut self, text: &str, now: Instant, jitter: f64) -> Vec<Step> {
        let frame: Frame = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(error) => {
                tracing::warn!(%error, "unreadable gateway frame");
                return Vec::new();
            }
        };
        if let (Some(seq), Some(resume)) = (frame.s, &mut self.resume) {
            resume.seq = seq;
        }
        match frame.op {
            0 => self.dispatch(frame),
            1 => vec![Step::Send(self.heartbeat())],
            7 => vec![Step::Leave(Leave::Again("the gateway asked for it"))],
            9 => {
                if frame.d != json!(true) {
                    self.resume = None;
                }
                vec![Step::Leave(Leave::Later("the session is not valid"))]
            }
            10 => self.hello(&frame.d, now, jitter),
            11 => {
                self.acknowledged();
                vec![Step::Alive]
            }
            op => {
                tracing::debug!(op, "unknown gateway opcode");
                Vec::new()
            }
        }
    }

    /// The gateway closed the connection, with or without a code.
    pub(super) fn closed(&mut self, code: Option<u16>) -> Leave {
        match code {
            Some(4004) => Leave::Fatal(4004, "the bot token is not valid"),
            Some(4010) => Leave::Fatal(4010, "invalid shard"),
            Some(4011) => Leave::Fatal(4011, "the bot is in too many servers for one session"),
            Some(4012) => Leave::Fatal(4012, "this version speaks an API version that is gone"),
            Some(4013) => Leave::Fatal(4013, "invalid intents"),
            Some(4014) => Leave::Fatal(4014, "intents that the bot may not have"),
            Some(4003 | 4007 | 4009) => self.anew("the session is over"),
            Some(_) => Leave::Again("the gateway closed the connection"),
            None => Leave::Again("the connection broke"),
        }
    }

    fn anew(&mut self, why: &'static str) -> Leave {
        self.resume = None;
        Leave::Again(why)
    }

    fn hello(&mut self, d: &Value, now: Instant, jitter: f64) -> Vec<Step> {
        if self.beat.is_some() {
            return Vec::new();
        }
        let Some(millis) = d["heartbeat_interval"].as_u64() else {
            return vec![Step::Leave(Leave::Again("HELLO could not be read"))];
        };
        let interval = Duration::from_millis(millis).max(SHORTEST_INTERVAL);
        self.beat = Some(Beat {
            interval,
            next: now + interval.mul_f64(jitter.clamp(0.0, 1.0)),
            acknowledged: true,
        });
        self.stage = Stage::WaitsForReady {
            until: now + READY_WITHIN,
        };
        vec![Step::Send(self.introduction())]
    }

    fn introduction(&self) -> Value {
        match &self.resume {
            Some(resume) => json!({"op": 6, "d": {
                "token": self.token,
                "session_id": resume.session,
                "seq": resume.seq,
            }}),
            None => json!({"op": 2, "d": {
                "token": self.token,
                "intents": NO_INTENTS,
                "compress": false,
                "properties": {"os": std::env::consts::OS, "browser": "pve-steward", "device": "pve-steward"},
            }}),
        }
    }

    fn heartbeat(&self) -> Value {
        json!({"op": 1, "d": self.resume.as_ref().map(|resume| resume.seq)})
    }

    fn acknowledged(&mut self) {
        if let Some(beat) = &mut self.beat {
            beat.acknowledged = true;
            self.proven |= self.stage == Stage::Up;
        }
    }

    fn dispatch(&mut self, frame: Frame) -> Vec<Step> {
        match frame.t.as_deref() {
            Some("READY") => self.ready(&frame.d, frame.s),
            Some("RESUMED") => {
                self.stage = Stage::Up;
                vec![Step::Resumed]
            }
            Some("INTERACTION_CREATE") => vec![Step::Interaction(frame.d)],
            _ => Vec::new(),
        }
    }

    fn ready(&mut self, d: &Value, seq: Option<u64>) -> Vec<Step> {
        // A bot's user has the id of its application, so either will do.
        let application = d["application"]["id"].as_str().or(d["user"]["id"].as_str());
        let application = application.and_then(|id| id.parse().ok());
        let application = application.filter(|id| *id > 0);
        let (Some(application), Some(session)) = (application, d["session_id"].as_str()) else {
            return vec![Step::Leave(self.anew("READY could not be read"))];
        };
        self.resume = Some(Resume {
            session: session.to_owned(),
            url: d["resume_gateway_url"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            seq: seq.unwrap_or_default(),
        });
        self.stage = Stage::Up;
        vec![Step::Ready { application }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = r#"{"op":0,"t":"READY","s":1,"d":{"v":10,"application":{"id":"77","flags":0},
        "session_id":"abc","resume_gateway_url":"wss://resume.example","guilds":[{"id":"5","unavailable":true}]}}"#;

    fn session() -> Session {
        let mut session = Session::new("secret".to_owned(), Instant::now());
        session.connected(Instant::now());
        session
    }

    fn hello(session: &mut Session, millis: u64) -> Vec<Step> {
        let text = json!({"op": 10, "d": {"heartbeat_interval": millis}}).to_string();
        session.frame(&text, Instant::now(), 0.5)
    }

    fn up() -> Session {
        let mut session = session();
        hello(&mut session, 40_000);
        session.frame(READY, Instant::now(), 0.5);
        session
    }

    fn op(steps: &[Step]) -> Option<u64> {
        match steps {
            [Step::Send(frame)] => frame["op"].as_u64(),
            _ => None,
        }
    }

    fn leaves(steps: &[Step]) -> Option<&Leave> {
        match steps {
            [Step::Leave(leave)] => Some(leave),
            _ => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn hello_is_answered_with_identify_without_intents_or_compression() {
        let mut session = session();
        let steps = hello(&mut session, 40_000);
        let [Step::Send(frame)] = &steps[..] else {
            panic!("{steps:?}")
        };
        assert_eq!(frame["op"], 2);
        assert_eq!(frame["d"]["intents"], 0);
        assert_eq!(frame["d"]["compress"], false);
        assert_eq!(frame["d"]["token"], "secret");
    }

    #[tokio::test(start_paused = true)]
    async fn without_hello_it_leaves_after_ten_seconds() {
        let mut session = session();
        assert_eq!(session.deadline() - Instant::now(), HELLO_WITHIN);
        tokio::time::advance(HELLO_WITHIN).await;
        assert!(matches!(
            leaves(&session.tick(Instant::now())),
            Some(Leave::Again(_))
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn without_ready_it_leaves_and_identifies() {
        let mut session = session();
        hello(&mut session, 60_000);
        assert_eq!(session.deadline() - Instant::now(), READY_WITHIN);
        tokio::time::advance(READY_WITHIN).await;
        assert!(matches!(
            leaves(&session.tick(Instant::now())),
            Some(Leave::Again(_))
        ));
        assert!(session.resume().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn heartbeats_begin_with_jitter_and_carry_the_sequence() {
        let mut session = up();
        assert_eq!(session.deadline() - Instant::now(), Duration::from_secs(20));
        session.frame(
            r#"{"op":0,"t":"WHATEVER","s":9,"d":null}"#,
            Instant::now(),
            0.5,
        );
        tokio::time::advance(Duration::from_secs(20)).await;
        let steps = session.tick(Instant::now());
        assert_eq!(steps, [Step::Send(json!({"op": 1, "d": 9}))]);
        assert!(!session.proven());
        session.frame(r#"{"op":11}"#, Instant::now(), 0.5);
        assert!(session.proven());
        assert_eq!(session.deadline() - Instant::now(), Duration::from_secs(40));
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(op(&session.tick(Instant::now())), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_unacknowledged_heartbeat_means_resume() {
        let mut session = up();
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(op(&session.tick(Instant::now())), Some(1));
        tokio::time::advance(Duration::from_secs(40)).await;
        assert!(matches!(
            leaves(&session.tick(Instant::now())),
            Some(Leave::Again(_))
        ));
        assert!(session.resume().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_connection_resumes() {
        let mut session = up();
        session.frame(r#"{"op":0,"t":"X","s":4,"d":{}}"#, Instant::now(), 0.5);
        session.connected(Instant::now());
        let steps = hello(&mut session, 40_000);
        let expected = json!({"op": 6, "d": {"token": "secret", "session_id": "abc", "seq": 4}});
        assert_eq!(steps, [Step::Send(expected)]);
        let resumed = r#"{"op":0,"t":"RESUMED","s":5,"d":null}"#;
        assert_eq!(session.frame(resumed, Instant::now(), 0.5), [Step::Resumed]);
        assert_eq!(session.resume().unwrap().seq, 5);
        assert_eq!(session.resume().unwrap().url, "wss://resume.example");
    }

    #[tokio::test(start_paused = true)]
    async fn opcodes_are_obeyed() {
        let mut session = up();
        let say = |session: &mut Session, text: &str| session.frame(text, Instant::now(), 0.5);
        assert_eq!(op(&say(&mut session, r#"{"op":1,"d":null}"#)), Some(1));
        assert!(matches!(
            leaves(&say(&mut session, r#"{"op":7}"#)),
            Some(Leave::Again(_))
        ));
        let resumable = say(&mut session, r#"{"op":9,"d":true}"#);
        assert!(matches!(leaves(&resumable), Some(Leave::Later(_))));
        assert!(session.resume().is_some());
        let over = say(&mut session, r#"{"op":9,"d":false}"#);
        assert!(matches!(leaves(&over), Some(Leave::Later(_))));
        assert!(session.resume().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_unknown_is_passed_over() {
        let mut session = up();
        for text in [
            "",
            "null",
            "[]",
            "{}",
            "garbage",
            "\u{0}",
            r#"{"op":"0"}"#,
            r#"{"op":-1}"#,
            r#"{"op":99,"d":{}}"#,
            r#"{"op":0,"t":"NEW_EVENT","s":3,"d":[1]}"#,
            r#"{"op":0,"s":3}"#,
            r#"{"op":10,"d":{"heartbeat_interval":1}}"#,
        ] {
            assert_eq!(session.frame(text, Instant::now(), 0.5), [], "{text}");
        }
        assert_eq!(session.resume().unwrap().seq, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn hello_without_sense_does_not_make_a_hot_loop() {
        let mut first = session();
        let steps = first.frame(r#"{"op":10,"d":{}}"#, Instant::now(), 0.5);
        assert!(matches!(leaves(&steps), Some(Leave::Again(_))));
        let mut second = session();
        hello(&mut second, 0);
        second.frame(READY, Instant::now(), 0.5);
        assert!(second.deadline() > Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn close_codes_say_how_to_go_on() {
        for code in [4004, 4010, 4011, 4012, 4013, 4014] {
            assert!(matches!(up().closed(Some(code)), Leave::Fatal(c, _) if c == code));
        }
        for code in [4003, 4007, 4009] {
            let mut session = up();
            assert!(matches!(session.closed(Some(code)), Leave::Again(_)));
            assert!(session.resume().is_none());
        }
        for code in [
            None,
            Some(1000),
            Some(1001),
            Some(1006),
            Some(4000),
            Some(4008),
            Some(4999),
        ] {
            let mut session = up();
            assert!(matches!(session.closed(code), Leave::Again(_)), "{code:?}");
            assert!(session.resume().is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_interaction_is_handed_on_as_it_came() {
        let mut session = up();
        let text = r#"{"op":0,"t":"INTERACTION_CREATE","s":2,"d":{"id":"1","odd":true}}"#;
        let steps = session.frame(text, Instant::now(), 0.5);
        assert_eq!(steps, [Step::Interaction(json!({"id": "1", "odd": true}))]);
    }
}
