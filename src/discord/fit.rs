//! Text within Discord's limits: long bodies are split at line ends, and what does not fit into one
//! message goes into a file whole. Nothing is cut away.

use crate::embed::{Card, edge};

pub(super) const TITLE: usize = 256;
pub(super) const BODY: usize = 4096;
pub(super) const FOOTER: usize = 2048;
/// Over all embeds of a message.
pub(super) const TEXT: usize = 6000;
pub(super) const EMBEDS: usize = 10;

/// The file's name.
pub(super) const WHOLE_ANSWER: &str = "answer.txt";

/// The cards as they fit into one message, and the whole text where they do not.
pub(super) fn laid_out(cards: &[Card]) -> (Vec<Card>, Option<String>) {
    let parts: Vec<Card> = cards.iter().flat_map(split_card).collect();
    if parts.len() <= EMBEDS && parts.iter().map(size).sum::<usize>() <= TEXT {
        return (parts, None);
    }
    let note = edge::continued(WHOLE_ANSWER);
    let mut room = TEXT - size(&note);
    let mut shown: Vec<Card> = Vec::new();
    for part in parts {
        match room.checked_sub(size(&part)) {
            Some(rest) if shown.len() < EMBEDS - 1 => room = rest,
            _ => break,
        }
        shown.push(part);
    }
    shown.push(note);
    (shown, Some(as_text(cards)))
}

/// One card as the embeds that it takes. A title or footer that is too long becomes body.
fn split_card(card: &Card) -> Vec<Card> {
    let mut title = card.title.clone();
    let mut body = card.body.clone();
    let mut footer = card.footer.clone().filter(|text| !text.trim().is_empty());
    if length(&title) > TITLE {
        body = format!("{}\n{body}", std::mem::take(&mut title));
    }
    if let Some(long) = footer.take_if(|text| length(text) > FOOTER) {
        body = format!("{body}\n{long}");
    }
    let mut parts: Vec<Card> = split(&body, BODY)
        .into_iter()
        .map(|body| Card {
            colour: card.colour,
            title: std::mem::take(&mut title),
            body: body.to_owned(),
            footer: None,
        })
        .collect();
    if let Some(last) = parts.last_mut() {
        last.footer = footer;
    }
    // Discord trims white space, and refuses an embed that is then empty.
    parts.retain(|part| {
        let blank = part.title.trim().is_empty() && part.body.trim().is_empty();
        !blank || part.footer.is_some()
    });
    parts
}

fn as_text(cards: &[Card]) -> String {
    let mut text = String::new();
    for card in cards {
        for part in [Some(&card.title), Some(&card.body), card.footer.as_ref()] {
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                text.push_str(part);
                text.push('\n');
            }
        }
        text.push('\n');
    }
    text
}

fn size(card: &Card) -> usize {
    length(&card.title) + length(&card.body) + card.footer.as_deref().map_or(0, length)
}

/// Discord's documents say characters and not which; UTF-16 units are never fewer than code points.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Pieces of at most `most`, cut at line ends where there are any. At least one piece.
fn split(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while length(rest) > most {
        let limit = fitting(rest, most);
        let (end, next) = match rest[..limit].rfind('\n') {
            Some(line_end) if line_end > 0 => (line_end, line_end + 1),
            _ => (limit, limit),
        };
        pieces.push(&rest[..end]);
        rest = &rest[next..];
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// The number of bytes of `text` that make at most `most` UTF-16 units.
fn fitting(text: &str, most: usize) -> usize {
    let mut units = 0;
    for (at, letter) in text.char_indices() {
        units += letter.len_utf16();
        if units > most {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_keeps_every_letter() {
        assert_eq!(split("", 4), [""]);
        assert_eq!(split("abc", 4), ["abc"]);
        assert_eq!(split("ab\ncd\nef", 5), ["ab", "cd\nef"]);
        assert_eq!(split("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(split("💥💥💥", 4), ["💥💥", "💥"]);
        assert_eq!(split("\nabcdef", 4), ["\nabc", "def"]);
    }
}
