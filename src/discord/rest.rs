//! Requests to Discord: our own sender for everything about interactions, and serenity's for the rest.
//!
//! serenity keeps all edits of all interactions in one rate limit bucket, so that twenty people who
//! ask at once wait for each other for seconds. Discord counts them by interaction, and so do we.
//! The token of an interaction is a key to the channel for 15 minutes and stands in the address:
//! no address ever gets into an error or a log line.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use serenity::builder::CreateAllowedMentions;
use serenity::http::{Http, HttpBuilder};
use tokio::time::{Instant, sleep};

use super::Settings;
use super::failed::Failed;
use super::send::{self, Outgoing};
use crate::embed::Reply;
use crate::errand::Posted;
use crate::ids::{ChannelId, GuildId, InteractionId, RoleId, UserId};

/// Discord gives 3 s from the event to the acknowledgement; the rest is for one more try.
const FIRST_TRY: Duration = Duration::from_secs(2);
const RESEND: Duration = Duration::from_secs(3);
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_millis(2900);
const ROLES: Duration = Duration::from_secs(5);
const USUAL: Duration = Duration::from_secs(10);
/// While this one is under way, no newer state can be shown.
const PASSING_EDIT: Duration = Duration::from_secs(5);

/// Waits between the tries of what must arrive: about a minute in all.
const PATIENCE: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
    Duration::from_secs(30),
];
const WITHOUT_RETRY_AFTER: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// What it takes to answer one interaction, until Discord's 15 minutes are over.
#[derive(Clone)]
pub(super) struct Ticket {
    pub id: InteractionId,
    pub application: u64,
    pub token: InteractionToken,
    pub received: Instant,
}

/// Printed nowhere.
#[derive(Clone)]
pub(super) struct InteractionToken(String);

impl InteractionToken {
    /// `None` for what cannot be one segment of an address as it is.
    pub(super) fn new(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_graphic() && !b"/\\?#%".contains(&b);
        let dots = text.bytes().all(|b| b == b'.');
        (!dots && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }
}

pub(super) struct Rest {
    client: reqwest::Client,
    base: String,
    /// `Bot ...`, marked as sensitive.
    authorization: HeaderValue,
}

struct Call<'a> {
    method: Method,
    path: String,
    by_bot: bool,
    message: Option<&'a Outgoing>,
    timeout: Duration,
}

/// serenity's sender, for what belongs to no interaction: gateway look-up and registration.
///
/// Its rate limiter goes out together with the proxy setting: with the limiter on, serenity ignores
/// the proxy and sends the token to the real Discord; and the limiter repeats without a pause when
/// it cannot read a `Retry-After`. These few calls are paced by their callers.
fn http_on(client: reqwest::Client, settings: &Settings) -> Http {
    let mut http = HttpBuilder::new(settings.token())
        .client(client)
        .ratelimiter_disabled(true)
        .default_allowed_mentions(CreateAllowedMentions::new());
    if let Some(base) = &settings.api_url {
        http = http.proxy(base);
    }
    http.build()
}

/// serenity's sender alone.
pub(super) fn http(settings: &Settings) -> Result<Http, reqwest::Error> {
    Ok(http_on(client()?, settings))
}

/// Discord is spoken to directly, as the gateway cannot go through a proxy either.
fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(concat!(
            "DiscordBot (pve-steward, ",
            env!("CARGO_PKG_VERSION"),
            ")"
        ))
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(20))
        .no_proxy()
        // An answer of Discord's sends nobody elsewhere, least of all with our token.
        .redirect(Policy::none())
        .build()
}

impl Rest {
    pub(super) fn new(settings: &Settings) -> Result<Self, reqwest::Error> {
        // A token with a line end in it makes no header; Discord then says 401, which is the truth.
        let mut authorization = HeaderValue::from_str(&format!("Bot {}", settings.token()))
            .unwrap_or_else(|_| HeaderValue::from_static("Bot"));
        authorization.set_sensitive(true);
        let base = settings.api_url.as_deref().unwrap_or("https://discord.com");
        Ok(Self {
            client: client()?,
            base: format!("{}/api/v10", base.trim_end_matches('/')),
            authorization,
        })
    }

