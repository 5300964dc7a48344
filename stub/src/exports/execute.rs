//! Executing programs.

use core::ffi::{c_char, c_int};

use libc::{pid_t, posix_spawn_file_actions_t, posix_spawnattr_t};
use snapfreeze_runtime::vfs::execute::{self, SpawnArguments, Strings};

use super::{argument, export};

unsafe extern "C" {
    /// The environment of this process (environ(7)).
    static environ: Strings;
}

export! {
    fn execve(path: *const c_char, arguments: Strings, environment: Strings) -> c_int {
        execute::execve(argument(path), arguments, environment)
    }
    fn execv(path: *const c_char, arguments: Strings) -> c_int {
        execute::execve(argument(path), arguments, environ)
    }
    fn execvp(file: *const c_char, arguments: Strings) -> c_int {
        execute::execvpe(argument(file), arguments, environ)
    }
    fn execvpe(file: *const c_char, arguments: Strings, environment: Strings) -> c_int {
        execute::execvpe(argument(file), arguments, environment)
    }
    fn posix_spawn(
        process: *mut pid_t,
        path: *const c_char,
        actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t,
        arguments: Strings,
        environment: Strings,
    ) -> c_int {
        let more = SpawnArguments { process, actions, attributes, arguments, environment };
        execute::spawn(argument(path), more)
    }
    fn posix_spawnp(
        process: *mut pid_t,
        file: *const c_char,
        actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t,
        arguments: Strings,
        environment: Strings,
    ) -> c_int {
        let more = SpawnArguments { process, actions, attributes, arguments, environment };
        execute::spawnp(argument(file), more)
    }
}
