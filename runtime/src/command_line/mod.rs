//! What a process is, by its command line: decided before CPython starts.
//!
//! `multiprocessing` and loky start their helper processes by running `sys.executable` again. Those command lines are
//! a closed list ([`helper`]), matched as a whole: anything that differs in one character is the program's own, so
//! no argument of a user's makes the program something else. An executable that was built with `--interpreter` also
//! serves `python`'s own command line ([`options`]). Neither is done for a caller whose rights are less than those of
//! the executable: both run code that the caller names.

mod helper;
mod literals;
mod options;

use core::ffi::{CStr, c_char, c_int};

pub use helper::Helper;
pub use options::Options;

use crate::archive::InterpreterMode;
use crate::error::StartError;
use crate::os::is_privileged;

/// Variable under which an executable built with `--interpreter=env` is the interpreter.
const VARIABLE: &str = "SNAPFREEZE_INTERPRETER";

/// The module that serves helper processes of multiprocessing's, in archives of programs that may start any.
pub const CHILDREN: &CStr = c"_snapfreeze_children";

/// The strings of a command line, the program's name first. They live as long as the process.
pub type Arguments = Vec<&'static CStr>;

/// What a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// The program.
    Program(Arguments),
    /// A helper process of multiprocessing or loky.
    Helper(Helper),
    /// `python`, with the options that the command line begins with.
    Python(Arguments, Options),
}

impl CommandLine {
    /// Reads the process's command line. `has_module` says whether the archive has a module: without what a helper
    /// needs, the program starts none.
    ///
    /// # Errors
    /// When it asks for a helper process with the rights of another.
    ///
    /// # Safety
    /// `argv` holds `argc` strings that live as long as the process.
    pub unsafe fn read(
        argc: c_int,
        argv: *const *const c_char,
        mode: InterpreterMode,
        has_module: impl Fn(&str) -> bool,
    ) -> Result<Self, StartError> {
        let count = usize::try_from(argc).unwrap_or_default();
        // SAFETY: from the contract.
        let arguments = (0..count).map(|at| unsafe { CStr::from_ptr(*argv.add(at)) }).collect();
        let is_interpreter = match mode {
            InterpreterMode::None => Interpreter::Never,
            _ if is_privileged() => Interpreter::Never,
            InterpreterMode::Arguments => Interpreter::ByOption,
            InterpreterMode::Environment if std::env::var_os(VARIABLE).is_some_and(|value| value == "1") => {
                Interpreter::Always
            }
            InterpreterMode::Environment => Interpreter::Never,
        };
        match Self::of(arguments, is_interpreter, has_module) {
            // Who writes to its pipe says what it runs. The program's own helpers look the same, and to run the program
            // in their place would have it start itself without end.
            Self::Helper(_) if is_privileged() => Err(StartError::PrivilegedHelper),
            command_line => Ok(command_line),
        }
    }

    fn of(arguments: Arguments, interpreter: Interpreter, has_module: impl Fn(&str) -> bool) -> Self {
        let helper = Helper::of(&arguments).filter(|helper| match helper {
            Helper::Worker { module, .. } => has_module(module),
            Helper::Spawned(_) | Helper::Call { .. } => CHILDREN.to_str().is_ok_and(&has_module),
        });
        let is_python = match interpreter {
            Interpreter::Never => false,
            Interpreter::ByOption => arguments.get(1).is_some_and(|first| Options::is_option(first)),
            Interpreter::Always => true,
        };
        match helper {
            // With options, the program that starts it is python's, too.
            Some(helper) if !is_python || !helper.has_options() => Self::Helper(helper),
            _ if is_python => {
                let options = Options::of(&arguments);
                Self::Python(arguments, options)
            }
            _ => Self::Program(arguments),
        }
    }

    /// Whether the process belongs to the program, so that it sees `sys.frozen`. Python's command line does so only
    /// for helper processes, which run for a program.
    pub fn is_program(&self) -> bool {
        match self {
            Self::Program(_) | Self::Helper(_) => true,
            Self::Python(arguments, _) => Helper::of(arguments).is_some(),
        }
    }

    /// Whether the program's own code runs in the process, as far as the command line tells.
    pub fn runs_program(&self) -> bool {
        match self {
            Self::Program(_) => true,
            Self::Helper(helper) => helper.runs_program(),
            Self::Python(..) => false,
        }
    }
}

/// When the executable is the interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interpreter {
    Never,
    /// When the command line begins with an option of python's.
    ByOption,
    Always,
}

#[cfg(test)]
mod tests;
