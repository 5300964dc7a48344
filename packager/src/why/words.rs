//! Rules and reasons in words, one line a step: who, then what it does.
//!
//! Names come from files that anybody may have written: what a terminal would take for a command is shown escaped.

use std::fmt::{self, Write};

use super::chain::{Node, Step};
use super::{Asker, Reasons};
use crate::graph::{Given, Rule};

/// The widest first column; what is longer pushes the second one to the right.
const WIDEST: usize = 40;

/// Text in which control characters are escaped.
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() {
                write!(formatter, "{}", character.escape_default())?;
            } else {
                formatter.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Who, and what it does.
pub type Line = (String, String);

/// Lines in two columns, indented.
pub fn columns(lines: &[Line]) -> String {
    let widths = lines.iter().map(|(who, _)| who.chars().count());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or_default();
    let mut text = String::new();
    for (who, does) in lines {
        let _ = writeln!(text, "  {:width$}  {}", Plain(who).to_string(), Plain(does));
    }
    text
}

/// A step in words; `to` is where it leads.
pub fn of_step(reasons: &Reasons, step: &Step, to: Node) -> Line {
    let name = name(reasons, to);
    match step {
        Step::Given(given) => of_given(given, name),
        Step::Libpython => ("CPython".into(), format!("is in {name}")),
        Step::Edge(from, place) => {
            let Some(module) = reasons.modules.get(*from) else { return Line::default() };
            let Some(edge) = module.edges.get(*place) else { return Line::default() };
            let who = match edge.rule {
                // The line is one of the stub beside the module.
                Rule::Stub => location(reasons, *from, edge.line).replacen(".py:", ".pyi:", 1),
                _ => location(reasons, *from, edge.line),
            };
            (who, of_rule(edge.rule, name, edge.text.as_deref()))
        }
        Step::Parent(from) => (location(reasons, *from, 0), format!("is in the package {name}")),
        Step::Needs(Node::Module(from)) => (location(reasons, *from, 0), format!("needs {name}")),
        Step::Needs(from) => (self::name(reasons, *from).to_owned(), format!("needs {name}")),
    }
}

/// An import that was not followed, or whose module was not found.
pub fn of_asker(reasons: &Reasons, asker: &Asker, name: &str) -> Line {
    let who = match reasons.module(&asker.from) {
        Some(number) => location(reasons, number, asker.line),
        None => asker.from.clone(),
    };
    (who, asker.rule.map_or_else(|| format!("asks for {name}"), |rule| of_rule(rule, name, None)))
}

/// The name by which a module or library is known.
pub fn name(reasons: &Reasons, node: Node) -> &str {
    match node {
        Node::Module(number) => reasons.modules.get(number).map_or("", |module| module.name.as_str()),
        Node::Library(number) => reasons.libraries.get(number).map_or("", |library| library.name.as_str()),
    }
}

/// `pkg/mod.py:3`; a module without a file by its name.
fn location(reasons: &Reasons, number: usize, line: u32) -> String {
    let Some(module) = reasons.modules.get(number) else { return String::new() };
    let file = if module.file.is_empty() { &module.name } else { &module.file };
    if line == 0 { file.clone() } else { format!("{file}:{line}") }
}

fn of_rule(rule: Rule, name: &str, text: Option<&str>) -> String {
    // A string that is just the name need not be said twice.
    let text = text.filter(|text| *text != name);
    let quoted = |before: &str| text.map(|text| format!("{before}\"{text}\"")).unwrap_or_default();
    let plain = |before: &str| text.map(|text| format!("{before}{text}")).unwrap_or_default();
    match rule {
        Rule::Import => format!("imports {name}"),
        Rule::Call => format!("imports {name}, by a call"),
        Rule::Optional => format!("imports {name}, in a try"),
        Rule::Deferred => format!("imports {name}, in a function"),
        Rule::Observed => format!("imports {name}, seen when it was loaded"),
        Rule::Implicit => format!("needs {name}: {}", text.unwrap_or("it imports it when it is used")),
        Rule::Traced => format!("imports {name}, seen in a traced run"),
        Rule::Hook => format!("needs {name}, by a hook{}", plain(": ")),
        Rule::Stub => format!("imports {name}, in the type stub of its module"),
        Rule::String => format!("names {name} in a string{}", quoted(": ")),
        Rule::Template => format!("names {name} by a pattern{}", quoted(": ")),
        Rule::Below => format!("looks into {}, where {name} is", text.unwrap_or("its package")),
        Rule::EntryPoint => format!("asks for entry points{}, one is in {name}", quoted(" ")),
        Rule::Native => format!("has {name} in a string of its file{}", quoted(": ")),
    }
}

fn of_given(given: &Given, name: &str) -> Line {
    match given {
        Given::Entry => ("the program".into(), format!("is {name}")),
        Given::Start => ("CPython".into(), format!("imports {name} itself, to start or when it needs it")),
        Given::Children => ("multiprocessing".into(), format!("needs {name} in helper processes")),
        Given::Interpreter => ("--interpreter".into(), format!("needs {name}, which python has")),
        Given::Option(option) => (option.clone(), format!("asks for {name}")),
        Given::Hook(file) => (file.clone(), format!("asks for {name}")),
        Given::Traced => ("--trace".into(), format!("saw {name} imported")),
    }
}
