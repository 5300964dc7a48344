//! Trials by name, and the reasons why one cannot run here.
//!
//! A trial that cannot run is marked ignored and says why in its name: `behaviour [3.12: no such interpreter]`.

use std::sync::PoisonError;

use libtest_mimic::{Completion, Trial};

use crate::fixtures::Fixtures;
use crate::interpreter::{Interpreter, Slot};

/// A trial in the making: [`Fixtures::trial`], then what it needs, then what it does.
#[derive(Debug)]
pub struct Prepared {
    fixtures: Fixtures,
    name: String,
    slot: Slot,
    lacks: Option<String>,
    alone: bool,
}

impl Fixtures {
    /// A trial of a behaviour with an interpreter.
    pub fn trial(&self, name: impl Into<String>, slot: &Slot) -> Prepared {
        let lacks = slot.found.as_ref().err().cloned();
        Prepared { fixtures: self.clone(), name: name.into(), slot: slot.clone(), lacks, alone: false }
    }
}

impl Prepared {
    /// Something else that the trial needs: `Err` says why it is not here.
    #[must_use]
    pub fn needs(mut self, other: Result<(), String>) -> Self {
        self.lacks = self.lacks.or(other.err());
        self
    }

    /// No other trial may run meanwhile: this one measures time.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// What the trial does; it fails by panicking.
    pub fn runs(self, body: impl FnOnce(&Fixtures, &Interpreter) + Send + 'static) -> Trial {
        let Self { fixtures, name, slot, lacks, alone } = self;
        let minor = &slot.minor;
        let name = match &lacks {
            None => format!("{name} [{minor}]"),
            Some(reason) => format!("{name} [{minor}: {reason}]"),
        };
        let is_ignored = lacks.is_some();
        let trial = Trial::ignorable_test(name, move || {
            if let Some(reason) = lacks {
                return Ok(Completion::ignored_with(reason));
            }
            let interpreter = slot.found.as_ref().map_err(String::as_str)?;
            if alone {
                let _alone = fixtures.turns().write().unwrap_or_else(PoisonError::into_inner);
                body(&fixtures, interpreter);
            } else {
                let _beside_others = fixtures.turns().read().unwrap_or_else(PoisonError::into_inner);
                body(&fixtures, interpreter);
            }
            Ok(Completion::Completed)
        });
        trial.with_ignored_flag(is_ignored)
    }
}
