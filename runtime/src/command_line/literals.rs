//! Whether a text is the arguments of a call, all of them literals as Python's `repr` writes them.
//!
//! Numbers, strings, bytes, None, True, False, and lists, tuples, sets and dictionaries of them; `name=…` and `**{…}`
//! among the arguments. No space but after `,` and `:`, as `repr` has it. What it accepts, `ast.literal_eval` can
//! read; what has any other expression in it, it refuses.

/// Deepest nesting: what multiprocessing passes has two levels.
const DEEPEST: usize = 16;

/// Whether a text is `(ARGUMENTS)`.
pub fn is_call(text: &[u8]) -> bool {
    let mut scanner = Scanner { rest: text };
    scanner.skip(b"(")
        && scanner.list(b')', |scanner| {
            if scanner.skip(b"**") {
                return scanner.value(DEEPEST);
            }
            let start = scanner.rest;
            let is_named = scanner.identifier() && scanner.skip(b"=");
            if !is_named {
                scanner.rest = start;
            }
            scanner.value(DEEPEST)
        })
        && scanner.rest.is_empty()
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl Scanner<'_> {
    /// Steps over a text, if it is next.
    fn skip(&mut self, text: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Steps over bytes of a kind; says whether there were any.
    fn skip_all(&mut self, is_kind: impl Fn(&u8) -> bool) -> bool {
        let length = self.rest.iter().position(|byte| !is_kind(byte)).unwrap_or(self.rest.len());
        self.rest = &self.rest[length..];
        length > 0
    }

    fn identifier(&mut self) -> bool {
        let starts = self.rest.first().is_some_and(|first| !first.is_ascii_digit());
        starts && self.skip_all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    }

    /// Items with commas between them, up to the closing bracket. A comma may be last.
    fn list(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> bool) -> bool {
        loop {
            if self.skip(&[close]) {
                return true;
            }
            if !item(self) {
                return false;
            }
            if self.skip(&[close]) {
                return true;
            }
            if !self.skip(b",") {
                return false;
            }
            self.skip(b" ");
        }
    }

    fn value(&mut self, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.rest.first().copied() {
            Some(b'[') => self.skip(b"[") && self.list(b']', |scanner| scanner.value(depth)),
            Some(b'(') => self.skip(b"(") && self.list(b')', |scanner| scanner.value(depth)),
            Some(b'{') => {
                self.skip(b"{")
                    && self.list(b'}', |scanner| {
                        scanner.value(depth)
                            && (!scanner.skip(b":") || {
                                scanner.skip(b" ");
                                scanner.value(depth)
                            })
                    })
            }
            Some(b'\'' | b'"') => self.string(),
            Some(b'b') => self.skip(b"b") && self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => [b"None".as_slice(), b"True", b"False"].into_iter().any(|name| self.skip(name)),
        }
    }

    fn number(&mut self) -> bool {
        self.skip(b"-");
        let whole = self.rest;
        if !self.skip_all(u8::is_ascii_digit) {
            return false;
        }
        let length = whole.len() - self.rest.len();
        if self.skip(b".") {
            return self.skip_all(u8::is_ascii_digit);
        }
        // Python refuses whole numbers that begin with a zero.
        length == 1 || whole.first() != Some(&b'0')
    }

    fn string(&mut self) -> bool {
        let Some((quote, mut rest)) = self.rest.split_first() else { return false };
        loop {
            match rest {
                [b'\\', _, after @ ..] => rest = after,
                [b'\n' | b'\r', ..] | [] => return false,
                [byte, after @ ..] => {
                    rest = after;
                    if byte == quote {
                        self.rest = rest;
                        return true;
                    }
                }
            }
        }
    }
}
