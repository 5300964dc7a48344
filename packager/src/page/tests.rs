use super::data::{Asker, Distribution, LeftOut, LicenceFile, Modules, Page, Parts};
use super::*;

/// Names that would be markup, were they not kept from it.
const HOSTILE: &[&str] = &[
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "{{nonce}}{{data}}",
    "&lt;b&gt; &amp;",
    "line\u{2028}line\u{2029}\u{0}\u{7f}\u{202e}",
];

/// A page with the same name wherever there can be one.
fn page_of(name: &str) -> Page {
    let all = || vec![name.to_owned()];
    let asker = Asker { name: name.into(), node: 0, who: name.into(), does: name.into() };
    let distribution = Distribution {
        name: name.into(),
        version: name.into(),
        licence: name.into(),
        files: vec![LicenceFile { name: name.into(), text: 0 }],
        ..Distribution::default()
    };
    Page {
        title: name.into(),
        made: Some(name.into()),
        facts: vec![(name.into(), name.into())],
        glibc: name.into(),
        distributions: vec![distribution],
        texts: all(),
        parts: Parts { path: all(), ..Parts::default() },
        modules: Modules { name: all(), file: all(), distribution: vec![0], part: vec![0] },
        left_out: vec![LeftOut {
            title: name.into(),
            reason: "optional",
            what: "",
            option: name.into(),
            effect: "",
            names: all(),
            askers: vec![asker.clone()],
            more: 0,
        }],
        missing: vec![asker],
        warnings: all(),
        ..Page::default()
    }
}

/// The text between the tags of the data.
fn data_in(page: &str) -> &str {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    rest.split_once("</script>").unwrap().0
}

#[test]
fn names_are_no_markup() {
    // An empty page has no names: what it has of tags is the frame's.
    let plain = render(&page_of("plain")).unwrap();
    let count = |page: &str, text: &str| page.to_ascii_lowercase().matches(text).count();
    for name in HOSTILE {
        let page = render(&page_of(name)).unwrap();
        for tag in ["<script", "</script", "<!--", "<img", "<svg", "onerror=alert(1)>", "\u{2028}", "\u{0}"] {
            assert_eq!(count(&page, tag), count(&plain, tag), "{name:?}: {tag}");
        }
    }
}

#[test]
fn the_data_say_what_they_were_made_of() {
    for name in HOSTILE {
        let page = page_of(name);
        let read: serde_json::Value = serde_json::from_str(data_in(&render(&page).unwrap())).unwrap();
        assert_eq!(read, serde_json::to_value(&page).unwrap(), "{name:?}");
    }
}

#[test]
fn equal_pages_are_equal_bytes_and_each_has_its_own_nonce() {
    let nonce = |page: &str| {
        let (_, rest) = page.split_once("'nonce-").unwrap();
        rest[..NONCE].to_owned()
    };
    let [one, same, other] = ["one", "one", "other"].map(|name| render(&page_of(name)).unwrap());
    assert_eq!(one, same);
    assert_ne!(nonce(&one), nonce(&other));
    assert_eq!(one.matches(&nonce(&one)).count(), 4, "policy, style, script");
}

#[test]
fn all_places_of_the_frame_are_filled() {
    let page = render(&Page::default()).unwrap();
    assert!(!page.contains("{{"), "{page}");
    for file in SCRIPTS.iter().chain([&STYLE]) {
        assert!(page.contains(file));
        // They would end the element that they are in.
        assert!(!file.contains("</script") && !file.contains("</style"));
    }
}

#[test]
fn the_page_asks_for_nothing_from_elsewhere() {
    let page = render(&Page::default()).unwrap();
    for text in ["https:", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "innerHTML", "eval("] {
        assert!(!page.contains(text), "{text}");
    }
    // The name of the namespace of drawings is no address.
    assert_eq!(page.matches("http:").count(), 1);
    assert!(page.contains("http://www.w3.org/2000/svg"));
}
