//! Requests: which endpoint, how long, and what may be tried again. The only function that can send
//! a write is [`Transport::write`], and it wants a permit.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use tokio::time::{Instant, timeout};

use super::answer::{Answer, OF_ONE, Unread};
use super::endpoints::Endpoints;
use super::error::{Error, Failure, Why, chain};
use super::path::ApiPath;
use super::tls;
use super::turns::{Lane, Turns};
use crate::action::{Right, TargetKey};
use crate::config::{Cluster, Secret};
use crate::ids::ClusterName;
use crate::permission::Permit;

/// How long and how much. The defaults follow how Proxmox behaves; tests shorten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until TCP and TLS stand.
    pub connect: Duration,
    /// For calls that the entry node answers from memory. Above 3 s: a 401 takes that long.
    pub read: Duration,
    /// For reads that go through `pvedaemon` or to another node. Proxmox itself waits 30 s for a node
    /// that hangs; whoever needs the answer asks again, and lets others ask in between.
    pub protected: Duration,
    /// For writes, which are sent once. Proxmox gives up on them itself after 30 s.
    pub write: Duration,
    /// How long a connection may idle in the pool. Proxmox closes it after 5.00 s, and a write that
    /// meets that moment is lost.
    pub idle: Duration,
    /// How long an endpoint that failed is asked only after all others.
    pub aside: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(10),
            protected: Duration::from_secs(8),
            write: Duration::from_secs(35),
            idle: Duration::from_secs(4),
            aside: Duration::from_secs(30),
        }
    }
}

/// A read: whose turn it takes, how long it may take, and how many bytes it may answer.
pub(super) struct Read<'a> {
    pub(super) lane: Lane<'a>,
    pub(super) path: &'a ApiPath,
    pub(super) limit: Duration,
    pub(super) most: usize,
}

/// A write, and what somebody must be allowed for it.
pub(super) struct Write<'a> {
    pub(super) right: Right,
    pub(super) target: TargetKey,
    pub(super) verb: Verb,
    pub(super) path: ApiPath,
    /// What a DELETE carries stands in its path: Proxmox refuses a body there.
    pub(super) form: &'a [(&'a str, &'a str)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Post,
    Put,
    Delete,
}

pub(super) struct Transport {
    cluster: ClusterName,
    http: reqwest::Client,
    endpoints: Endpoints,
    turns: Turns,
    limits: Limits,
}

enum Request<'a> {
    Get(&'a Read<'a>),
    Write(&'a Write<'a>),
}

impl Request<'_> {
    fn most(&self) -> usize {
        match self {
            Self::Get(read) => read.most,
            Self::Write(_) => OF_ONE,
        }
    }

    /// Whether a failure tells something of the endpoint. What is asked of a node may just as well
    /// wait for that node; if it was the endpoint, the next snapshot tells.
    fn blames_endpoint(&self, error: &Error) -> bool {
        let of_cluster = matches!(self, Self::Get(read) if read.lane == Lane::Cluster);
        of_cluster || !matches!(error, Error::NoAnswer(failure) if failure.why == Why::Time)
    }
}