    /// serenity's sender over the same connections: what it has opened is open for the first answer.
    pub(super) fn http(&self, settings: &Settings) -> Http {
        http_on(self.client.clone(), settings)
    }

    /// The first answer. 40060 to the first try means that another replica was faster; once a try of
    /// ours was sent and not answered, it means that ours had arrived.
    pub(super) async fn callback(&self, ticket: &Ticket, message: &Outgoing) -> Result<(), Failed> {
        let mut may_have_arrived = false;
        let mut timeout = FIRST_TRY;
        loop {
            let path = format!("/interactions/{}/{}/callback", ticket.id, ticket.token.0);
            let call = Call::new(Method::POST, path, Some(message)).within(timeout);
            let failed = match self.send(&call).await {
                Err(Failed::AlreadyAnswered) if may_have_arrived => return Ok(()),
                Err(failed) if failed.passes() => failed,
                done => return done.map(drop),
            };
            let wait = match failed {
                Failed::Limited(wait) => wait,
                Failed::NotSent(_) => Duration::from_millis(100),
                _ if may_have_arrived => return Err(failed),
                _ => {
                    may_have_arrived = true;
                    Duration::ZERO
                }
            };
            if ticket.received.elapsed() + wait > ACKNOWLEDGE_WITHIN {
                return Err(failed);
            }
            tracing::debug!(interaction.id = %ticket.id, why = %failed, "acknowledging again");
            sleep(wait).await;
            timeout = RESEND;
        }
    }

    /// Changes the first answer; one try.
    pub(super) async fn edit(&self, ticket: &Ticket, message: &Outgoing) -> Result<(), Failed> {
        let call = Call::new(Method::PATCH, ticket.original(), Some(message)).within(PASSING_EDIT);
        self.send(&call).await.map(drop)
    }

    /// Changes the first answer; keeps trying for about a minute.
    pub(super) async fn edit_patiently(
        &self,
        ticket: &Ticket,
        message: &Outgoing,
    ) -> Result<(), Failed> {
        let call = Call::new(Method::PATCH, ticket.original(), Some(message));
        self.send_patiently(&call, Failed::passes).await.map(drop)
    }

    /// Takes the first answer away.
    pub(super) async fn delete(&self, ticket: &Ticket) -> Result<(), Failed> {
        let call = Call::new(Method::DELETE, ticket.original(), None);
        match self.send_patiently(&call, Failed::passes).await {
            // Unknown message: it is gone, if only by the try before.
            Err(Failed::Refused { code: 10008, .. }) => Ok(()),
            done => done.map(drop),
        }
    }

    /// One more message that belongs to the interaction.
    pub(super) async fn follow_up(
        &self,
        ticket: &Ticket,
        message: &Outgoing,
    ) -> Result<(), Failed> {
        let path = format!("/webhooks/{}/{}", ticket.application, ticket.token.0);
        let call = Call::new(Method::POST, path, Some(message));
        self.send_patiently(&call, Failed::undone).await.map(drop)
    }

    /// A message that belongs to no interaction.
    pub(super) async fn post(
        &self,
        channel: ChannelId,
        message: &Outgoing,
    ) -> Result<Posted, Failed> {
        let path = format!("/channels/{channel}/messages");
        let call = Call::new(Method::POST, path, Some(message)).by_bot();
        let posted = self.send_patiently(&call, Failed::undone).await?;
        let message = posted["id"].as_str().and_then(|id| id.parse().ok());
        let message =
            message.ok_or_else(|| Failed::Unsure("no message id in the answer".to_owned()))?;
        Ok(Posted { channel, message })
    }

    /// Changes a message that belongs to no interaction.
    pub(super) async fn change(&self, posted: Posted, message: &Outgoing) -> Result<(), Failed> {
        let Posted {
            channel,
            message: id,
        } = posted;
        let path = format!("/channels/{channel}/messages/{id}");
        let call = Call::new(Method::PATCH, path, Some(message)).by_bot();
        self.send_patiently(&call, Failed::passes).await.map(drop)
    }

