//! What differs between machines and runs, out of a command's output: places, versions, sizes, times, counts.
//!
//! In: text that a command printed. Out: the same text with `[SIZE]` for an amount of bytes, `[TIME]` for one of time,
//! `[COUNT]` for how many modules or libraries there are, and a name for each of the texts that the test knows: the
//! current directory, the interpreter, its version. So a snapshot holds on any machine, and still shows every word.

use serde::{Deserialize, Serialize};

/// Texts to replace, and by what: the first that matches counts, so longer ones come first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Redactions(Vec<(String, String)>);

/// Units after a number, and what stands for both. Longer ones first.
const UNITS: &[(&str, &str)] = &[
    ("KiB", "[SIZE]"),
    ("MiB", "[SIZE]"),
    ("GiB", "[SIZE]"),
    ("bytes", "[SIZE]"),
    ("kB", "[SIZE]"),
    ("KB", "[SIZE]"),
    ("MB", "[SIZE]"),
    ("GB", "[SIZE]"),
    ("B", "[SIZE]"),
    ("ms", "[TIME]"),
    ("s", "[TIME]"),
    ("extension modules", "[COUNT] extension modules"),
    ("modules", "[COUNT] modules"),
    ("libraries", "[COUNT] libraries"),
    ("data files", "[COUNT] data files"),
    ("extension module", "[COUNT] extension modules"),
    ("module", "[COUNT] modules"),
    ("library", "[COUNT] libraries"),
    ("data file", "[COUNT] data files"),
];

impl Redactions {
    /// One more text, which is not empty.
    pub fn add(&mut self, text: impl Into<String>, name: &str) {
        let text = text.into();
        if !text.is_empty() {
            self.0.push((text, name.to_owned()));
            self.0.sort_by(|(one, _), (other, _)| (other.len(), one).cmp(&(one.len(), other)));
        }
    }

    /// The text without what differs. The glibc that an executable asks for is that of who has built its parts.
    pub fn apply(&self, text: &str) -> String {
        let redacted = self.without_amounts(text);
        let lines = redacted.split_inclusive('\n').map(|line| match line.strip_prefix("runs on   glibc ") {
            Some(_) => "runs on   glibc [VERSION] or newer ([FILE] asks for it)\n",
            None => line,
        });
        lines.collect()
    }

    fn without_amounts(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = ' ';
        while let Some(next) = rest.chars().next() {
            if let Some((known, name)) = self.0.iter().find(|(known, _)| rest.starts_with(known.as_str())) {
                result.push_str(name);
                rest = &rest[known.len()..];
                before = ']';
            } else if let Some((length, name)) =
                amount(rest).filter(|_| !before.is_alphanumeric() && before != '.')
            {
                result.push_str(name);
                rest = &rest[length..];
                before = ']';
            } else {
                result.push(next);
                rest = &rest[next.len_utf8()..];
                before = next;
            }
        }
        result
    }
}

/// An amount with a unit at the start of a text: its length in bytes, and what stands for it.
fn amount(text: &str) -> Option<(usize, &'static str)> {
    let digits = text.find(|character: char| !character.is_ascii_digit() && !",.".contains(character))?;
    if !text.starts_with(|character: char| character.is_ascii_digit()) {
        return None;
    }
    let unit = text[digits..].strip_prefix(' ').unwrap_or(&text[digits..]);
    let (known, name) = UNITS.iter().find(|(known, _)| {
        unit.strip_prefix(known).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
    })?;
    Some((text.len() - unit.len() + known.len(), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_replaced_with_their_units() {
        let none = Redactions::default();
        let cases = [
            ("dist/hello: 8.0 MB, 175 modules, 0.10 s\n", "dist/hello: [SIZE], [COUNT] modules, [TIME]\n"),
            ("1,024 bytes and 3B", "[SIZE] and [SIZE]"),
            ("22 extension modules", "[COUNT] extension modules"),
            ("1 library, 1 data file", "[COUNT] libraries, [COUNT] data files"),
            ("line 3, 0 to 2, v3s, 1.2.3s 12 sizes", "line 3, 0 to 2, v3s, [TIME] 12 sizes"),
            ("in 5ms.", "in [TIME]."),
            ("é 7 s", "é [TIME]"),
            ("", ""),
            (
                "a\nruns on   glibc 2.35 or newer (libx.so asks for it)\nb",
                "a\nruns on   glibc [VERSION] or newer ([FILE] asks for it)\nb",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(none.apply(text), expected);
        }
    }

    #[test]
    fn the_longest_text_counts() {
        let mut redactions = Redactions::default();
        redactions.add("/a", "[A]");
        redactions.add("/a/b", "[B]");
        redactions.add("", "[NEVER]");
        assert_eq!(redactions.apply("/a/b/c /a/c"), "[B]/c [A]/c");
    }
}
