//! A terminal's picture: text with colour codes, drawn as SVG that can be read on light and dark pages.

use std::fmt::Write;

/// Width of a character and height of a line, in the picture's units.
const CELL: (f64, usize) = (8.4, 20);
/// Space around the text, in the same units.
const MARGIN: usize = 16;

/// Colours are classes: what they look like is up to the page's scheme.
const STYLE: &str = "\
rect { fill: #f6f8fa; stroke: #d0d7de }
text { font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre; fill: #1f2328 }
.bold { font-weight: bold }
.c31 { fill: #cf222e } .c32 { fill: #1a7f37 } .c33 { fill: #9a6700 } .c34 { fill: #0969da }
.c35 { fill: #8250df } .c36 { fill: #1b7c83 } .prompt { fill: #59636e }
@media (prefers-color-scheme: dark) {
rect { fill: #0d1117; stroke: #3d444d }
text { fill: #f0f6fc }
.c31 { fill: #ff7b72 } .c32 { fill: #3fb950 } .c33 { fill: #d29922 } .c34 { fill: #58a6ff }
.c35 { fill: #bc8cff } .c36 { fill: #39c5cf } .prompt { fill: #9198a1 }
}
";

/// How text is drawn from some place on.
#[derive(Debug, Clone, Default)]
struct Pen {
    is_bold: bool,
    /// 31 to 36, as in the code (ECMA-48, SGR).
    colour: Option<u8>,
}

/// Draws what a terminal shows.
pub fn picture(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let widest = lines.iter().map(|line| plain(line).chars().count()).max().unwrap_or_default();
    let width = (widest as f64 * CELL.0).ceil() as usize + 2 * MARGIN;
    let height = lines.len() * CELL.1 + 2 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"A terminal\">\n<style>\n{STYLE}</style>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        width - 1,
        height - 1
    );
    let mut pen = Pen::default();
    for (number, line) in lines.iter().enumerate() {
        let baseline = MARGIN + number * CELL.1 + CELL.1 * 3 / 4;
        let _ = writeln!(out, "<text x=\"{MARGIN}\" y=\"{baseline}\">{}</text>", spans(line, &mut pen));
    }
    out.push_str("</svg>\n");
    out
}

/// A line's text in pieces of one look. A line that begins with `$ ` is what was typed.
fn spans(line: &str, pen: &mut Pen) -> String {
    let mut out = String::new();
    let line = line.strip_prefix("$ ").map_or(line, |rest| {
        out.push_str("<tspan class=\"prompt\">$ </tspan>");
        rest
    });
    for (at, piece) in line.split("\x1b[").enumerate() {
        let shown = if at == 0 { piece } else { pen.heed(piece) };
        if shown.is_empty() {
            continue;
        }
        let colour = pen.colour.map(|colour| format!("c{colour}"));
        let classes: Vec<String> = pen.is_bold.then(|| "bold".to_owned()).into_iter().chain(colour).collect();
        let shown = shown.replace('&', "&amp;").replace('<', "&lt;");
        if classes.is_empty() {
            out.push_str(&shown);
        } else {
            let _ = write!(out, "<tspan class=\"{}\">{shown}</tspan>", classes.join(" "));
        }
    }
    out
}

impl Pen {
    /// Takes a code's end, `1;31m` and what follows it, and returns what follows.
    fn heed<'a>(&mut self, piece: &'a str) -> &'a str {
        let Some((codes, rest)) = piece.split_once('m') else { return piece };
        for code in codes.split(';').map(|code| code.parse().unwrap_or_default()) {
            match code {
                0 => *self = Self::default(),
                1 => self.is_bold = true,
                22 => self.is_bold = false,
                31..=36 => self.colour = Some(code),
                39 => self.colour = None,
                _ => {}
            }
        }
        rest
    }
}

/// A line without its codes.
fn plain(line: &str) -> String {
    let pieces = line.split("\x1b[").enumerate();
    pieces
        .map(
            |(at, piece)| if at == 0 { piece } else { piece.split_once('m').map_or(piece, |(_, rest)| rest) },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_colours_and_weights() {
        let drawn = picture("$ a <b>\n\x1b[1;32mgood\x1b[0m & plain\n");
        assert!(drawn.contains("<tspan class=\"prompt\">$ </tspan>a &lt;b>"), "{drawn}");
        assert!(drawn.contains("<tspan class=\"bold c32\">good</tspan> &amp; plain</text>"), "{drawn}");
        assert_eq!(plain("\x1b[1;32mgood\x1b[0m & plain"), "good & plain");
    }
}
