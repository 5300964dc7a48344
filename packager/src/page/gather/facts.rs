//! The head of the page: what the program is, in labels and values.

use crate::inspect::Contents;

/// Labels and values.
pub fn facts(contents: &Contents) -> Vec<(String, String)> {
    let Contents { program, target, options, .. } = contents;
    let mut facts = vec![
        ("CPython", format!("{}{}", target.python, target.abi_flags)),
        ("Target", target.platform.clone()),
        ("Modules", thousands(contents.modules.len())),
        ("Distributions", contents.distributions.len().to_string()),
    ];
    if let Some(need) = &contents.portability.glibc {
        facts.push(("Oldest glibc", need.version.to_string()));
    }
    if let Some(need) = &contents.portability.instructions {
        facts.push(("Instructions", need.level.to_owned()));
    }
    if let Some(compress) = &options.compress {
        facts.push(("Compression", compress.clone()));
    }
    if program.entry != "__main__" {
        facts.push(("Runs", program.entry.clone()));
    }
    let mut words = Vec::new();
    if options.optimize > 0 {
        words.push(format!("optimize {}", options.optimize));
    }
    for (is_on, word) in [
        (!program.is_fused, "not fused"),
        (program.is_directory, "one directory"),
        (options.include_source == Some(true), "sources included"),
        (options.strip == Some(false), "not stripped"),
        (options.gc_during_imports, "gc during imports"),
    ] {
        if is_on {
            words.push(word.to_owned());
        }
    }
    if options.interpreter != "none" {
        words.push(format!("interpreter by {}", options.interpreter));
    }
    if !words.is_empty() {
        facts.push(("Options", words.join(", ")));
    }
    facts.into_iter().map(|(label, value)| (label.to_owned(), value)).collect()
}

/// `12,345`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The oldest glibc in a sentence; empty where nothing asks for one.
pub fn glibc(contents: &Contents) -> String {
    let Some(need) = &contents.portability.glibc else { return String::new() };
    let file = if need.file.is_empty() { "the executable itself" } else { need.file.as_str() };
    let others = match need.others {
        0 => String::new(),
        1 => " and one other file".to_owned(),
        count => format!(" and {count} others"),
    };
    let ask = if need.others == 0 { "asks" } else { "ask" };
    format!("Runs with glibc {} and later: {file}{others} {ask} for it.", need.version)
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1000, 1234567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
