//! Embeds: lengths, counts, addresses, colours.

use serde_json::Value;

use crate::rest::error::{Findings, join};

const KEYS: &[&str] = &[
    "title",
    "type",
    "description",
    "url",
    "timestamp",
    "color",
    "footer",
    "image",
    "thumbnail",
    "video",
    "provider",
    "author",
    "fields",
];
const MOST_IN_ALL: usize = 6000;

pub(crate) fn check(embeds: &Value, path: &str, found: &mut Findings) {
    let list = match embeds {
        Value::Null => return,
        Value::Array(list) => list,
        _ => {
            return found.refuse(
                path,
                "LIST_TYPE_CONVERT",
                "Only iterables may be used in a ListType",
            );
        }
    };
    if list.len() > 10 {
        found.refuse(
            path,
            "BASE_TYPE_MAX_LENGTH",
            "Must be 10 or fewer in length.",
        );
    }
    let mut total = 0;
    for (n, embed) in list.iter().enumerate() {
        one(embed, &join(path, n), found);
        total += size(embed);
    }
    if total > MOST_IN_ALL {
        found.refuse(
            path,
            "MAX_EMBED_SIZE_EXCEEDED",
            "Embed size exceeds maximum size of 6000",
        );
    }
}

fn one(embed: &Value, path: &str, found: &mut Findings) {
    found.known_keys(path, embed, KEYS);
    text(&embed["title"], &join(path, "title"), 256, found);
    text(
        &embed["description"],
        &join(path, "description"),
        4096,
        found,
    );
    text(
        &embed["footer"]["text"],
        &join(path, "footer.text"),
        2048,
        found,
    );
    text(
        &embed["author"]["name"],
        &join(path, "author.name"),
        256,
        found,
    );
    found.known_keys(
        &join(path, "footer"),
        &embed["footer"],
        &["text", "icon_url", "proxy_icon_url"],
    );
    found.known_keys(
        &join(path, "author"),
        &embed["author"],
        &["name", "url", "icon_url", "proxy_icon_url"],
    );
    address(&embed["url"], &join(path, "url"), false, found);
    for picture in ["image", "thumbnail"] {
        let known = &["url", "proxy_url", "height", "width", "description"];
        found.known_keys(&join(path, picture), &embed[picture], known);
        address(
            &embed[picture]["url"],
            &join(path, format!("{picture}.url")),
            true,
            found,
        );
    }
    color_and_time(embed, path, found);
    fields(&embed["fields"], &join(path, "fields"), found);
    let pictured = ["image", "thumbnail"]
        .iter()
        .any(|key| embed[*key].is_object());
    if size(embed) == 0 && !pictured {
        found.refuse(
            &join(path, "description"),
            "BASE_TYPE_REQUIRED",
            "This field is required",
        );
    }
}

fn color_and_time(embed: &Value, path: &str, found: &mut Findings) {
    let color = &embed["color"];
    if !color.is_null() && color.as_u64().is_none_or(|color| color > 0x00FF_FFFF) {
        let text = "int value should be less than or equal to 16777215.";
        found.refuse(&join(path, "color"), "NUMBER_TYPE_MAX", text);
    }
    let stamp = &embed["timestamp"];
    if !stamp.is_null() && !stamp.as_str().is_some_and(is_stamp) {
        let text = "Could not parse. Should be ISO8601.";
        found.refuse(&join(path, "timestamp"), "DATE_TIME_TYPE_PARSE", text);
    }
}

fn is_stamp(text: &str) -> bool {
    let shape: String = text
        .chars()
        .take(19)
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00" || shape == "0000-00-00 00:00:00"
}

fn fields(fields: &Value, path: &str, found: &mut Findings) {
    let list = fields.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.len() > 25 {
        found.refuse(
            path,
            "BASE_TYPE_MAX_LENGTH",
            "Must be 25 or fewer in length.",
        );
    }
    for (n, field) in list.iter().enumerate() {
        let path = join(path, n);
        found.known_keys(&path, field, &["name", "value", "inline"]);
        for (key, most) in [("name", 256), ("value", 1024)] {
            let path = join(&path, key);
            text(&field[key], &path, most, found);
            if field[key]
                .as_str()
                .is_none_or(|text| text.trim().is_empty())
            {
                found.required(&path);
            }
        }
    }
}

/// Discord trims before it counts.
fn text(value: &Value, path: &str, most: usize, found: &mut Findings) {
    match value {
        Value::String(text) if text.trim().chars().count() > most => {
            found.refuse(
                path,
                "BASE_TYPE_MAX_LENGTH",
                format!("Must be {most} or fewer in length."),
            );
        }
        Value::Null | Value::String(_) => {}
        _ => found.refuse(path, "BASE_TYPE_STRING", "Could not interpret as string."),
    }
}

fn address(value: &Value, path: &str, attachments: bool, found: &mut Findings) {
    let Some(url) = value.as_str() else { return };
    let web = url.starts_with("http://") || url.starts_with("https://");
    let known = web || (attachments && url.starts_with("attachment://"));
    if !known {
        let text = format!("Scheme of \"{url}\" must be one of ('http', 'https').");
        found.refuse(path, "URL_TYPE_INVALID_SCHEME", text);
    }
    if url.chars().count() > 2048 {
        found.refuse(
            path,
            "BASE_TYPE_MAX_LENGTH",
            "Must be 2048 or fewer in length.",
        );
    }
}

fn size(embed: &Value) -> usize {
    let count = |value: &Value| value.as_str().map_or(0, |text| text.trim().chars().count());
    let fields = embed["fields"].as_array().into_iter().flatten();
    let in_fields: usize = fields
        .map(|field| count(&field["name"]) + count(&field["value"]))
        .sum();
    in_fields
        + count(&embed["title"])
        + count(&embed["description"])
        + count(&embed["footer"]["text"])
        + count(&embed["author"]["name"])
}