    /// The roles of a member at this moment. One try: nobody waits long for a no.
    pub(super) async fn roles(&self, guild: GuildId, user: UserId) -> Result<Vec<RoleId>, Failed> {
        let path = format!("/guilds/{guild}/members/{user}");
        let call = Call::new(Method::GET, path, None).by_bot().within(ROLES);
        let member = self.send(&call).await?;
        let roles = member["roles"].as_array();
        let roles: Option<Vec<RoleId>> = roles.and_then(|roles| {
            let role = |id: &Value| id.as_str()?.parse().ok();
            roles.iter().map(role).collect()
        });
        roles.ok_or_else(|| Failed::Unsure("no roles in the answer".to_owned()))
    }

    /// A message to one person alone.
    pub(super) async fn direct(&self, user: UserId, reply: &Reply) -> Result<Posted, Failed> {
        let recipient = Outgoing::bare(json!({"recipient_id": user.to_string()}));
        let path = "/users/@me/channels".to_owned();
        let call = Call::new(Method::POST, path, Some(&recipient)).by_bot();
        let opened = self.send_patiently(&call, Failed::passes).await?;
        let channel = opened["id"].as_str().and_then(|id| id.parse().ok());
        let channel =
            channel.ok_or_else(|| Failed::Unsure("no channel id in the answer".to_owned()))?;
        self.post(channel, &send::direct(reply)).await
    }

    /// Sends until it is done, as long as `again` says that another try may help.
    async fn send_patiently(
        &self,
        call: &Call<'_>,
        again: fn(&Failed) -> bool,
    ) -> Result<Value, Failed> {
        let mut waits = PATIENCE.into_iter();
        loop {
            let failed = match self.send(call).await {
                Err(failed) if again(&failed) => failed,
                done => return done,
            };
            let Some(wait) = waits.next() else {
                return Err(failed);
            };
            sleep(match failed {
                Failed::Limited(asked) => asked,
                _ => wait,
            })
            .await;
        }
    }

    async fn send(&self, call: &Call<'_>) -> Result<Value, Failed> {
        let url = format!("{}{}", self.base, call.path);
        let mut request = self
            .client
            .request(call.method.clone(), url)
            .timeout(call.timeout);
        if call.by_bot {
            request = request.header(AUTHORIZATION, self.authorization.clone());
        }
        request = match call.message {
            None => request,
            Some(message) if message.files.is_empty() => request.json(&message.body),
            Some(message) => request.multipart(form(message)?),
        };
        let response = request.send().await.map_err(not_answered)?;
        read(response).await
    }
}

impl Ticket {
    fn original(&self) -> String {
        format!(
            "/webhooks/{}/{}/messages/@original",
            self.application, self.token.0
        )
    }
}

impl<'a> Call<'a> {
    fn new(method: Method, path: String, message: Option<&'a Outgoing>) -> Self {
        Self {
            method,
            path,
            by_bot: false,
            message,
            timeout: USUAL,
        }
    }

    fn by_bot(mut self) -> Self {
        self.by_bot = true;
        self
    }

    fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

fn form(message: &Outgoing) -> Result<Form, Failed> {
    let typed = |part: Part, mime: &str| part.mime_str(mime).map_err(not_answered);
    let payload = typed(Part::text(message.body.to_string()), "application/json")?;
    let mut form = Form::new().part("payload_json", payload);
    for (n, (name, text)) in message.files.iter().enumerate() {
        let file = Part::text(text.clone()).file_name(name.clone());
        form = form.part(
            format!("files[{n}]"),
            typed(file, "text/plain; charset=utf-8")?,
        );
    }
    Ok(form)
}

/// The causes without the address, in which the token stands.
fn not_answered(error: reqwest::Error) -> Failed {
    let never_sent = error.is_connect() || error.is_builder();
    let error = error.without_url();
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        why = format!("{why}: {inner}");
        cause = inner.source();
    }
    if never_sent {
        Failed::NotSent(why)
    } else {
        Failed::Unsure(why)
    }
}

