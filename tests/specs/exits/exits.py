"""Ways for a program to end. The first argument chooses one of the functions below."""

import sys


def exit_zero():
    sys.exit(0)


def exit_int():
    sys.exit(3)


def exit_none():
    sys.exit(None)


def exit_text():
    sys.exit("a last word \u00e9")


def exit_256():
    sys.exit(256)


def exit_257():
    sys.exit(257)


def exit_negative():
    sys.exit(-1)


def exit_huge():
    sys.exit(1 << 80)


def exit_bool():
    sys.exit(True)


def exit_float():
    sys.exit(2.5)


def exit_tuple():
    sys.exit((1, 2))


def exit_object():
    class Reason:
        def __str__(self):
            return "a reason"

    sys.exit(Reason())


def exit_object_whose_text_fails():
    class Reason:
        def __str__(self):
            raise ValueError("no text")

    sys.exit(Reason())


def exit_bad_code_attribute():
    error = SystemExit(1)
    del error.code
    raise error


def exit_code_attribute_changed():
    error = SystemExit(1)
    error.code = 7
    raise error


def exit_subclass():
    class Leave(SystemExit):
        code = 9

    raise Leave(1)


def exit_builtin():
    exit(4)


def quit_builtin():
    quit("by quit")


def falls_off():
    print("done")


def os_exit():
    import os

    print("not flushed", end="")
    os._exit(5)


def os_abort():
    import os

    os.abort()


def killed():
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


def exception():
    def inner(value):
        return value / 0

    inner(1)


def exception_in_method():
    class Thing:
        def act(self):
            return [item.missing for item in (1,)]

    Thing().act()


def exception_in_module():
    import trouble.raises  # noqa: F401


def exception_in_package():
    import trouble.broken  # noqa: F401


def exception_in_function_of_package():
    from trouble import call

    call(lambda: {}["key"])


def exception_chained():
    from trouble import chained

    chained.raise_from()


def exception_in_context():
    from trouble import chained

    chained.raise_during()


def exception_suppressed_context():
    from trouble import chained

    chained.raise_from_none()


def exception_with_notes():
    error = ValueError("with notes")
    if hasattr(error, "add_note"):
        error.add_note("first note")
        error.add_note("second\nnote")
    raise error


def exception_group():
    if sys.version_info < (3, 11):
        raise ValueError("no groups")
    from trouble import groups

    groups.raise_group()


def exception_whose_text_fails():
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    raise Broken()


def exception_not_utf8():
    raise ValueError("lone \udcff surrogate")


def name_error_suggests():
    number = 1
    print(nubmer, number)  # noqa: F821


def attribute_error_suggests():
    sys.exot()


def import_error_missing():
    import there_is_no_such_module  # noqa: F401


def import_error_missing_name():
    from trouble import nothing  # noqa: F401


def import_error_missing_submodule():
    import trouble.nothing  # noqa: F401


def import_error_not_a_package():
    import trouble.raises_nothing.nothing  # noqa: F401


def import_error_circular():
    import trouble.circle  # noqa: F401


def import_error_relative():
    from . import anything  # noqa: F401


def syntax_error_in_exec():
    exec("one = 1\ntwo = = 2\n")


def syntax_error_in_compile():
    compile("def f(:\n  pass\n", "made-up.py", "exec")


def indentation_error_in_exec():
    exec("if True:\npass\n")


def recursion_error():
    def down(number):
        return down(number + 1)

    down(0)


def memory_error():
    [0] * (1 << 62)


def keyboard_interrupt_raised():
    raise KeyboardInterrupt


def keyboard_interrupt_caught():
    import signal

    try:
        signal.raise_signal(signal.SIGINT)
        for _ in range(1000000):
            pass
    except KeyboardInterrupt:
        print("caught")
        sys.exit(8)


def sigint():
    import signal
    import time

    signal.raise_signal(signal.SIGINT)
    time.sleep(5)


