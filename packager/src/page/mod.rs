//! The report: one HTML page about a program, which loads nothing from elsewhere.
//!
//! In: what is in the program, and why ([`gather`] makes [`Page`] of it). Out: the page: the files of `report_page/` with
//! the data in them, as JSON. The same program gives the same bytes.
//!
//! Names of modules and files are whatever strangers have written. They are in the JSON only, in which nothing ends the
//! element that it is in; the page's scripts make text of them, never markup. Should one of them get through anyway, the
//! page's policy runs no script but its own, and lets nothing be loaded.

pub mod data;
pub mod gather;

use data::Page;

/// The parts of the page's script, in the order in which they run.
const SCRIPTS: &[&str] = &[
    include_str!("../report_page/elements.js"),
    include_str!("../report_page/model.js"),
    include_str!("../report_page/squarify.js"),
    include_str!("../report_page/treemap.js"),
    include_str!("../report_page/table.js"),
    include_str!("../report_page/imports.js"),
    include_str!("../report_page/neighbourhood.js"),
    include_str!("../report_page/search.js"),
    include_str!("../report_page/lists.js"),
    include_str!("../report_page/main.js"),
];

const STYLE: &str = include_str!("../report_page/style.css");
const FRAME: &str = include_str!("../report_page/page.html");

/// Characters of a nonce.
const NONCE: usize = 32;

/// The page.
///
/// # Errors
/// When there is no memory for it.
pub fn render(page: &Page) -> Result<String, serde_json::Error> {
    let json = in_script(&serde_json::to_string(page)?);
    // It follows from what is in the page, so that equal pages are equal bytes. Who writes a name into the page cannot know
    // it: it changes with the name.
    let nonce: String = blake3::hash(json.as_bytes()).to_hex().chars().take(NONCE).collect();
    let title = in_markup(&format!("{} – snapfreeze report", page.title));
    let made = page.made.as_ref().map(|made| format!(" on {}", in_markup(made))).unwrap_or_default();
    let script = SCRIPTS.join("\n");
    let values = [
        ("nonce", nonce.as_str()),
        ("version", env!("CARGO_PKG_VERSION")),
        ("title", &title),
        ("style", STYLE),
        ("made", &made),
        ("data", &json),
        ("script", &script),
    ];
    Ok(filled(FRAME, &values))
}

/// A text with its `{{names}}` replaced, in one pass: what is put in is not looked at.
fn filled(frame: &str, values: &[(&str, &str)]) -> String {
    let length: usize = values.iter().map(|(_, value)| value.len()).sum();
    let mut text = String::with_capacity(frame.len() + length);
    let mut pieces = frame.split("{{");
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or(("", piece));
        let value = values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        text.push_str(value);
        text.push_str(rest);
    }
    text
}

/// JSON that can stand in a `<script>`: outside of its strings none of these characters occurs, inside they may be escaped.
/// A `<` would begin the end of the element, or a comment in which that end is not seen (HTML, "Restrictions for contents
/// of script elements").
fn in_script(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => text.push(other),
        }
    }
    text
}

/// Text that can stand in an element or an attribute.
fn in_markup(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            unseen if is_unseen(unseen) => safe.extend(unseen.escape_default()),
            other => safe.push(other),
        }
    }
    safe
}

/// Control characters, ends of lines, and what turns the direction of a text.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

#[cfg(test)]
mod tests;
