//! The fake's events, as far as Discord's document knows them.
//!
//! The document is about REST: it has no `READY` and no `INTERACTION_CREATE`. It does know some objects
//! that the latter carries. All else in it is left to serenity, which reads it, and to the fake's own
//! tests, which compare it with Discord's documentation.

use serde_json::Value;

use super::leniency::Side;
use super::openapi::DISCORD;

/// What stands where in an interaction, and the schema that says how it looks.
const KNOWN: &[(&str, &str)] = &[
    ("/message", "MessageResponse"),
    ("/member", "GuildMemberResponse"),
    ("/user", "UserResponse"),
];

/// Everything in these dispatches that is not as the document says.
pub fn wrong_in(events: &[Value]) -> Vec<String> {
    events
        .iter()
        .filter(|event| event["t"] == "INTERACTION_CREATE")
        .flat_map(wrong)
        .collect()
}

fn wrong(event: &Value) -> Vec<String> {
    let objects = KNOWN
        .iter()
        .filter_map(|(place, schema)| Some((place, schema, event["d"].pointer(place)?)));
    let checked = objects.flat_map(|(place, schema, object)| {
        let wrong = DISCORD.wrong(
            Side::Discord,
            &format!("/components/schemas/{schema}"),
            object,
        );
        wrong
            .into_iter()
            .map(move |line| format!("INTERACTION_CREATE's {place}: {line}"))
    });
    checked.collect()
}
