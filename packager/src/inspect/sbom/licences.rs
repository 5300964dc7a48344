//! Licences of distributions as CycloneDX has them: an SPDX expression, identifiers, or names.

use serde::Serialize;

use crate::inspect::model::Licence;

/// A licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Licensed {
    /// An SPDX expression: it stands alone.
    Expression {
        /// The expression.
        expression: String,
    },
    /// One licence.
    License {
        /// Which one.
        license: Named,
    },
}

/// A licence by its SPDX identifier, or by any name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Named {
    /// The SPDX identifier.
    Id(String),
    /// A name.
    Name(String),
}

impl Licensed {
    /// A licence by its SPDX identifier.
    pub fn id(id: &str) -> Self {
        Self::License { license: Named::Id(id.to_owned()) }
    }

    fn name(name: &str) -> Self {
        Self::License { license: Named::Name(name.to_owned()) }
    }
}

/// Classifiers that stand for one licence, without `OSI Approved ::`. Others, such as `BSD License`, do not say which.
const CLASSIFIERS: &[(&str, &str)] = &[
    ("Apache Software License", "Apache-2.0"),
    ("Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"),
    ("GNU Affero General Public License v3", "AGPL-3.0-only"),
    ("GNU Affero General Public License v3 or later (AGPLv3+)", "AGPL-3.0-or-later"),
    ("GNU General Public License v2 (GPLv2)", "GPL-2.0-only"),
    ("GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"),
    ("GNU General Public License v3 (GPLv3)", "GPL-3.0-only"),
    ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
    ("GNU Lesser General Public License v2 (LGPLv2)", "LGPL-2.0-only"),
    ("GNU Lesser General Public License v2 or later (LGPLv2+)", "LGPL-2.0-or-later"),
    ("GNU Lesser General Public License v3 (LGPLv3)", "LGPL-3.0-only"),
    ("GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"),
    ("ISC License (ISCL)", "ISC"),
    ("MIT License", "MIT"),
    ("MIT No Attribution License (MIT-0)", "MIT-0"),
    ("Mozilla Public License 1.1 (MPL 1.1)", "MPL-1.1"),
    ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
    ("The Unlicense (Unlicense)", "Unlicense"),
    ("Universal Permissive License (UPL)", "UPL-1.0"),
    ("zlib/libpng License", "Zlib"),
];

/// Identifiers that distributions write into `License`.
const IDENTIFIERS: &[&str] = &[
    "0BSD",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "HPND",
    "ISC",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "Python-2.0",
    "Unlicense",
    "Zlib",
];

/// The longest text of `License` that is a name and not a licence, in bytes.
const LONGEST_NAME: usize = 200;

/// A distribution's licences: what it says most exactly counts.
pub(super) fn licences(licence: &Licence) -> Vec<Licensed> {
    if let Some(expression) = &licence.expression {
        return vec![Licensed::Expression { expression: expression.clone() }];
    }
    let text = licence.text.as_deref().filter(|text| text.len() <= LONGEST_NAME);
    if let Some(id) = text.and_then(|text| IDENTIFIERS.iter().find(|id| id.eq_ignore_ascii_case(text))) {
        return vec![Licensed::id(id)];
    }
    let named = licence.classifiers.iter().map(|classifier| {
        let name = classifier.rsplit(" :: ").next().unwrap_or(classifier);
        match CLASSIFIERS.iter().find(|(known, _)| *known == name) {
            Some((_, id)) => Licensed::id(id),
            None => Licensed::name(name),
        }
    });
    let named: Vec<Licensed> = named.collect();
    match text {
        Some(text) if named.is_empty() => vec![Licensed::name(text)],
        _ => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_word_counts() {
        let licence = |expression: &str, text: &str, classifiers: &[&str]| Licence {
            expression: Some(expression.to_owned()).filter(|text| !text.is_empty()),
            text: Some(text.to_owned()).filter(|text| !text.is_empty()),
            classifiers: classifiers.iter().map(|&text| text.to_owned()).collect(),
            files: vec![],
        };
        let expression = vec![Licensed::Expression { expression: "MIT AND ISC".into() }];
        assert_eq!(licences(&licence("MIT AND ISC", "MIT", &["OSI Approved :: MIT License"])), expression);
        assert_eq!(
            licences(&licence("", "bsd-3-clause", &["OSI Approved :: BSD License"])),
            [Licensed::id("BSD-3-Clause")]
        );
        assert_eq!(
            licences(&licence(
                "",
                "see LICENSE",
                &["OSI Approved :: MIT License", "OSI Approved :: BSD License"]
            )),
            [Licensed::id("MIT"), Licensed::name("BSD License")]
        );
        assert_eq!(licences(&licence("", "Dual License", &[])), [Licensed::name("Dual License")]);
        assert_eq!(licences(&licence("", &"long ".repeat(99), &[])), []);
    }
}