impl Transport {
    pub(super) fn new(
        cluster: &Cluster,
        token: (&str, &Secret),
        limits: Limits,
    ) -> Result<Self, Error> {
        if cluster.endpoints.is_empty() {
            return Err(Error::Setup("no endpoint".to_owned()));
        }
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, token_header(token)?);
        let builder = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("pve-steward/", env!("CARGO_PKG_VERSION")))
            .https_only(true)
            .http1_only()
            // A proxy of the environment is meant for the internet, not for one's own machines.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(limits.connect)
            .pool_idle_timeout(limits.idle);
        let http = tls::apply(builder, &cluster.trust)?
            .build()
            .map_err(|error| Error::Setup(chain(&error)))?;
        Ok(Self {
            cluster: cluster.name.clone(),
            http,
            endpoints: Endpoints::new(&cluster.endpoints, limits.aside),
            turns: Turns::new(),
            limits,
        })
    }

    pub(super) fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    pub(super) fn endpoints(&self) -> usize {
        self.endpoints.count()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Reads, from whichever endpoint answers. Waiting for a turn counts towards the limit, of which
    /// it may take half: the rest must be enough to be answered. Connecting in vain does not count.
    pub(super) async fn read(&self, read: Read<'_>) -> Result<Answer, Error> {
        let Read { lane, limit, .. } = read;
        let asked = Instant::now();
        let Ok(_turn) = timeout(limit / 2, self.turns.take(lane)).await else {
            return Err(Error::NotSent(Failure {
                endpoint: None,
                why: Why::Busy,
                chain: "too many reads are waiting".to_owned(),
            }));
        };
        let time = limit.saturating_sub(asked.elapsed());
        let get = Request::Get(&read);
        let mut failure = None;
        for endpoint in self.endpoints.order() {
            let mut answer = self.attempt(endpoint, &get, time).await;
            if answer.as_ref().is_err_and(was_cut) {
                // Most likely an idle connection that Proxmox closed just now: a new one works.
                answer = self.attempt(endpoint, &get, time).await;
            }
            match answer {
                Err(error) if error.unreachable() => {
                    let time_up = matches!(error, Error::NoAnswer(_)) && !was_cut(&error);
                    failure = Some(more_telling(failure, error));
                    if time_up {
                        break;
                    }
                }
                other => return other,
            }
        }
        Err(failure.unwrap_or_else(|| Error::Setup("no endpoint".to_owned())))
    }

    /// Writes, once. The next endpoint is tried only while it was surely never sent.
    pub(super) async fn write(&self, permit: &Permit, write: Write<'_>) -> Result<Answer, Error> {
        if !permit.covers(write.right, &write.target) || !self.serves(&write.target) {
            return Err(Error::WrongPermit);
        }
        let request = Request::Write(&write);
        let mut failure = None;
        for endpoint in self.endpoints.order() {
            let answer = self.attempt(endpoint, &request, self.limits.write).await;
            match answer {
                Err(error @ (Error::NotSent(_) | Error::Certificate { .. })) => {
                    failure = Some(more_telling(failure, error));
                }
                other => return other,
            }
        }
        Err(failure.unwrap_or_else(|| Error::Setup("no endpoint".to_owned())))
    }

    /// A permit for a guest of another cluster is none for the guest of the same number here.
    fn serves(&self, target: &TargetKey) -> bool {
        match target {
            TargetKey::Guest(guest) => guest.cluster == self.cluster,
            TargetKey::Node(node) => node.cluster == self.cluster,
            TargetKey::Bot => true,
        }
    }

    /// One try at one endpoint.
    async fn attempt(
        &self,
        endpoint: usize,
        request: &Request<'_>,
        time: Duration,
    ) -> Result<Answer, Error> {
        let url = self.endpoints.url(endpoint);
        let builder = match request {
            Request::Get(read) => self.http.get(format!("{url}{}", read.path)),
            Request::Write(write) => {
                let url = format!("{url}{}", write.path);
                match write.verb {
                    Verb::Post => self.http.post(url).form(write.form),
                    Verb::Put => self.http.put(url).form(write.form),
                    Verb::Delete => self.http.delete(url),
                }
            }
        };
        let outcome = match builder.timeout(time).send().await {
            Ok(response) => Answer::read(response, request.most()).await,
            Err(error) => Err(Unread::Transport(error)),
        };
        match outcome {
            Ok(answer) => {
                if self.endpoints.answered(endpoint) {
                    tracing::info!(cluster = %self.cluster, url, "endpoint answers again");
                }
                Ok(answer)
            }
            Err(Unread::TooLong) => Err(Error::TooLong {
                most: request.most(),
            }),
            Err(Unread::Transport(error)) => {
                let error = classify(url, error);
                if request.blames_endpoint(&error) && self.endpoints.set_aside(endpoint) {
                    tracing::warn!(cluster = %self.cluster, %error, "endpoint set aside");
                }
                Err(error)
            }
        }
    }
}

/// `PVEAPIToken=user@realm!id=secret`. Proxmox unescapes the value and ends it at a `;`.
fn token_header((id, secret): (&str, &Secret)) -> Result<HeaderValue, Error> {
    let token = format!("PVEAPIToken={id}={}", secret.expose());
    let escaped = token.replace('%', "%25").replace(';', "%3B");
    let mut header = HeaderValue::from_str(&escaped)
        .map_err(|_| Error::Setup("the token holds characters that no header can".to_owned()))?;
    header.set_sensitive(true);
    Ok(header)
}

fn was_cut(error: &Error) -> bool {
    matches!(error, Error::NoAnswer(failure) if failure.why == Why::Cut)
}

/// Of the failures of several endpoints, the one to report: a certificate that does not fit matters
/// more than silence, and an endpoint that answered half more than one that is not there.
fn more_telling(before: Option<Error>, now: Error) -> Error {
    fn rank(error: &Error) -> u8 {
        match error {
            Error::NotSent(_) => 0,
            Error::NoAnswer(_) => 1,
            _ => 2,
        }
    }
    match before {
        Some(before) if rank(&before) >= rank(&now) => before,
        _ => now,
    }
}

fn classify(url: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    if let Some(fault) = tls::fault(&error) {
        return Error::Certificate {
            endpoint: url.to_owned(),
            fault,
        };
    }
    if error.is_builder() {
        return Error::Setup(format!("{url}: {}", chain(&error)));
    }
    let sent = !error.is_connect();
    let why = if error.is_timeout() {
        Why::Time
    } else if sent {
        Why::Cut
    } else if tls::is_tls(&error) {
        Why::Tls
    } else if tls::is_refused(&error) {
        Why::Refused
    } else {
        Why::Unreachable
    };
    let failure = Failure {
        endpoint: Some(url.to_owned()),
        why,
        chain: chain(&error),
    };
    if sent {
        Error::NoAnswer(failure)
    } else {
        Error::NotSent(failure)
    }
}
