#!/usr/bin/env python3
"""CPython's own tests, in python and in a frozen executable, compared.

Freezes the interpreter's regression runner (``-m test`` with the whole ``test`` package), runs each test file with
``python -I -m test`` and with ``EXECUTABLE -I -m test``, and compares the outcomes test by test. A test that passes
in python and fails, is skipped or is missing in the executable is a failure. Those that are known are the table
rows of ``docs/cpython-tests.md``: ``| VERSIONS | `TEST ID` | REASON |``. The exit code is 0 if exactly those fail.

The results of python are kept under ``target/cpython-suite``; ``--fresh`` has them made anew.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
KNOWN_LIST = PROJECT / "docs" / "cpython-tests.md"
VERSIONS = ("3.10", "3.13")
FILES = (
    "test_importlib test_pkgutil test_runpy test_import test_zipimport test_inspect test_traceback test_linecache "
    "test_os test_posix test_fileio test_io test_shutil test_glob test_pathlib test_tempfile test_subprocess "
    "test_ctypes test_sqlite3 test_ssl test_codecs test_locale test_signal test_threading test_asyncio "
    "test_concurrent_futures test_multiprocessing_fork test_multiprocessing_spawn test_multiprocessing_forkserver "
    "test_site test_sys test_atexit"
).split()

# Before 3.11, sqlite3's tests are in a package of their own, started by test_sqlite; before 3.12 ctypes' are, too.
OLD_FILE_NAMES = {"3.9": {"test_sqlite3": "test_sqlite"}, "3.10": {"test_sqlite3": "test_sqlite"}}
OTHER_TEST_PACKAGES = {
    "3.9": ["ctypes.test", "sqlite3.test"],
    "3.10": ["ctypes.test", "sqlite3.test"],
    "3.11": ["ctypes.test"],
}

# Seconds that python may take for a test file; the longest takes three minutes.
PYTHON_LIMIT = 900
# Seconds that the executable may take for any test file.
SHORTEST_LIMIT = 120
# Runs of one file after a test that ended the process: each goes on after that test.
MOST_RUNS = 12
# Tests that are missing for one reason are not named one by one if there are more than this.
MOST_LINES = 10

PASSED, FAILED, SKIPPED, MISSING = "passed", "failed", "skipped", "missing"


@dataclass
class Outcome:
    """What became of a test: one of PASSED, FAILED, SKIPPED, MISSING, and why, in one line."""

    state: str
    reason: str = ""


@dataclass
class FileResult:
    """The outcomes of a test file by test id, and how many seconds they took."""

    seconds: float = 0.0
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def add(self, test: str, outcome: Outcome) -> None:
        """Notes an outcome. Of two tests with one id the worse one counts."""
        order = (PASSED, SKIPPED, MISSING, FAILED)
        other = self.outcomes.get(test)
        if other is None or order.index(other.state) < order.index(outcome.state):
            self.outcomes[test] = outcome

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> FileResult:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return cls(stored["seconds"], {test: Outcome(**value) for test, value in stored["outcomes"].items()})


# All of the standard library as options of the build: tests name modules only in strings (in code for other processes,
# as arguments of import_helper's functions) and list the files of packages. The test suite's own extension modules are
# found by their names beside the standard library's.
LIBRARY = """
import importlib.util, os, sys, sysconfig
names = set(getattr(sys, "stdlib_module_names", ())) - {"antigravity", "this"}
folder = os.path.join(sysconfig.get_path("stdlib"), "lib-dynload")
names.update(name.partition(".")[0] for name in os.listdir(folder) if name.endswith(".so"))
for name in sorted(names):
    spec = None if name.startswith("_frozen") else importlib.util.find_spec(name)
    if spec:
        print("--hidden-import" if spec.submodule_search_locations is None else "--collect-submodules", name)
