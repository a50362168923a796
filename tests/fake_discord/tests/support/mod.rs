//! A bot written by hand, as small as can be, to drive the fake with.
#![allow(dead_code)]

use std::time::Duration;

use fake_discord::{Discord, Setup};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(crate) const HOME: u64 = fake_discord::setup::HOME;
pub(crate) const CHANNEL: u64 = fake_discord::setup::BOT_CHANNEL;

/// REST only.
#[derive(Clone)]
pub(crate) struct Rest {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) token: String,
    pub(crate) app: u64,
}

impl Rest {
    pub(crate) fn new(discord: &Discord) -> Rest {
        let http = reqwest::Client::builder()
            .user_agent("DiscordBot (by hand, 1)")
            .no_proxy()
            .build()
            .unwrap();
        Rest {
            http,
            base: format!("{}/api/v10", discord.url()),
            token: discord.token(),
            app: discord.app_id(),
        }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        request = request.header("authorization", format!("Bot {}", self.token));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> u16 {
        self.send(Method::DELETE, path, None).await.0
    }

    pub(crate) async fn register(&self, guild: u64, commands: Value) -> (u16, Value) {
        self.put(
            &format!("/applications/{}/guilds/{guild}/commands", self.app),
            commands,
        )
        .await
    }

    pub(crate) async fn answer(&self, event: &Value, body: Value) -> (u16, Value) {
        self.post(&format!("{}/callback", path_of(event)), body)
            .await
    }

    pub(crate) fn original(&self, event: &Value) -> String {
        format!("{}/messages/@original", self.webhook(event))
    }

    pub(crate) fn webhook(&self, event: &Value) -> String {
        format!(
            "/webhooks/{}/{}",
            self.app,
            event["token"].as_str().unwrap()
        )
    }
}

pub(crate) fn path_of(event: &Value) -> String {
    format!(
        "/interactions/{}/{}",
        event["id"].as_str().unwrap(),
        event["token"].as_str().unwrap()
    )
}

/// One gateway connection.
pub(crate) struct Gateway {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
}

impl Gateway {
    pub(crate) async fn open(url: &str) -> Gateway {
        let (socket, _) = connect_async(format!("{url}/?v=10&encoding=json"))
            .await
            .expect("the gateway opens");
        Gateway { socket }
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.socket
            .send(Frame::text(frame.to_string()))
            .await
            .expect("a frame goes out");
    }

    /// The next frame: JSON, or `{"close": code}`, or `{"end": true}`.
    pub(crate) async fn next(&mut self) -> Value {
        let frame = tokio::time::timeout(Duration::from_secs(5), self.socket.next())
            .await
            .expect("a frame in time");
        match frame {
            Some(Ok(Frame::Text(text))) => {
                serde_json::from_str(&text).unwrap_or_else(|_| json!({"garbage": *text}))
            }
            Some(Ok(Frame::Close(frame))) => {
                json!({"close": frame.map(|frame| u16::from(frame.code))})
            }
            Some(Ok(Frame::Binary(bytes))) => json!({"binary": bytes.len()}),
            _ => json!({"end": true}),
        }
    }

    pub(crate) async fn next_op(&mut self, op: u64) -> Value {
        loop {
            let frame = self.next().await;
            if frame["op"] == op {
                return frame;
            }
            assert!(frame["op"].is_u64(), "waiting for op {op}, got {frame}");
        }
    }

    pub(crate) async fn identify(&mut self, token: &str) -> Value {
        self.next_op(10).await;
        self.send(identify(token)).await;
        self.next_op(0).await
    }
}

pub(crate) fn identify(token: &str) -> Value {
    json!({"op": 2, "d": {"token": token, "intents": 0, "properties": {"os": "linux", "browser": "hand", "device": "hand"}}})
}

/// A bot that is connected and has registered commands; interactions come from `next`.
pub(crate) struct Bot {
    pub(crate) rest: Rest,
    pub(crate) events: mpsc::UnboundedReceiver<Value>,
}

impl Bot {
    pub(crate) async fn start(discord: &Discord) -> Bot {
        let rest = Rest::new(discord);
        let url = rest.get("/gateway/bot").await["url"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut gateway = Gateway::open(&url).await;
        let ready = gateway.identify(&rest.token).await;
        assert_eq!(ready["t"], "READY");
        let (sender, events) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let Some(Ok(frame)) = gateway.socket.next().await else {
                    return;
                };
                let Ok(text) = frame.to_text() else { continue };
                let json: Value = serde_json::from_str(text).unwrap_or(Value::Null);
                if json["t"] == "INTERACTION_CREATE" && sender.send(json["d"].clone()).is_err() {
                    return;
                }
            }
        });
        let (status, body) = rest.register(HOME, commands()).await;
        assert_eq!(status, 200, "{body}");
        Bot { rest, events }
    }

    pub(crate) async fn next(&mut self) -> Value {
        tokio::time::timeout(Duration::from_secs(5), self.events.recv())
            .await
            .expect("an event")
            .expect("a gateway")
    }
}

pub(crate) async fn world() -> (Discord, Bot) {
    world_with(|_| {}).await
}

pub(crate) async fn world_with(change: impl FnOnce(&mut Setup)) -> (Discord, Bot) {
    let mut setup = Setup {
        patience: Duration::from_secs(3),
        ..Setup::home()
    };
    change(&mut setup);
    let discord = Discord::start(setup).await.unwrap();
    let bot = Bot::start(&discord).await;
    discord.bot_ready().await;
    (discord, bot)
}

/// A message body with the `allowed_mentions` of the house rule.
pub(crate) fn body(mut fields: Value) -> Value {
    fields["allowed_mentions"] = json!({"parse": []});
    fields
}

pub(crate) fn message(kind: u64, fields: Value) -> Value {
    json!({"type": kind, "data": body(fields)})
}

pub(crate) fn row(buttons: &Value) -> Value {
    json!([{"type": 1, "components": buttons}])
}

pub(crate) fn commands() -> Value {
    let guest = json!({"type": 3, "name": "guest", "description": "which", "required": true, "autocomplete": true});
    let reason = json!({"type": 3, "name": "reason", "description": "why"});
    json!([
        {"name": "vm", "description": "machines", "options": [
            {"type": 1, "name": "start", "description": "start one", "options": [guest, reason]},
            {"type": 1, "name": "list", "description": "all", "options": [
                {"type": 3, "name": "state", "description": "which", "choices": [
                    {"name": "Running", "value": "running"}, {"name": "Stopped", "value": "stopped"}]},
                {"type": 4, "name": "page", "description": "which", "min_value": 1, "max_value": 9}]}]},
        {"name": "access", "description": "rights", "options": [
            {"type": 2, "name": "rule", "description": "rules", "options": [
                {"type": 1, "name": "grant", "description": "give", "options": [
                    {"type": 6, "name": "who", "description": "whom", "required": true},
                    {"type": 8, "name": "role", "description": "which"}]}]}]},
        {"name": "help", "description": "help", "default_member_permissions": null},
        {"name": "secret", "description": "admins", "default_member_permissions": "0"}
    ])
}