def sigint_ignored():
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.raise_signal(signal.SIGINT)
    print("still here")


def sigterm():
    import signal
    import time

    signal.raise_signal(signal.SIGTERM)
    time.sleep(5)


def sigterm_handled():
    import signal

    def handler(number, frame):
        print("handler", number, frame.f_code.co_name)
        sys.exit(11)

    signal.signal(signal.SIGTERM, handler)
    signal.raise_signal(signal.SIGTERM)
    for _ in range(1000000):
        pass


def signal_dispositions():
    import signal

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP, signal.SIGXFSZ):
        print(number, signal.getsignal(number))


def broken_pipe():
    import os

    read, write = os.pipe()
    os.close(read)
    os.write(write, b"x")


def stdout_to_a_closed_pipe():
    """Writes on once the reader is gone: before that, a full pipe might take a part of a write."""
    import select

    print("line", flush=True)
    reader = select.poll()
    reader.register(1, 0)
    reader.poll(None if len(sys.argv) == 2 else 0)
    for number in range(100000):
        print("line", number)


def prints_much():
    print("x" * 100)


def stdout_closed_by_program():
    sys.stdout.close()


def stdout_is_none():
    sys.stdout = None
    print("nowhere")


def stdout_descriptor_closed():
    import os

    print("lost")
    os.close(1)


def standard_streams():
    import os

    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        os.write(int(sys.argv[2]), f"{name} {stream is None}\n".encode())


def atexit_order():
    import atexit

    atexit.register(print, "registered first")
    atexit.register(print, "registered last")
    sys.exit(6)


def atexit_fails():
    import atexit

    def fail():
        raise ValueError("from atexit")

    atexit.register(print, "runs after the failure")
    atexit.register(fail)


def atexit_exits():
    import atexit

    def leave():
        sys.exit(12)

    atexit.register(leave)


def atexit_after_exception():
    import atexit

    atexit.register(print, "atexit ran")
    raise ValueError("first")


def thread_outlives_main():
    import threading
    import time

    def work():
        time.sleep(0.05)
        print("thread done")

    threading.Thread(target=work).start()
    print("main done")


def thread_daemon():
    import threading
    import time

    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    print("main done")


def thread_raises():
    import threading

    def work():
        raise ValueError("in thread")

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join()


def thread_exits():
    import threading

    thread = threading.Thread(target=sys.exit, args=(3,))
    thread.start()
    thread.join()
    print("main goes on")


def thread_interrupts_main():
    import _thread
    import time

    _thread.start_new_thread(_thread.interrupt_main, ())
    time.sleep(5)


def pool_at_exit():
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(2)
    futures = [pool.submit(pow, number, 2) for number in range(5)]
    print(sum(future.result() for future in futures))


def faulthandler_abort():
    import faulthandler
    import os

    faulthandler.enable()
    os.abort()


def faulthandler_dump():
    import faulthandler

    faulthandler.dump_traceback()


def excepthook():
    def hook(kind, error, trace):
        print("hook", kind.__name__, error, trace is None)

    sys.excepthook = hook
    raise ValueError("hooked")


def excepthook_fails():
    def hook(kind, error, trace):
        raise RuntimeError("hook failed")

    sys.excepthook = hook
    raise ValueError("hooked")


def excepthook_deleted():
    del sys.excepthook
    raise ValueError("no hook")


def unraisable():
    class Fragile:
        def __del__(self):
            raise ValueError("in del")

    Fragile()
    print("after")


def unraisable_hook():
    class Fragile:
        def __del__(self):
            raise ValueError("in del")

    sys.unraisablehook = lambda info: print("unraisable", info.exc_value)
    Fragile()


def del_at_shutdown():
    class Last:
        def __del__(self):
            print("del", sys is not None)

    global last
    last = Last()


