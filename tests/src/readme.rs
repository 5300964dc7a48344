//! The commands that a README shows: the lines of its first `sh` block.

/// The commands, in order. A comment or an empty line is none.
pub fn commands(readme: &str) -> Vec<String> {
    let lines = readme.lines().skip_while(|line| line.trim() != "```sh").skip(1);
    let block = lines.take_while(|line| line.trim() != "```").map(str::trim);
    block.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn reads_the_first_block_of_commands() {
        let readme = "# Title\n\n```py\nx\n```\n\n```sh\n# why\na b\n\ndist/c\n```\n\n```sh\nlater\n```\n";
        assert_eq!(commands(readme), ["a b", "dist/c"]);
        assert_eq!(commands("nothing"), [""; 0]);
    }
}