"""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter that has the ``test`` package."""

    python: Path
    version: str

    @property
    def minor(self) -> str:
        return ".".join(self.version.split(".")[:2])

    @classmethod
    def ask(cls, python: Path) -> Interpreter:
        code = "import platform, test.regrtest; print(platform.python_version())"
        answer = subprocess.run([python, "-I", "-c", code], stdout=subprocess.PIPE, text=True, check=True)
        return cls(python, answer.stdout.strip())

    @classmethod
    def find(cls, minor: str) -> Interpreter:
        """The newest of pyenv, else that on PATH."""
        root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
        folders = glob.glob(os.path.join(glob.escape(root), "versions", minor + ".*"))
        numbered = [folder for folder in folders if folder.rpartition(".")[2].isdigit()]
        newest = sorted(numbered, key=lambda folder: int(folder.rpartition(".")[2]), reverse=True)
        candidates = [os.path.join(folder, "bin", "python") for folder in newest]
        candidates += filter(None, [shutil.which("python" + minor)])
        for candidate in candidates:
            try:
                return cls.ask(Path(candidate))
            except (OSError, subprocess.CalledProcessError):
                continue
        raise SystemExit(f"no python {minor} with the test package; name one with --python")


class Log:
    """What ``-m test -v`` printed: the only source when the process ended early, and that of failed subtests."""

    START = re.compile(r"^(\w+) \(([\w.<>]+)\)", re.MULTILINE)
    END = re.compile(r"(?:^| )\.\.\. (ok|skipped|expected failure|FAIL|ERROR)\b(.*)")
    SECTION = re.compile(r"^={70}\n(?:FAIL|ERROR): (\w+) \(([\w.<>]+)\)(.*?)(?=^={70}\n|^-{70}\nRan |\Z)", re.M | re.S)
    RAISED = re.compile(r"^(?!Traceback|During|The above|Std|-|=)\S.*")

    def __init__(self, text: str) -> None:
        self.text = text

    @staticmethod
    def test_id(name: str, where: str) -> str:
        """The id of a test as the log names it: 3.11 and later write all of it into the brackets."""
        return where if where.endswith("." + name) else f"{where}.{name}"

    def ended(self) -> tuple[dict[str, Outcome], str | None]:
        """The outcomes as far as the log has them, and the test that had begun last."""
        outcomes: dict[str, Outcome] = {}
        current: str | None = None
        states = {"ok": PASSED, "expected failure": PASSED, "skipped": SKIPPED}
        for line in self.text.splitlines():
            start = self.START.match(line)
            if start:
                current = self.test_id(*start.groups())
            end = self.END.search(line)
            if end and current:
                outcomes[current] = Outcome(states.get(end[1], FAILED), end[2].strip(" '\""))
                current = None
        return outcomes, current

    def failures(self) -> dict[str, str]:
        """Why tests or subtests failed, by the test's id."""
        reasons: dict[str, str] = {}
        for section in self.SECTION.finditer(self.text):
            before_output = re.split(r"^(?:Stdout|Stderr):$", section[3], maxsplit=1, flags=re.MULTILINE)[0]
            after_traceback = before_output.partition("Traceback (most recent call last):")[2]
            raised = [line for line in after_traceback.splitlines() if self.RAISED.match(line)]
            reasons.setdefault(self.test_id(section[1], section[2]), raised[-1] if raised else "failed")
        return reasons

    def last_words(self) -> str:
        """How the process ended, if it ended early."""
        for pattern in (r"^Timeout \(.*", r"^Fatal Python error.*", r"^[\w.]*(?:Error|Exception|SkipTest): .*"):
            found: list[str] = re.findall(pattern, self.text, re.MULTILINE)
            if found:
                return found[-1].strip()
        lines = self.text.strip().splitlines()
        return lines[-1].strip() if lines else "no output"


def read_xml(path: Path, result: FileResult) -> None:
    """Adds what ``--junit-xml`` wrote. A test with a failed subtest has no name there: the log has it."""
    for case in ElementTree.parse(path).iter("testcase"):
        name = case.get("name")
        if name is None:
            continue
        # A skipped subtest stands for the whole test.
        subtest = re.match(r"([\w.<>]+) [(\[]", name)
        if subtest:
            result.add(subtest[1], Outcome(PASSED))
            continue
        bad = case.find("error") if case.find("error") is not None else case.find("failure")
        skipped = case.find("skipped")
        if bad is not None:
            message = bad.get("message", "").strip().splitlines()
            result.add(name, Outcome(FAILED, message[-1] if message else "failed"))
        elif skipped is not None:
            result.add(name, Outcome(SKIPPED, (skipped.text or "").strip()))
        elif case.find("outcome") is not None:
            result.add(name, Outcome(FAILED, "unexpected success"))
        else:
            result.add(name, Outcome(PASSED))


