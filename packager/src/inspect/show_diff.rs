//! What changed between two executables, for people.

use std::fmt::Write as _;

use super::diff::{Amount, Change, Difference};
use super::size::Size;
use crate::why::words::Plain;

/// How many changes of each kind are shown, unless all are.
const MOST_CHANGES: usize = 10;

/// What changed, in words: the whole, then facts, distributions, modules, libraries and files, what changed most first.
pub fn show(difference: &Difference, all: bool) -> String {
    let (before, after) = (difference.sizes.before.total, difference.sizes.after.total);
    let (first, second) = (Plain(&difference.before), Plain(&difference.after));
    let growth = Growth(after as i64 - before as i64);
    let mut text = format!("{first} -> {second}: {} -> {}, {growth}", Size(before), Size(after));
    if before != after {
        let percent = (after as f64 / before.max(1) as f64 - 1.0) * 100.0;
        let _ = write!(text, ", {percent:+.1} %");
    }
    text.push('\n');
    if difference.is_same {
        text.push_str("no difference\n");
        return text;
    }
    if !difference.facts.is_empty() {
        text.push('\n');
    }
    for fact in &difference.facts {
        let word =
            |value: &str| if value.is_empty() { "unknown".to_owned() } else { Plain(value).to_string() };
        let _ = writeln!(text, "  {:<18}{} -> {}", fact.name, word(&fact.before), word(&fact.after));
    }
    let lists = [
        ("distributions", &difference.distributions),
        ("modules", &difference.modules),
        ("libraries", &difference.libraries),
        ("files", &difference.files),
    ];
    for (title, changes) in lists {
        list(title, changes, all, &mut text);
    }
    if difference.facts.is_empty() && lists.iter().all(|(_, changes)| changes.is_empty()) {
        text.push_str("the same contents, stored in another way\n");
    }
    text
}

fn list(title: &str, changes: &[Change], all: bool, text: &mut String) {
    if changes.is_empty() {
        return;
    }
    let count = |is_it: fn(&Change) -> bool| changes.iter().filter(|change| is_it(change)).count();
    let kinds = [
        (count(|change| change.before.is_none()), "new"),
        (count(|change| change.after.is_none()), "gone"),
        (count(|change| change.before.is_some() && change.after.is_some()), "changed"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let growth: i64 = changes.iter().map(Change::growth).fold(0, i64::saturating_add);
    let kinds: Vec<String> = kinds.collect();
    let _ = writeln!(text, "\n{title}: {}, {}", kinds.join(", "), Growth(growth));
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_by_key(|change| (std::cmp::Reverse(change.growth().unsigned_abs()), change.name.as_str()));
    let shown = if all || sorted.len() <= MOST_CHANGES + 1 { sorted.len() } else { MOST_CHANGES };
    for change in &sorted[..shown] {
        let sign = match (&change.before, &change.after) {
            (None, _) => '+',
            (_, None) => '-',
            _ => '~',
        };
        let size = |amount: &Option<Amount>| {
            amount.as_ref().map(|amount| Size(amount.stored).to_string()).unwrap_or_default()
        };
        let (before, after) = (size(&change.before), size(&change.after));
        let growth = Growth(change.growth()).to_string();
        let _ = writeln!(text, "  {sign} {growth:>10}  {before:>9} {after:>9}  {}", Plain(&titled(change)));
    }
    if shown < sorted.len() {
        let rest: i64 = sorted[shown..].iter().map(|change| change.growth()).fold(0, i64::saturating_add);
        let (growth, count) = (Growth(rest).to_string(), sorted.len() - shown);
        let _ = writeln!(text, "    {growth:>10}  {:>9} {:>9}  … {count} more", "", "");
    }
}

/// The name, with the versions of a distribution.
fn titled(change: &Change) -> String {
    let version = |amount: &Option<Amount>| amount.as_ref().and_then(|amount| amount.version.clone());
    match (version(&change.before), version(&change.after)) {
        (Some(before), Some(after)) if before != after => format!("{} {before} -> {after}", change.name),
        (Some(version), _) | (None, Some(version)) => format!("{} {version}", change.name),
        (None, None) => change.name.clone(),
    }
}

/// A size with a sign.
struct Growth(i64);

impl std::fmt::Display for Growth {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(bytes) = *self;
        let sign = if bytes < 0 { "-" } else { "+" };
        write!(formatter, "{sign}{}", Size(bytes.unsigned_abs()))
    }
}
