"""Other processes: programs that are bundled, and what they inherit."""

import os
import subprocess
import sys

import own
import samples

from . import flush, inside, outcome

TOOL = inside(samples, "bin", "tool")
SCRIPT = inside(samples, "bin", "script.sh")


def reported(result):
    return result.returncode, result.stdout, result.stderr


def a_bundled_program():
    for keywords in ({}, {"close_fds": False}, {"cwd": "/"}, {"env": {"WORD": "given"}}, {"start_new_session": True}, {"restore_signals": False}):
        print(sorted(keywords), reported(subprocess.run([TOOL, "a", "b c"], capture_output=True, text=True, **keywords)))
    print(subprocess.run(["other", "x"], executable=TOOL, stdout=-1).stdout)
    print(outcome(subprocess.run, [TOOL + ".none"])[:2], outcome(subprocess.run, [inside(samples, "data", "text.txt")])[:2], outcome(subprocess.run, [samples.HERE])[:2])


def a_bundled_script():
    environment = {**os.environ, "WORD": "word"}
    print(reported(subprocess.run([SCRIPT, "one", "two"], capture_output=True, text=True, env=environment)))
    print(reported(subprocess.run(["/bin/sh", "-c", "exit 7"], capture_output=True, text=True)), os.system("exit 2") >> 8)


def spawned():
    environment = {**os.environ, "WORD": "spawned"}
    for spawn in (os.posix_spawn, os.posix_spawnp):
        flush()
        child = spawn(TOOL, [TOOL, spawn.__name__], environment)
        print(os.WEXITSTATUS(os.waitpid(child, 0)[1]))
    reading, writing = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_CLOSE, reading)]
    child = os.posix_spawn(SCRIPT, [SCRIPT, "actions"], environment, file_actions=actions)
    os.close(writing)
    print(os.read(reading, 100), os.WEXITSTATUS(os.waitpid(child, 0)[1]))
    print(outcome(os.posix_spawn, TOOL + ".none", ["x"], environment)[1], outcome(os.spawnv, os.P_WAIT, TOOL, [TOOL, "spawnv"]))


def executed():
    for replace in (
        lambda: os.execv(TOOL, [TOOL, "execv"]),
        lambda: os.execve(TOOL, [TOOL, "execve"], {"WORD": "new"}),
        lambda: os.execvp(TOOL, [TOOL, "execvp"]),
        lambda: os.execle(SCRIPT, SCRIPT, "execle", {"WORD": "new", "PATH": os.environ["PATH"]}),
        lambda: os.execvpe("tool", ["tool", "execvpe"], {"PATH": inside(samples, "bin")}),
        lambda: (os.chdir(inside(samples, "bin")), os.execv("./tool", ["./tool", "relative"])),
        lambda: os.execve(os.open(TOOL, os.O_RDONLY), [TOOL, "fexecve"], {}),
    ):
        flush()
        child = os.fork()
        if child == 0:
            try:
                replace()
            finally:
                os._exit(99)
        print(os.WEXITSTATUS(os.waitpid(child, 0)[1]))
    print(outcome(os.execv, TOOL + ".none", ["x"])[:2], outcome(os.execv, inside(own, "note.txt"), ["x"])[:2])


def inherited():
    """A descriptor of a bundled file as another program's input."""
    with open(inside(samples, "data", "text.txt")) as file:
        print(subprocess.run(["cat"], stdin=file, stdout=-1).stdout)
        file.seek(0)
        print(subprocess.run(["cat", f"/proc/self/fd/{file.fileno()}"], pass_fds=[file.fileno()], stdout=-1).stdout)
    shell = "env | grep -E '^(LD_|SNAPFREEZE|_MEI|PYTHONHOME|PYTHONPATH)' | cut -d= -f1"
    print(subprocess.run(["sh", "-c", shell], stdout=-1, env={**os.environ, "PYTHONPATH": ""}).stdout)
    print(subprocess.run(["sh", "-c", "ls /proc/self/fd | wc -l"], stdout=-1, close_fds=False).stdout)


def from_a_bundled_directory():
    """The parent's directory is in the archive; a child that is given a real one is there."""
    os.chdir(inside(samples, "data"))
    print(reported(subprocess.run([TOOL, "x"], cwd="/", capture_output=True, text=True)), reported(subprocess.run(["pwd"], cwd="/", capture_output=True, text=True)))
    print(os.getcwd(), sys.executable != "")
