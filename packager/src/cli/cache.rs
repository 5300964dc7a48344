//! `cache`: its arguments, and what it prints.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::voice::{Voice, print, print_json};
use crate::cache::Cache;
use crate::cache::tidy::{Policy, Pruned, TidyError};
use crate::error::Error;
use crate::inspect::size::Size;
use crate::request::environment;

/// Arguments of `cache`.
#[derive(Debug, Args)]
#[command(after_help = "\
The cache only saves time. It looks after itself once a day: what was not used for 60 days goes, and what is beyond 8 GB.

Examples:
  snapfreeze cache size                    how much of what
  snapfreeze cache prune --older-than 7d   what was not used for a week
  SNAPFREEZE_CACHE_DIR=DIR snapfreeze …    another place; empty: no cache")]
pub struct CacheArguments {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, Subcommand)]
enum CacheCommand {
    /// Print the directory of the cache
    Dir,
    /// Print how much is in the cache
    Size {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Remove from the cache what was not used for 30 days
    Prune(PruneArguments),
}

#[derive(Debug, Args)]
struct PruneArguments {
    /// Remove everything, however new it is
    #[arg(long, conflicts_with = "older_than")]
    all: bool,

    /// Remove what was not used for so long: 30d, 12h, 2w (s, m, h, d, w)
    #[arg(long, value_name = "AGE", default_value = "30d", value_parser = parse_age)]
    older_than: Duration,

    /// Only tell how much would be removed
    #[arg(long)]
    dry_run: bool,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Answers on stdout.
///
/// # Errors
/// When there is no cache, or it is not ours.
pub fn cache(arguments: CacheArguments, voice: Voice) -> Result<(), Error> {
    let place = Cache::place(environment).ok_or(TidyError::NoCache)?;
    let cache = || Cache::of_user(environment);
    match arguments.command {
        CacheCommand::Dir => print(format_args!("{}\n", place.display())),
        CacheCommand::Size { json } => {
            let contents = cache().contents()?;
            if json {
                return print_json(&contents);
            }
            for (kind, amount) in &contents.kinds {
                print(format_args!("{kind:<12}  {:>9}  {} files\n", Size(amount.bytes), amount.files));
            }
            let total = contents.total;
            print(format_args!("{:<12}  {:>9}  {} files\n", "total", Size(total.bytes), total.files));
            if contents.foreign.files > 0 {
                voice.note(format_args!("{} other files are there, too", contents.foreign.files));
            }
        }
        CacheCommand::Prune(arguments) => {
            let unused = if arguments.all { Duration::ZERO } else { arguments.older_than };
            let policy = Policy { unused: Some(unused), largest: None, dry_run: arguments.dry_run };
            let pruned = cache().prune(&policy)?;
            if arguments.json {
                print_json(&pruned)?;
            } else {
                tell(&pruned, voice);
            }
        }
    }
    Ok(())
}

fn tell(pruned: &Pruned, voice: Voice) {
    let Pruned { path, removed, kept, foreign, failed, dry_run } = pruned;
    let (freed, is) = if *dry_run { ("would free", "would be") } else { ("freed", "are") };
    if !voice.quiet {
        let (size, place) = (Size(removed.bytes), path.display());
        print(format_args!("{freed} {size}: {} files of {place}\n", removed.files));
        print(format_args!("{} in {} files {is} left\n", Size(kept.bytes), kept.files));
    }
    if foreign.files > 0 {
        voice.note(format_args!("{} files that no build has written were left alone", foreign.files));
    }
    if *failed > 0 {
        voice.warning(format_args!("{failed} files cannot be removed"));
    }
}

fn parse_age(text: &str) -> Result<Duration, String> {
    let wrong = || "a number and a unit are expected: 30d, 12h, 2w (s, m, h, d, w)".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        'w' => 7 * 24 * 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - unit.len_utf8()].trim_end().parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        let days = |days: u64| Ok(Duration::from_secs(days * 24 * 3600));
        assert_eq!(parse_age("30d"), days(30));
        assert_eq!(parse_age("2w"), days(14));
        assert_eq!(parse_age("48 h"), days(2));
        for wrong in ["", "d", "30", "-1d", "1.5d", "30é", "99999999999999999999d", "9999999999999999999w"] {
            assert!(parse_age(wrong).is_err(), "{wrong}");
        }
    }
}
