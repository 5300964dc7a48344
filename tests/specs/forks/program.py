"""Forks at one moment of its imports: at the profiler's event whose number is the argument. Both processes go on.

Without an argument it prints how many events there are.
"""

import posix
import sys
import warnings

warnings.simplefilter("always", DeprecationWarning)
events = 0
moment = int(sys.argv[1]) if len(sys.argv) > 1 else -1
child = -1


def may_fork(frame):
    """Not while this thread holds a lock that is made new in a child: logging's, in each version of python."""
    while frame:
        if frame.f_globals["__name__"] == "logging" and frame.f_code.co_name != "<module>":
            return False
        frame = frame.f_back
    return True


def count(frame, event, argument):
    global events, child
    events += 1
    if moment > 0 and events >= moment and may_fork(frame):
        sys.setprofile(None)
        child = posix.fork()


sys.setprofile(count)
import decimal
import json
import lzma
import sqlite3
import ssl

sys.setprofile(None)
import threading
import xml.etree.ElementTree  # after the fork, in both

results = []
thread = threading.Thread(target=lambda: results.append(decimal.Decimal(1) / 3))
thread.start()
thread.join()
connection = sqlite3.connect(":memory:")
results.append(connection.execute("select 2 * 3").fetchone()[0])
connection.close()
results.append(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).verify_mode.name)
results.append(json.dumps({"a": 1}))
results.append(lzma.decompress(lzma.compress(b"x" * 10)).decode())
results.append(xml.etree.ElementTree.fromstring("<a/>").tag)
if child == 0:
    sys.stdout.write("child %s\n" % results)
    sys.stdout.flush()
    posix._exit(7)
if child > 0:
    process, status = posix.waitpid(child, 0)
    assert process == child
    print("child ended with", posix.WEXITSTATUS(status) if posix.WIFEXITED(status) else "signal %d" % posix.WTERMSIG(status))
print("parent", results)
if moment < 0:
    print(events)
