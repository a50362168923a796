//! Text within Discord's limits: long bodies are split at line ends, and what does not fit into one
//! message goes into a file whole. Nothing is cut away.

use crate::embed::{Card, edge};

pub(super) const TITLE: usize = 256;
pub(super) const BODY: usize = 4096;
pub(super) const FOOTER: usize = 2048;
/// Over all embeds of a message.
pub(super) const TEXT: usize = 6000;
pub(super) const EMBEDS: usize = 10;

/// Begins and ends a block of code.
const FENCE: &str = "```";

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
    let mut parts: Vec<Card> = split_body(&body)
        .into_iter()
        .map(|body| Card {
            colour: card.colour,
            title: std::mem::take(&mut title),
            body,
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

/// The pieces of a body. A block of code that would be cut is closed, and goes on in the next piece:
/// open, its text would become formatting and links.
fn split_body(body: &str) -> Vec<String> {
    if fitting(body, BODY) == body.len() || !body.contains(FENCE) {
        return split(body, BODY).into_iter().map(str::to_owned).collect();
    }
    let mut inside = false;
    let mut pieces = Vec::new();
    for piece in split(body, BODY - 2 * (FENCE.len() + 1)) {
        let goes_on = if inside { "```\n" } else { "" };
        inside ^= piece.matches(FENCE).count() % 2 == 1;
        let end = if inside { "\n```" } else { "" };
        pieces.push(format!("{goes_on}{piece}{end}"));
    }
    pieces
}

/// Pieces of at most `most`, cut at line ends where there are any. At least one piece.
fn split(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let limit = fitting(rest, most);
        if limit == rest.len() {
            break;
        }
        let (end, next) = match rest[..limit].rfind('\n') {
            Some(line_end) if line_end > 0 => (line_end, line_end + 1),
            _ => {
                let limit = before_fence(rest, limit);
                (limit, limit)
            }
        };
        pieces.push(&rest[..end]);
        rest = &rest[next..];
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// A cut that would go through the marks of a block of code is made before them.
fn before_fence(text: &str, cut: usize) -> usize {
    let before = text[..cut].trim_end_matches('`').len();
    if before > 0 && text[before..].starts_with(FENCE) {
        before
    } else {
        cut
    }
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

    #[test]
    fn a_block_of_code_is_a_whole_one_in_each_piece() {
        let line = format!("{} **x** https://evil.example\n", "x".repeat(90));
        for text in [line.repeat(60), "x".repeat(9000), line.repeat(2000)] {
            for body in [
                format!("```\n{text}\n```"),
                format!("before\n```\n{text}```\nafter"),
                format!("{text}```\n{text}```"),
            ] {
                let pieces = split_body(&body);
                assert!(pieces.len() > 1);
                for piece in &pieces {
                    assert!(length(piece) <= BODY);
                    assert_eq!(piece.matches(FENCE).count() % 2, 0, "{piece}");
                }
                let letters = |text: &str| text.matches('x').count();
                let shown: usize = pieces.iter().map(|piece| letters(piece)).sum();
                assert_eq!(shown, letters(&body));
            }
        }
        assert_eq!(split("abc```de", 4), ["abc", "```d", "e"]);
        assert_eq!(split("abc```de", 5), ["abc", "```de"]);
    }

    #[test]
    fn a_very_long_text_takes_no_time() {
        // Many seconds if every piece looked at all that follows it.
        let began = std::time::Instant::now();
        let text = "💥 words\n".repeat(250_000);
        assert!(split(&text, BODY).len() > 400);
        let one_line = "x".repeat(2_000_000);
        assert!(split(&one_line, BODY).len() > 400);
        let took = began.elapsed();
        assert!(took < std::time::Duration::from_secs(4), "{took:?}");
    }
}
