//! Strings that may name modules.
//!
//! Frameworks import by names that somebody else wrote down: `INSTALLED_APPS = ["django.contrib.auth"]`,
//! `import_module(f"anyio._backends._{name}")`. Strings in the form of such a name are noted here with what tells
//! whether they are meant as one; the graph keeps those that lead to a module.
//!
//! Left out are docstrings, annotations, what is compared, raised or logged, and the names of loggers and attributes,
//! which may be modules' names without being imports.

use ruff_python_ast::{Expr, ExprCall, ExprStringLiteral, FStringPart, InterpolatedStringElement, Operator};
use ruff_text_size::{Ranged, TextSize};

use super::visit::{Reader, absolute};
use super::{Form, Made, NamedModule};

/// The longest string that is looked at, in bytes.
const MAX_NAME: usize = 200;
/// How many texts and holes a template may have.
const MAX_PIECES: usize = 16;
/// How many names are kept of one module; data in the form of source has more.
const MAX_NAMES: usize = 20_000;

/// A part of a string that is put together when the program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Hole,
}

impl<'a> Reader<'a, '_> {
    /// A string literal that is no docstring.
    pub(super) fn note_string(&mut self, literal: &'a ExprStringLiteral) {
        let text = literal.value.to_str();
        self.note_library_string(text, literal.start());
        if self.skips_names {
            return;
        }
        let is_file =
            |stem: &&str| is_identifier(stem) && !matches!(*stem, "__init__" | "__main__" | "setup");
        if let Some(stem) = text.strip_suffix(".py").filter(is_file) {
            return self.note_form(Form::File(stem.to_owned()), literal.start());
        }
        if text.ends_with(".py") {
            return;
        }
        if !may_be_name(text) {
            if self.words.groups && may_be_group(text) {
                self.note_form(Form::Group(text.to_owned()), literal.start());
            }
            return;
        }
        if let Some(form) = form_of(text, self.module.package) {
            self.note_form(form, literal.start());
        }
    }

    /// An f-string, a sum, a `%` or a `format`: what is known of the string that it makes.
    pub(super) fn note_computed(&mut self, expression: &'a Expr) {
        if self.skips_names {
            return;
        }
        if let Some(texts) = self.template(expression)
            && texts.iter().any(|text| text.contains('.'))
        {
            self.note_form(Form::Template { texts, made: Made::Computed }, expression.start());
        }
    }

    /// The name in a call that imports, put together of known and unknown parts. Whether it says anything.
    pub(super) fn note_imported_template(
        &mut self,
        name: &'a Expr,
        level: u32,
        package: Option<&str>,
    ) -> bool {
        let Some(mut texts) = self.template(name) else { return false };
        let Some(first) = texts.first_mut() else { return false };
        let relative = first.trim_start_matches('.');
        let dots = u32::try_from(first.len() - relative.len()).unwrap_or(u32::MAX);
        let above = if dots > 0 { dots } else { level };
        if above > 0 {
            let Some(base) = package.and_then(|package| absolute("", above, package)) else { return false };
            *first = format!("{base}.{relative}");
        }
        if first.is_empty() {
            return false;
        }
        self.note_form(Form::Template { texts, made: Made::Imported }, name.start());
        true
    }

    /// `iter_modules(__path__)`, `walk_packages(pkg.__path__)` and the like. What else they are given is taken for a
    /// directory in the module's own package.
    pub(super) fn note_iteration(&mut self, call: &'a ExprCall) {
        let named = call.arguments.find_argument_value("path", 0).and_then(|path| match path {
            Expr::Attribute(attribute) if attribute.attr.as_str() == "__path__" => {
                self.scopes().path(&attribute.value)
            }
            _ => None,
        });
        let package = named.unwrap_or_else(|| self.module.package.to_owned());
        if !package.is_empty() {
            self.note_form(Form::Below(package), call.start());
        }
    }

    /// Reads the elements of a list, tuple, set or dictionary: names beside each other are of one kind.
    pub(super) fn in_collection(&mut self, read: impl FnOnce(&mut Self)) {
        let outer = self.collection;
        self.collections += 1;
        self.collection = self.collections;
        read(self);
        self.collection = outer;
    }

    /// Reads what names modules without importing them.
    pub(super) fn without_names(&mut self, read: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.skips_names, true);
        read(self);
        self.skips_names = outer;
    }

    fn note_form(&mut self, form: Form, at: TextSize) {
        if self.found.names.len() < MAX_NAMES {
            let line = self.line(at);
            self.found.names.push(NamedModule { form, collection: self.collection, line });
        }
    }

    /// At the end of the module: files that are named are modules only where some are run, or their places told.
    pub(super) fn finish_names(&mut self) {
        if !self.runs_files && !self.words.place {
            self.found.names.retain(|named| !matches!(named.form, Form::File(_)));
        }
    }

    /// The known texts around the unknown parts of a computed name, or nothing if it can be no name, is known, or
    /// starts with what is unknown.
    fn template(&self, expression: &'a Expr) -> Option<Vec<String>> {
        let mut pieces = Vec::new();
        self.pieces(expression, &mut pieces)?;
        let mut texts = vec![String::new()];
        let mut was_hole = false;
        for piece in pieces {
            match piece {
                Piece::Text(text) if text.is_empty() => {}
                Piece::Text(text) => {
                    texts.last_mut()?.push_str(&text);
                    was_hole = false;
                }
                Piece::Hole if was_hole => {}
                Piece::Hole => {
                    texts.push(String::new());
                    was_hole = true;
                }
            }
        }
        let is_of_names = texts.iter().all(|text| text.chars().all(|c| is_in_name(c) || c == '.'));
        (texts.len() > 1 && is_of_names && texts.first().is_some_and(|first| !first.is_empty()))
            .then_some(texts)
    }

    /// Takes an expression apart; `None` if it has too many parts.
    fn pieces(&self, expression: &'a Expr, pieces: &mut Vec<Piece>) -> Option<()> {
        if pieces.len() > MAX_PIECES {
            return None;
        }
        match expression {
            Expr::FString(string) => {
                for part in &string.value {
                    match part {
                        FStringPart::Literal(literal) => pieces.push(Piece::Text(literal.to_string())),
                        FStringPart::FString(string) => {
                            for element in &string.elements {
                                match element {
                                    InterpolatedStringElement::Literal(literal) => {
                                        pieces.push(Piece::Text(literal.value.to_string()));
                                    }
                                    InterpolatedStringElement::Interpolation(hole) => {
                                        pieces.push(self.piece(&hole.expression));
                                    }
                                }
                            }
                        }
                    }
                }
            }
            Expr::BinOp(sum) if sum.op == Operator::Add => {
                self.pieces(&sum.left, pieces)?;
                self.pieces(&sum.right, pieces)?;
            }
            Expr::BinOp(format) if format.op == Operator::Mod => {
                let template = self.conditions().string(&format.left)?;
                let values: &'a [Expr] = match &*format.right {
                    Expr::Tuple(tuple) => &tuple.elts,
                    value => std::slice::from_ref(value),
                };
                self.fill(&template, values, pieces)?;
            }
            Expr::Call(call) => match (&*call.func, &*call.arguments.args) {
                (Expr::Attribute(method), values) if method.attr.as_str() == "format" => {
                    match self.conditions().string(&method.value) {
                        Some(template) => self.fill(&template, values, pieces)?,
                        None => pieces.push(Piece::Hole),
                    }
                }
                (
                    Expr::Attribute(method),
                    [
                        Expr::List(ruff_python_ast::ExprList { elts, .. })
                        | Expr::Tuple(ruff_python_ast::ExprTuple { elts, .. }),
                    ],
                ) if method.attr.as_str() == "join" && is_dot(&method.value) => {
                    for (at, element) in elts.iter().enumerate() {
                        if at > 0 {
                            pieces.push(Piece::Text(".".to_owned()));
                        }
                        self.pieces(element, pieces)?;
                    }
                }
                _ => pieces.push(self.piece(expression)),
            },
            _ => pieces.push(self.piece(expression)),
        }
        Some(())
    }

    fn piece(&self, expression: &'a Expr) -> Piece {
        self.conditions().string(expression).map_or(Piece::Hole, Piece::Text)
    }

    /// Puts positional values into the places of a `%` or `format` template.
    fn fill(&self, template: &str, values: &'a [Expr], pieces: &mut Vec<Piece>) -> Option<()> {
        let mut values = values.iter();
        for (at, text) in places(template)?.into_iter().enumerate() {
            if at > 0 {
                pieces.push(values.next().map_or(Piece::Hole, |value| self.piece(value)));
            }
            pieces.push(Piece::Text(text));
        }
        Some(())
    }
}

