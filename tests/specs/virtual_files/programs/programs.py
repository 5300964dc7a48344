"""Runs programs of its package in every way that Python has."""

import errno
import os
import subprocess
import tempfile

import tools

HERE = os.path.dirname(tools.__file__)
TOOL = os.path.join(HERE, "tool")


def run(command, **keywords):
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)
    return ended.returncode, ended.stdout.decode().strip()


def in_child(function, *arguments):
    child = os.fork()
    if child == 0:
        function(*arguments)
    return os.waitpid(child, 0)[1] >> 8


def mappings():
    with open("/proc/self/maps") as maps:
        return sum("memfd:program" in line for line in maps)


def silent():
    """Programs that inherit the standard output have nothing to add to what this one says."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


# Descriptors that the test has been given would be seen in the program.
os.closerange(3, 1024)

assert run([TOOL, "vfork"]) == (7, "vfork")
assert run([TOOL, "all"], close_fds=False) == (7, "all")
assert run([TOOL, "fork"], preexec_fn=lambda: None) == (7, "fork")
assert run(["tool", "path"], env={"PATH": HERE}) == (7, "path")
assert run([os.path.join(HERE, "linked"), "dynamic"]) == (7, "dynamic")
for keywords in ({}, {"close_fds": False}, {"preexec_fn": lambda: None}):
    for _ in range(3):
        status, output = run([os.path.join(HERE, "script"), "argument"], **keywords)
        assert status == 3 and output.endswith(" argument"), output

# A child that is given a real working directory looks there, wherever the parent's is.
before = os.getcwd()
os.chdir(HERE)
with tempfile.TemporaryDirectory() as real:
    os.symlink("/bin/true", os.path.join(real, "script"))
    assert run(["./script"], cwd=real) == (0, "")
    assert run(["./script", "argument"])[0] == 3
os.chdir(before)

output = os.dup(1)
silent()
os.environ["PATH"] = HERE + os.pathsep + os.environ.get("PATH", os.defpath)
for function, name in ((os.posix_spawn, TOOL), (os.posix_spawnp, "tool"), (os.posix_spawnp, TOOL)):
    assert os.waitpid(function(name, ["tool", "spawned"], os.environ), 0)[1] >> 8 == 7
assert os.waitpid(os.posix_spawnp("true", ["true"], os.environ), 0)[1] == 0
assert in_child(os.execv, TOOL, ["tool", "execv"]) == 7
assert in_child(os.execvp, "tool", ["tool", "execvp"]) == 7
assert in_child(os.execve, os.open(TOOL, os.O_RDONLY), ["tool", "fexecve"], {}) == 7

for name, number in (("plain", errno.EACCES), ("", errno.EACCES), ("nothing", errno.ENOENT)):
    path = os.path.join(HERE, name)
    for attempt in (lambda: subprocess.run([path]), lambda: os.posix_spawn(path, [path], {})):
        try:
            attempt()
        except OSError as error:
            assert error.errno == number, (path, error)
        else:
            raise AssertionError(path)

for _ in range(50):
    run([TOOL])
assert mappings() == 0
os.write(output, b"all as it should be\n")
