//! The inventory for people: what the program is, what it needs, and a tree of what takes how much.

use std::fmt::Write as _;

use super::groups::{Item, groups};
use super::model::Contents;
use super::size::Size;
use crate::why::words::Plain;

/// How many items of each level are shown, unless all are.
const MOST_ITEMS: usize = 10;

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// All items of each level.
    pub all: bool,
    /// How many levels.
    pub depth: usize,
}

/// The inventory in words. Nothing in it speaks to the terminal, whatever the executable holds.
pub fn show(contents: &Contents, view: View) -> String {
    let mut text = head(contents);
    let is_built = contents.program.is_built;
    let total = if is_built { contents.sizes.total } else { contents.sizes.unpacked };
    let titles = if is_built {
        format!("{:>10} {:>6}  {:>10}", "IN FILE", "", "UNPACKED")
    } else {
        format!("{:>10}", "SIZE")
    };
    let _ = writeln!(text, "\n{titles}");
    let lines = Lines { view, total, is_built };
    lines.items(&groups(contents), 0, &mut text);
    text
}

/// What the program is and needs: one line each.
fn head(contents: &Contents) -> String {
    let (program, target, options) = (&contents.program, &contents.target, &contents.options);
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12}{}", Plain(&value));
    };
    let size = if program.is_built { contents.sizes.total } else { contents.sizes.unpacked };
    let kind = match (program.is_built, program.is_directory) {
        (true, false) => format!(", {} unpacked", Size(contents.sizes.unpacked)),
        (true, true) => ", a directory".into(),
        (false, _) => ", not built".into(),
    };
    line("program", format!("{}, {}{kind}", program.name, Size(size)));
    let main = contents.modules.iter().find(|module| module.name == program.entry);
    let file = main.map(|module| format!(", {}", module.file)).unwrap_or_default();
    let how = if program.entry_is_module { " as a module" } else { "" };
    line("runs", format!("{}{how}{file}", program.entry));
    let place = if program.is_fused { "part of the executable" } else { "loaded from the archive" };
    line("python", format!("CPython {}{}, {place}", target.python, target.abi_flags));
    line("target", target.platform.clone());
    for (name, value) in needs(contents) {
        line(name, value);
    }
    let mut built = vec![format!("--optimize {}", options.optimize)];
    built.extend(options.compress.as_ref().map(|how| format!("--compress {how}")));
    if options.interpreter != "none" {
        built.push(format!("--interpreter {}", options.interpreter));
    }
    let flags = [
        (options.include_source == Some(true), "--include-source"),
        (options.strip == Some(false), "--no-strip"),
        (options.gc_during_imports, "--gc-during-imports"),
        (!program.is_fused, "--no-fuse"),
        (program.is_directory, "--onedir"),
    ];
    built.extend(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| (*flag).to_owned()));
    line("built with", built.join(" "));
    let count =
        |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    line(
        "holds",
        [
            count(contents.modules.len(), "module", "modules"),
            count(contents.libraries.len(), "library", "libraries"),
            count(contents.files.len(), "file", "files"),
            count(contents.distributions.len(), "distribution", "distributions"),
        ]
        .join(", "),
    );
    let (left_out, missing) = (contents.left_out.len(), contents.missing.len());
    if left_out + missing > 0 {
        line("lacks", format!("{left_out} left out, {missing} not found: --json lists them"));
    }
    if let Some(checksum) = &program.checksum {
        line("archive", format!("format {}, checksum {checksum}", program.format));
    }
    text
}

/// What the program needs of the system that it runs on, as lines with a name.
pub fn needs(contents: &Contents) -> Vec<(&'static str, String)> {
    let portability = &contents.portability;
    let mut lines = Vec::new();
    if let Some(glibc) = &portability.glibc {
        let symbol = glibc.symbol.as_ref().map(|symbol| format!(", for {symbol}")).unwrap_or_default();
        let others = match glibc.others {
            0 => String::new(),
            1 => " and another file".into(),
            others => format!(" and {others} other files"),
        };
        let (version, asker) = (&glibc.version, glibc.asker());
        lines.push(("glibc", format!("{version} or newer, asked for by {asker}{others}{symbol}")));
        match &portability.glibc_to_start {
            Some(start) if start < version => lines.push(("", format!("{start} is enough to start"))),
            _ => {}
        }
    }
    if let Some(kernel) = &portability.kernel {
        lines.push(("kernel", format!("Linux {kernel} or newer")));
    }
    if let Some(need) = &portability.instructions {
        let file = if need.file.is_empty() { "the executable itself" } else { &need.file };
        lines.push(("processor", format!("{}, asked for by {file}", need.level)));
    }
    lines
}

struct Lines {
    view: View,
    total: u64,
    is_built: bool,
}

impl Lines {
    fn items(&self, items: &[Item], level: usize, text: &mut String) {
        if level >= self.view.depth {
            return;
        }
        let shown = if self.view.all { items.len() } else { MOST_ITEMS.min(items.len()) };
        // One line that says that there is one more would take as much room.
        let shown = if items.len() == shown + 1 { items.len() } else { shown };
        let (first, rest) = items.split_at(shown);
        for item in first {
            self.line(item.stored, item.size, level, &Plain(&item.label).to_string(), text);
            self.items(&item.items, level + 1, text);
        }
        if !rest.is_empty() {
            let sum = |of: fn(&Item) -> u64| rest.iter().map(of).fold(0, u64::saturating_add);
            let label = format!("… {} more", rest.len());
            self.line(sum(|item| item.stored), sum(|item| item.size), level, &label, text);
        }
    }

    fn line(&self, stored: u64, size: u64, level: usize, label: &str, text: &mut String) {
        let main = if self.is_built { stored } else { size };
        let share = format!("{:.1} %", main as f64 / self.total.max(1) as f64 * 100.0);
        let unpacked = if self.is_built { format!("{:>9}  ", Size(size)) } else { String::new() };
        let indent = 2 * level;
        let _ = writeln!(text, "{:>10} {share:>7}  {unpacked}{:indent$}{label}", Size(main), "");
    }
}
