//! Sizes for people.

use std::fmt;

/// A number of bytes, in decimal units as disks and downloads have them: `999 B`, `1.5 KB`, `12.3 MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        // 999,950 bytes are 1000.0 KB when they are rounded: those are 1.0 MB already.
        let text = match bytes {
            0..1_000 => format!("{bytes} B"),
            1_000..999_950 => format!("{:.1} KB", bytes as f64 / 1e3),
            999_950..999_950_000 => format!("{:.1} MB", bytes as f64 / 1e6),
            _ => format!("{:.1} GB", bytes as f64 / 1e9),
        };
        formatter.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_at_most_three_digits_before_the_point() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 KB"),
            (999_949, "999.9 KB"),
            (999_950, "1.0 MB"),
            (12_345_678, "12.3 MB"),
            (999_950_000, "1.0 GB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(Size(bytes).to_string(), text);
        }
        assert_eq!(format!("{:>8}", Size(5)), "     5 B");
    }
}