def weak_references_at_shutdown():
    import functools
    import weakref

    class Referent:
        pass

    def reference(lasting, name):
        # What refers to nothing of this module outlives it.
        return weakref.ref(lasting, functools.partial(print, name, file=sys.stdout, flush=True))

    global referent
    referent = Referent()
    code = sys.modules["_frozen_importlib"]._find_spec.__code__
    sys.references = [reference(referent, "object"), reference(int, "type"), reference(code, "code")]
    weakref.finalize(referent, print, "finalized")


def thread_local_at_shutdown():
    import threading

    class Last:
        def __init__(self, name):
            self.name = name

        def __del__(self):
            print("del", self.name, len(str(1.5)), isinstance(self.name, str), flush=True)

    global values
    values = threading.local()
    values.last = Last("main")
    thread = threading.Thread(target=lambda: setattr(values, "last", Last("thread")))
    thread.start()
    thread.join()


def types_and_strings_at_shutdown():
    import os

    class Last:
        def __del__(self, type=type, dict=dict, intern=sys.intern, error=OSError, write=os.write):
            made = type("Made", (dict,), {intern("a name"): len})(one=1)
            write(1, f"{made} {type(made).__mro__} {error(2, 'no')!r}\n".encode())

    sys.last = Last()
    global last
    last = Last()


def interpreters_at_shutdown():
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    code = "import sys\nclass Last:\n def __del__(self): print('del', flush=True)\nlast = Last()"
    for _ in range(2):
        number = interpreters.create()
        interpreters.run_string(number, code)
        interpreters.destroy(number)
    print(type("After", (Exception,), {})("all"), flush=True)


def child_ends_first():
    import os

    for code in (0, 7):
        child = os.fork()
        if not child:
            sys.exit(code)
        print(os.waitpid(child, 0)[1], flush=True)


def process_of_multiprocessing():
    import multiprocessing

    child = multiprocessing.get_context("fork").Process(target=sys.exit, args=(5,))
    child.start()
    child.join()
    print(child.exitcode)


def generator_at_shutdown():
    def generate():
        try:
            yield 1
        finally:
            print("generator closed")

    global generator
    generator = generate()
    next(generator)


def coroutine_never_awaited():
    async def nothing():
        pass

    nothing()


def warning():
    import warnings

    warnings.warn("watch out")
    warnings.warn("old", DeprecationWarning)
    from trouble import warns

    warns.warn_caller()


def resource_warning():
    import warnings

    warnings.simplefilter("always")
    open("/dev/null")


def asyncio_exits():
    import asyncio

    async def main():
        await asyncio.sleep(0)
        sys.exit(13)

    asyncio.run(main())


def asyncio_interrupted():
    import asyncio
    import signal

    async def main():
        asyncio.get_running_loop().call_later(0.02, signal.raise_signal, signal.SIGINT)
        try:
            await asyncio.sleep(5)
        finally:
            print("cleaned up")

    asyncio.run(main())


def asyncio_exception():
    import asyncio

    async def main():
        await asyncio.sleep(0)
        raise ValueError("in task")

    asyncio.run(main())


def main_as_future_modules_see_it():
    import __main__

    print(__main__.__name__, __main__ is sys.modules["__main__"], __main__.falls_off is falls_off)


def fork_and_import():
    import os

    child = os.fork()
    if child == 0:
        import trouble.raises_nothing

        print("child", trouble.raises_nothing.VALUE, flush=True)
        sys.exit(14)
    print("status", os.waitpid(child, 0)[1])


def fork_and_raise():
    import os

    child = os.fork()
    if child == 0:
        raise ValueError("in child")
    print("status", os.waitpid(child, 0)[1])


def waits_for_a_signal():
    import time

    print("waiting", flush=True)
    time.sleep(30 if len(sys.argv) == 2 else 0)


def buffering():
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        print(stream.isatty(), stream.line_buffering, stream.write_through, stream.encoding, stream.errors)


def stdin_lines():
    for line in sys.stdin:
        print(repr(line))


def stdin_input():
    print(repr(input("prompt> ")))
    print(repr(input()))
    input()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