class Runner:
    """Runs test files with one program, python or the executable."""

    def __init__(self, program: Path, folder: Path, minor: str) -> None:
        self.program, self.folder, self.minor = program, folder, minor

    def run(self, file: str, limit: float, only: set[str] | None = None) -> FileResult:
        """The outcomes of a test file. Where a test ends the process, a further run goes on after it.

        ``limit`` is in seconds, for each part that the regression runner divides a file into. ``only`` are the test
        ids to run, all if None.
        """
        result = FileResult()
        began = time.monotonic()
        done: set[str] = set()
        for number in range(MOST_RUNS):
            text, code, xml = self.start(file, number, limit, only, done)
            log = Log(text)
            for test, reason in log.failures().items():
                result.add(test, Outcome(FAILED, reason))
            if xml.exists():
                read_xml(xml, result)
                break
            outcomes, last = log.ended()
            for test, outcome in outcomes.items():
                result.add(test, outcome)
            new = set(outcomes) | ({last} if last else set())
            if last:
                result.add(last, Outcome(FAILED, f"ended the process (exit code {code}): {log.last_words()}"))
            if not new - done:
                result.add(file, Outcome(FAILED, f"ended early (exit code {code}): {log.last_words()}"))
                break
            done |= new
        result.seconds = time.monotonic() - began
        return result

    def start(
        self, file: str, number: int, limit: float, only: set[str] | None, done: set[str]
    ) -> tuple[str, int, Path]:
        """One run: what it printed, its exit code, and where its results should be."""
        outputs = self.folder / file
        outputs.mkdir(parents=True, exist_ok=True)
        xml = outputs / f"{number}.xml"
        if xml.exists():
            xml.unlink()
        options = ["-v", f"--timeout={limit:.0f}", f"--junit-xml={xml}"]
        for option, tests in (("--matchfile", only), ("--ignorefile", done)):
            if tests:
                listed = outputs / f"{number}{option[1:]}.txt"
                listed.write_text("\n".join(sorted(tests)) + "\n", encoding="utf-8")
                options.append(f"{option}={listed}")
        file = OLD_FILE_NAMES.get(self.minor, {}).get(file, file)
        command = [str(self.program), "-I", "-m", "test", *options, file]
        temporary = Path(tempfile.mkdtemp(prefix="cp-"))
        log = outputs / f"{number}.log"
        try:
            with open(log, "wb") as output:
                code = self.wait(command, temporary, output.fileno(), limit)
        finally:
            remove(temporary)
        return log.read_text(encoding="utf-8", errors="replace"), code, xml

    @staticmethod
    def wait(command: list[str], temporary: Path, output: int, limit: float) -> int:
        """Runs a command in an empty directory, with nothing of Python's in the environment."""
        work = temporary / "work"
        work.mkdir()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment.update(TMPDIR=str(temporary), LC_ALL="C.UTF-8")
        process = subprocess.Popen(
            command,
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            # The runner keeps the limit itself, for each part; this is for one that does not.
            return process.wait(3 * limit + 60)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL
        finally:
            # Also what a test left running.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def remove(folder: Path) -> None:
    """Removes what tests left, also from directories that they made unreadable."""
    for directory, _, _ in os.walk(folder):
        os.chmod(directory, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def known_failures(minor: str) -> dict[str, str]:
    """The rows of the known list that are about a version: reasons by test id."""
    row = re.compile(r"^\|([^|]+)\|\s*`([^`]+)`\s*\|(.*)\|\s*$", re.MULTILINE)
    text = KNOWN_LIST.read_text(encoding="utf-8") if KNOWN_LIST.exists() else ""
    rows = ([part.strip() for part in found.groups()] for found in row.finditer(text))
    return {test: reason for versions, test, reason in rows if minor in re.split(r"[,\s]+", versions)}


def freeze(snapfreeze: Path, interpreter: Interpreter, output: Path) -> None:
    """Freezes the regression runner with all of the tests."""
    command: list[object] = [snapfreeze, "build", "-m", "test", "--interpreter=argv", "--include-source"]
    for package in ["test", *OTHER_TEST_PACKAGES.get(interpreter.minor, [])]:
        command += ["--collect-all", package]
    asked = subprocess.run([interpreter.python, "-I", "-c", LIBRARY], stdout=subprocess.PIPE, text=True, check=True)
    command += asked.stdout.split()
    command += ["--quiet", "--python", interpreter.python, "--output", output]
    output.parent.mkdir(parents=True, exist_ok=True)
    print(f"freezing for {interpreter.python}", flush=True)
    subprocess.run([str(part) for part in command], check=True)


@dataclass
class Comparison:
    """One file's tests that pass in python: how many pass in the executable, and why the others do not."""

    file: str
    passed: list[str]
    failed: dict[str, str]
    python_seconds: float
    frozen_seconds: float


def compare(file: str, expected: FileResult, found: FileResult) -> Comparison:
    """Finds the tests that pass in python only."""
    passed: list[str] = []
    failed: dict[str, str] = {}
    whole = found.outcomes.get(file, Outcome(MISSING, "did not run"))
    for test, outcome in expected.outcomes.items():
        if outcome.state != PASSED:
            continue
        group = test.rpartition(".")[0]
        setup = found.outcomes.get(f"{group}.setUpClass") or found.outcomes.get(
            f"{group.rpartition('.')[0]}.setUpModule"
        )
        other = found.outcomes.get(test, Outcome(MISSING, (setup or whole).reason))
        if other.state == PASSED:
            passed.append(test)
        else:
            failed[test] = f"{other.state}: {other.reason}"
    return Comparison(file, passed, failed, expected.seconds, found.seconds)


class Suite:
    """All files with one interpreter."""

    def __init__(self, interpreter: Interpreter, arguments: argparse.Namespace) -> None:
        self.interpreter, self.arguments = interpreter, arguments
        place = hashlib.sha256(str(interpreter.python).encode()).hexdigest()[:8]
        folder = arguments.target / f"{interpreter.version}-{place}"
        self.reference = folder / "reference"
        self.executable = arguments.executable or folder / "frozen" / "program"
        self.known = known_failures(interpreter.minor)
        folder.mkdir(parents=True, exist_ok=True)
        self.outputs = folder / "outputs" if arguments.keep else Path(tempfile.mkdtemp(prefix="outputs-", dir=folder))
        self.python = Runner(interpreter.python, self.outputs / "python", interpreter.minor)
        self.frozen = Runner(self.executable, self.outputs / "frozen", interpreter.minor)

    def expected(self, file: str) -> FileResult:
        """What the file's tests do in python."""
        stored = self.reference / f"{file}.json"
        if stored.exists() and not self.arguments.fresh:
            return FileResult.load(stored)
        result = self.python.run(file, PYTHON_LIMIT)
        result.save(stored)
        return result

    def one(self, file: str) -> Comparison:
        """Runs a file. Tests that failed and are not known are run a second time by themselves: what other tests
        left, or how busy the machine was, may have been the reason."""
        expected = self.expected(file)
        if self.arguments.reference_only:
            count = sum(outcome.state == PASSED for outcome in expected.outcomes.values())
            print(f"{self.interpreter.minor} {file}: {count} passed in {expected.seconds:.0f} s", flush=True)
            return Comparison(file, [], {}, expected.seconds, 0)
        limit = max(SHORTEST_LIMIT, 3 * expected.seconds)
        found = self.frozen.run(file, limit)
        comparison = compare(file, expected, found)
        surprising = comparison.failed.keys() - self.known.keys()
        again = {test for test in surprising if found.outcomes.get(test, Outcome(MISSING)).state == FAILED}
        if again and not self.arguments.no_retry:
            retried = Runner(self.executable, self.outputs / "frozen-again", self.interpreter.minor)
            found.outcomes.update(
                (test, outcome)
                for test, outcome in retried.run(file, limit, only=again).outcomes.items()
                if test in again and outcome.state == PASSED
            )
            comparison = compare(file, expected, found)
        count, bad = len(comparison.passed), len(comparison.failed)
        times = f"{expected.seconds:.0f} s, {found.seconds:.0f} s frozen"
        print(f"{self.interpreter.minor} {file}: {count} passed, {bad} failed ({times})", flush=True)
        return comparison

    def print_failures(self, comparison: Comparison, known: dict[str, str]) -> None:
        """One line a failure, or one for all tests of a file that could not be loaded."""
        lost: dict[str, int] = {}
        for test, reason in comparison.failed.items():
            if reason.startswith(MISSING) and test not in known:
                lost[reason] = lost.get(reason, 0) + 1
        for test, reason in comparison.failed.items():
            if lost.get(reason, 0) <= MOST_LINES:
                mark = "known" if test in known else "FAILED"
                print(f"{mark} {self.interpreter.minor} {test}: {reason[:300]}")
        for reason, count in lost.items():
            if count > MOST_LINES:
                print(f"FAILED {self.interpreter.minor} {count} tests of {comparison.file}: {reason[:300]}")

    def run(self) -> tuple[int, int, int]:
        """Runs all files and prints what failed: numbers of passed, failed, and those not as listed."""
        arguments, minor = self.arguments, self.interpreter.minor
        if not arguments.reference_only and not arguments.reuse and not arguments.executable:
            freeze(arguments.snapfreeze, self.interpreter, self.executable)
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            comparisons = list(pool.map(self.one, arguments.files))
        known = self.known
        failed = {test: reason for each in comparisons for test, reason in each.failed.items()}
        passed = {test for each in comparisons for test in each.passed}
        for comparison in comparisons:
            self.print_failures(comparison, known)
        passing = [test for test in known if test in passed]
        for test in passing:
            print(f"LISTED BUT PASSING {minor} {test}")
        if not arguments.keep:
            shutil.rmtree(self.outputs, ignore_errors=True)
        unlisted = sum(test not in known for test in failed)
        return len(passed), len(failed), unlisted + len(passing)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, action="append", help="an interpreter; repeatable (default: 3.10, 3.13)")
    parser.add_argument("--snapfreeze", type=Path, help="the packager (default: that under target/)")
    parser.add_argument("--executable", type=Path, help="an executable made before, instead of freezing one")
    parser.add_argument("--reuse", action="store_true", help="run the executable of the last time")
    parser.add_argument(
        "--files", type=lambda value: value.split(","), default=FILES, help="test files: test_os,test_io"
    )
    parser.add_argument("--jobs", type=int, default=1, help="test files to run at a time (default: 1)")
    parser.add_argument("--fresh", action="store_true", help="do not use python's results of last time")
    parser.add_argument("--no-retry", action="store_true", help="do not run failed tests a second time")
    parser.add_argument("--reference-only", action="store_true", help="run python's side only")
    parser.add_argument("--target", type=Path, default=PROJECT / "target" / "cpython-suite", help="where results go")
    parser.add_argument("--keep", action="store_true", help="keep what the tests printed, under the target folder")
    arguments = parser.parse_args()
    arguments.target = arguments.target.resolve()
    if arguments.executable:
        arguments.executable = arguments.executable.resolve()
    if arguments.snapfreeze is None:
        built = [PROJECT / "target" / profile / "snapfreeze" for profile in ("release", "debug")]
        arguments.snapfreeze = next((path for path in built if path.exists()), built[0])
    return arguments


def main() -> int:
    arguments = parse()
    # A shell has it ignored in what it runs in the background, and the tests would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = [Interpreter.ask(python) for python in arguments.python or []]
    interpreters = chosen or [Interpreter.find(version) for version in VERSIONS]
    results = [Suite(interpreter, arguments).run() for interpreter in interpreters]
    passed, failed, surprises = (sum(column) for column in zip(*results))
    if surprises:
        print(f"{surprises} not as {KNOWN_LIST.relative_to(PROJECT)} has it")
    print(f"{passed} passed, {failed} failed")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