async fn read(mut response: Response) -> Result<Value, Failed> {
    let status = response.status();
    let headers = response.headers().clone();
    let body = body(&mut response).await.unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Failed::Limited(retry_after(&body, &headers)));
    }
    let code = body["code"].as_i64().unwrap_or_default();
    Err(match code {
        40060 => Failed::AlreadyAnswered,
        10062 => Failed::UnknownInteraction,
        50027 | 10015 => Failed::TokenExpired,
        _ => Failed::Refused {
            status: status.as_u16(),
            code,
            message: told(&body),
        },
    })
}

/// `None` for one that breaks off, is no JSON or has no end: a good status still says that it was
/// done. Counted after unpacking.
async fn body(response: &mut Response) -> Option<Value> {
    const MOST: usize = 4 << 20;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if bytes.len() + chunk.len() > MOST {
            return None;
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).ok()
}

/// Discord's words, with the fields that it did not like.
fn told(body: &Value) -> String {
    let message = body["message"].as_str().unwrap_or("(no message)");
    match &body["errors"] {
        Value::Null => message.to_owned(),
        errors => format!("{message} {errors}"),
    }
}

fn retry_after(body: &Value, headers: &HeaderMap) -> Duration {
    let header = || headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok();
    let seconds: Option<f64> = body["retry_after"].as_f64().or_else(header);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map_or(WITHOUT_RETRY_AFTER, |wait| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// The address of somebody who answers one request so.
    async fn answering(head: &str, body: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let length = body.len();
        let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            // Whoever has read enough hangs up.
            stream.write_all(answer.as_bytes()).await.ok();
        });
        url
    }

    async fn asked_of(url: &str) -> Result<Value, Failed> {
        read(client().unwrap().get(url).send().await.unwrap()).await
    }

    #[tokio::test]
    async fn nobody_is_sent_elsewhere() {
        let elsewhere = answering("200 OK", "{}").await;
        let head = format!("307 Temporary Redirect\r\nLocation: {elsewhere}");
        let url = answering(&head, "").await;
        let failed = asked_of(&url).await.unwrap_err();
        assert!(matches!(failed, Failed::Refused { status: 307, .. }));
    }

    #[tokio::test]
    async fn an_answer_of_any_size_is_not_taken() {
        let much = format!("{{\"id\":\"{}\"}}", "x".repeat(1 << 20));
        let url = answering("200 OK", &much).await;
        assert!(asked_of(&url).await.unwrap()["id"].is_string());
        let more = format!("{{\"id\":\"{}\"}}", "x".repeat(5 << 20));
        let url = answering("200 OK", &more).await;
        assert_eq!(asked_of(&url).await.unwrap(), Value::Null);
        let url = answering("429 Too Many\r\nRetry-After: 2", &more).await;
        let failed = asked_of(&url).await.unwrap_err();
        assert!(matches!(failed, Failed::Limited(wait) if wait == Duration::from_secs(2)));
    }

    #[test]
    fn retry_after_is_read_from_body_or_header_and_never_zero_by_mistake() {
        let none = HeaderMap::new();
        let mut header = HeaderMap::new();
        header.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        let millis = |body: Value, headers: &HeaderMap| retry_after(&body, headers).as_millis();
        assert_eq!(millis(json!({"retry_after": 0.25}), &header), 250);
        assert_eq!(millis(json!({"retry_after": 1e300}), &none), 1000);
        assert_eq!(millis(json!({"retry_after": 900}), &none), 60_000);
        assert_eq!(millis(json!({}), &header), 2000);
        for unreadable in [
            json!({}),
            json!({"retry_after": "soon"}),
            json!({"retry_after": -1}),
            json!(null),
        ] {
            assert_eq!(millis(unreadable, &none), 1000);
        }
        header.insert(
            RETRY_AFTER,
            HeaderValue::from_static("Fri, 07 Nov 2026 23:59:59 GMT"),
        );
        assert_eq!(millis(json!({}), &header), 1000);
    }
}
