//! What a script declares in a comment (PEP 723): `# /// script`, TOML, `# ///`.

use super::in_array;
use crate::graph::requirements::Requirement;

/// The requirements of a script; nothing if it has no such comment.
pub fn of_script(text: &[u8]) -> Option<Vec<Requirement>> {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines();
    lines.find(|line| line.trim_end() == "# /// script")?;
    let mut toml = String::new();
    let mut end = None;
    for line in lines {
        let Some(content) = line.strip_prefix('#') else { break };
        if line.trim_end() == "# ///" {
            // The last such line before the comment ends is its end.
            end = Some(toml.len());
        }
        toml.push_str(content.strip_prefix(' ').unwrap_or(content));
        toml.push('\n');
    }
    toml.truncate(end?);
    let table: toml::Table = toml::from_str(&toml).ok()?;
    Some(in_array(table.get("dependencies")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::tests::names;

    #[test]
    fn reads_the_comment_of_a_script() {
        let text = b"#!/usr/bin/env python\n# /// script\n# dependencies = [\n#   \"requests[socks]<3\",\n#\n#   'rich',\n# ]\n# ///\nimport x\n# ///\n";
        assert_eq!(names(&of_script(text).unwrap()), ["requests[socks]", "rich"]);
        assert_eq!(of_script(b"# /// script\n# ///\n"), Some(vec![]));
        assert_eq!(of_script(b"# /// script\r\n# dependencies = ['a']\r\n# ///\r\n").unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_whole_comment_declares_nothing() {
        for text in [
            "",
            "# /// script\n# dependencies = ['a']\n",
            "# /// script\nx = 1\n# ///\n",
            "# /// pyproject\n# ///\n",
            "# /// script\n# = \n# ///\n",
        ] {
            assert_eq!(of_script(text.as_bytes()), None, "{text}");
        }
    }
}
