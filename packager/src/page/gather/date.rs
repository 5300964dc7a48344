//! A day out of seconds since 1970.

/// The last year of which a day is shown.
const LAST_YEAR: i64 = 9999;

/// The day, in UTC, as ISO 8601 writes it: `2026-11-21`. None for one before 1970, or after the year 9999.
pub fn date(seconds: i64) -> Option<String> {
    let days = u64::try_from(seconds).ok()?.div_euclid(86_400).cast_signed();
    // Of eras of 400 years, which begin in March so that the leap day is a year's last (Howard Hinnant,
    // "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
    let days = days.checked_add(719_468)?;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year <= LAST_YEAR).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_709_164_800, "2024-02-29"),
            (1_735_689_599, "2024-12-31"),
            (4_107_542_400, "2100-03-01"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(date(seconds).as_deref(), Some(expected));
        }
        assert_eq!([date(-1), date(i64::MAX)], [None, None]);
    }
}