/// A name's form, if the text has one.
fn form_of(text: &str, package: &str) -> Option<Form> {
    let is_dotted = |name: &str| name.split('.').all(is_identifier);
    if let Some((module, attribute)) = text.split_once(':') {
        let is_pair = is_dotted(module) && is_dotted(attribute);
        return is_pair.then(|| Form::Dotted { name: module.to_owned(), has_attribute: true });
    }
    if is_identifier(text) {
        return Some(Form::Word(text.to_owned()));
    }
    if is_dotted(text) {
        return Some(Form::Dotted { name: text.to_owned(), has_attribute: false });
    }
    let relative = text.trim_start_matches('.');
    let level = u32::try_from(text.len() - relative.len()).ok()?;
    if level > 0 {
        return absolute(relative, level, package).filter(|_| is_dotted(relative)).map(Form::Relative);
    }
    let texts = match text.strip_suffix('.') {
        Some(_) => vec![text.to_owned(), String::new()],
        None => places(text)?,
    };
    let is_template = texts.len() > 1
        && texts.iter().any(|text| text.contains('.'))
        && texts.iter().all(|text| text.chars().all(|c| is_in_name(c) || c == '.'))
        && texts.first().is_some_and(|first| !first.is_empty());
    is_template.then_some(Form::Template { texts, made: Made::Unfinished })
}

