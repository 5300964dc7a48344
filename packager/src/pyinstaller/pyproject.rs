//! A table put at the end of pyproject.toml: what is there stays as it is, to the byte.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::draft;
use crate::shown::{plain, shown};

/// Why a table is not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML, or nothing can be added to it.
    #[error("nothing can be added to {path}: {reason}", path = shown(path))]
    Broken {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It has such a table.
    #[error("{path} has a table [tool.snapfreeze] already", path = shown(path))]
    IsThere {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}", path = shown(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl WriteError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::IsThere { .. } => "print the options with --dry-run, and add to the table what it lacks",
            _ => "name another file with --output, or print the options with --dry-run",
        }
    }
}

/// The text of a file with a table added to it. A file that is not there is empty.
///
/// # Errors
/// When it cannot be read, is no TOML, or has `[tool.snapfreeze]`.
pub fn with_table(path: &Path, table: &str) -> Result<String, WriteError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(WriteError::Read { path: path.to_owned(), source }),
    };
    let broken = |error: &toml::de::Error| WriteError::Broken {
        path: path.to_owned(),
        reason: error.message().to_owned(),
    };
    {
        let document = DeTable::parse(&text).map_err(|error| broken(&error))?;
        let tool = document.get_ref().get("tool").map(toml::Spanned::get_ref);
        if let Some(DeValue::Table(tool)) = tool
            && tool.contains_key("snapfreeze")
        {
            return Err(WriteError::IsThere { path: path.to_owned() });
        }
    }
    let separator = match text.as_bytes() {
        [] => "",
        [.., b'\n'] => "\n",
        _ => "\n\n",
    };
    let all = format!("{text}{separator}{table}");
    // An inline table, `tool = {}`, takes no more.
    DeTable::parse(&all).map_err(|error| broken(&error))?;
    Ok(all)
}

/// Writes a file whole or not at all; of a symbolic link the file that it leads to, with its permissions.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), WriteError> {
    let failed = |source: std::io::Error| WriteError::Write { path: path.to_owned(), source: plain(source) };
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let permissions = place.metadata().ok().map(|metadata| metadata.permissions());
    let draft = draft::beside(&place, text.as_bytes(), permissions).map_err(failed)?;
    draft.persist(&place).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pyproject.toml");
        let table = "[tool.snapfreeze]\nentry = \"x\"\n";
        assert_eq!(with_table(&path, table).unwrap(), table);
        std::fs::write(&path, "[project] # é\nname = 'x'").unwrap();
        let text = with_table(&path, table).unwrap();
        assert_eq!(text, format!("[project] # é\nname = 'x'\n\n{table}"));
        write(&path, &text).unwrap();
        assert!(matches!(with_table(&path, table), Err(WriteError::IsThere { .. })));
        for wrong in ["x = ", "tool = {a = 1}\n", "tool = 1\n"] {
            std::fs::write(&path, wrong).unwrap();
            assert!(matches!(with_table(&path, table), Err(WriteError::Broken { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real.toml"), folder.path().join("pyproject.toml"));
        std::fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, "x = 1\n").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x = 1\n");
    }
}
