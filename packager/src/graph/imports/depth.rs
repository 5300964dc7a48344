//! Refuses sources that would exhaust the stack, before a tree is built of them.
//!
//! The parser grows its own stack, but the walk over the tree and its release recurse on the caller's; a
//! source of a few kilobytes, `-----…1` or `((((…`, would end the process. CPython refuses such code as well,
//! with limits that vary by version, so the answer is "ask the interpreter", not "wrong".
//!
//! The count is taken from the tokens of the parser's own lexer, which does not recurse: strings, comments,
//! continued lines and nested f-strings are then seen exactly as the parser will see them. What it bounds is
//! the height of the tree:
//!
//! - brackets, with the braces and quotes of f-strings: each level once;
//! - indentation: each level is a compound statement;
//! - *links*: tokens each of which may add a level without a bracket, `not not x`, `a.b.c`, `f()()()`, `a+b+c`.
//!   They are counted over the open brackets of a logical line. A comma ends the operands of its bracket, so
//!   that a table of a hundred thousand negative numbers is not deep; `lambda`, `yield`, `async` and `:=`
//!   can reach past a comma and stay counted until their bracket closes.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

use super::ReadError;

/// The largest source that is read, in bytes.
pub(super) const MAX_BYTES: usize = 4 << 20;
/// The most brackets open at once.
pub(super) const MAX_BRACKETS: usize = 200;
/// The most levels of indentation.
pub(super) const MAX_INDENTATION: usize = 100;
/// The most links open at once.
pub(super) const MAX_LINKS: usize = 20_000;

/// Refuses sources larger than [`MAX_BYTES`].
pub(super) fn check_size(source: &[u8]) -> Result<(), ReadError> {
    if source.len() > MAX_BYTES { Err(ReadError::TooDeep) } else { Ok(()) }
}

/// Refuses sources whose tree would be higher than the limits above allow.
pub(super) fn check_nesting(text: &str) -> Result<(), ReadError> {
    let mut lexer = lexer::lex(text, Mode::Module);
    let mut line = LogicalLine::default();
    let mut indentation = 0_usize;
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return Ok(()),
            TokenKind::Newline => line.clear(),
            TokenKind::Indent => indentation += 1,
            TokenKind::Dedent => indentation = indentation.saturating_sub(1),
            token => line.add(token),
        }
        if indentation > MAX_INDENTATION || line.is_too_deep() {
            return Err(ReadError::TooDeep);
        }
    }
}

/// Links met inside one bracket.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Those that the next comma ends.
    until_comma: usize,
    /// Those that only the closing bracket ends.
    until_closed: usize,
}

/// The brackets that are open in a logical line, and the links in them.
#[derive(Default)]
struct LogicalLine {
    /// The innermost bracket, or the line itself.
    current: Level,
    /// The brackets around it.
    outer: Vec<Level>,
    /// The links of all levels.
    links: usize,
}

impl LogicalLine {
    fn clear(&mut self) {
        self.current = Level::default();
        self.outer.clear();
        self.links = 0;
    }

    fn is_too_deep(&self) -> bool {
        self.outer.len() > MAX_BRACKETS || self.links > MAX_LINKS
    }

    fn add(&mut self, token: TokenKind) {
        match token {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                self.link();
                self.open();
            }
            TokenKind::FStringStart | TokenKind::TStringStart => self.open(),
            TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd => self.close(),
            TokenKind::Comma => {
                self.links -= self.current.until_comma;
                self.current.until_comma = 0;
            }
            TokenKind::Lambda
            | TokenKind::Yield
            | TokenKind::From
            | TokenKind::Async
            | TokenKind::ColonEqual => {
                self.current.until_closed += 1;
                self.links += 1;
            }
            TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringMiddle
            | TokenKind::TStringMiddle
            | TokenKind::Comment
            | TokenKind::NonLogicalNewline
            | TokenKind::Colon
            | TokenKind::Semi => {}
            // Operators, keywords, and what only broken sources have: each may be a level.
            _ => self.link(),
        }
    }

    fn link(&mut self) {
        self.current.until_comma += 1;
        self.links += 1;
    }

    fn open(&mut self) {
        self.outer.push(std::mem::take(&mut self.current));
    }

    /// A bracket that closes nothing is the parser's to report.
    fn close(&mut self) {
        if let Some(outer) = self.outer.pop() {
            self.links -= self.current.until_comma + self.current.until_closed;
            self.current = outer;
        }
    }
}