/// The texts around the places of a `%` or `format` template; `None` where one is not a plain string's.
fn places(template: &str) -> Option<Vec<String>> {
    let mut texts = vec![String::new()];
    let mut rest = template;
    while let Some(at) = rest.find(['%', '{', '}']) {
        let (before, place) = rest.split_at(at);
        texts.last_mut()?.push_str(before);
        rest = match place.strip_prefix('%') {
            // Flags, width and precision, then the conversion: `%s`, `%d`, `%03x`.
            Some(rest) => rest
                .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.'))
                .strip_prefix(['s', 'd', 'i', 'u', 'o', 'x', 'X'])?,
            None => place.strip_prefix('{')?.split_once('}')?.1,
        };
        texts.push(String::new());
    }
    texts.last_mut()?.push_str(rest);
    Some(texts)
}

/// A quick look: most strings are no names.
fn may_be_name(text: &str) -> bool {
    let is_possible = |c: char| is_in_name(c) || matches!(c, '.' | ':' | '%' | '{' | '}');
    (2..=MAX_NAME).contains(&text.len()) && text.chars().all(is_possible)
}

/// Whether a string that is no module's name may be a group's (entry points specification: words joined by dots; names
/// with dashes and colons are in use).
fn may_be_group(text: &str) -> bool {
    let is_possible = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/');
    (2..=MAX_NAME).contains(&text.len()) && text.chars().all(is_possible)
}

fn is_identifier(part: &str) -> bool {
    part.chars().next().is_some_and(|first| first == '_' || first.is_alphabetic())
        && part.chars().all(is_in_name)
}

fn is_in_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn is_dot(expression: &Expr) -> bool {
    expression.as_string_literal_expr().is_some_and(|literal| literal.value.to_str() == ".")
}

/// Whether a function of this name takes strings that are compared or told, or names of attributes or loggers.
pub(super) fn names_no_modules(call: &ExprCall) -> bool {
    let name = match &*call.func {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return false,
    };
    matches!(
        name,
        "getLogger"
            | "get_logger"
            | "startswith"
            | "endswith"
            | "removeprefix"
            | "removesuffix"
            | "hasattr"
            | "getattr"
            | "setattr"
            | "delattr"
            | "warn"
            | "filterwarnings"
            | "TypeVar"
            | "debug"
            | "info"
            | "warning"
            | "error"
            | "exception"
    )
}
