"""What a program does with processes, by the start method that is the first argument. Nobody calls freeze_support."""

import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory
from multiprocessing.managers import BaseManager

OFFSET = 100


def square(number: int) -> int:
    return number * number + OFFSET


def fail(text: str) -> None:
    raise ValueError(text)


def leave(code: int) -> None:
    sys.exit(code)


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def describe(connection) -> None:
    main = sys.modules["__main__"]
    connection.send(
        {
            "argv": sys.argv[1:],
            "name": __name__,
            "main": main.__name__,
            "directory": os.getcwd(),
            "same": square is main.square,
            "file": os.path.basename(main.__file__),
            "code": os.path.basename(square.__code__.co_filename),
            "process": multiprocessing.current_process().name,
            "parent": multiprocessing.parent_process().name,
        }
    )
    connection.close()


def fill(name: str) -> None:
    memory = shared_memory.SharedMemory(name)
    memory.buf[:5] = b"child"
    memory.close()


def take_turns(lock, value, number: int) -> None:
    for _ in range(50):
        with lock:
            value.value += number


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def increase(self, number: int) -> int:
        self.count += number
        return self.count


class CounterManager(BaseManager):
    pass


CounterManager.register("Counter", Counter)


def initialise(text: str) -> None:
    globals()["initialised"] = text


def initialised_with(_number: int) -> str:
    return globals()["initialised"]


def run(context) -> None:
    with context.Pool(2, initialise, ("by initializer",)) as pool:
        print("pool", pool.map(square, range(5)), pool.apply(initialised_with, (1,)))
        try:
            pool.apply(fail, ("in the pool",))
        except ValueError as error:
            print("pool error", error, type(error.__cause__).__name__)
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        print("executor", list(executor.map(square, range(4))))
        print("executor error", repr(executor.submit(fail, "submitted").exception()))

    queue = context.Queue()
    process = context.Process(target=queue.put, args=({"sent": [1, 2]},))
    process.start()
    print("queue", queue.get(timeout=60))
    process.join()

    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=describe, args=(sender,), name="described")
    process.start()
    sender.close()
    print("description", sorted(receiver.recv().items()))
    process.join()

    codes = []
    for target, argument in ((leave, 7), (leave, 0), (fail, "uncaught")):
        process = context.Process(target=target, args=(argument,), name="child")
        process.start()
        process.join()
        codes.append(process.exitcode)
    print("exit codes", codes)
    process = context.Process(target=sleep, args=(600,))
    process.start()
    process.terminate()
    process.join()
    print("terminated", process.exitcode)

    with context.Manager() as manager:
        shared = manager.dict(start=1)
        items = manager.list([3, 1, 2])
        process = context.Process(target=shared.update, args=({"child": 2},))
        process.start()
        process.join()
        items.sort()
        print("manager", dict(shared), list(items))
    with CounterManager(ctx=context) as own:
        counter = own.Counter()
        print("own manager", counter.increase(3), counter.increase(4))

    memory = shared_memory.SharedMemory(create=True, size=16)
    process = context.Process(target=fill, args=(memory.name,))
    process.start()
    process.join()
    print("shared memory", bytes(memory.buf[:5]))
    memory.close()
    memory.unlink()

    value, lock = context.Value("i", 0), context.Lock()
    processes = [context.Process(target=take_turns, args=(lock, value, number)) for number in (1, 2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    array = context.Array("d", [0.5, 1.5])
    print("value", value.value, list(array))

    event, barrier = context.Event(), context.Barrier(1)
    process = context.Process(target=event.set)
    process.start()
    print("event", event.wait(60), barrier.wait(60))
    process.join()
    # A daemon does not outlive the program.
    context.Process(target=sleep, args=(600,), daemon=True).start()


if __name__ == "__main__":
    run(multiprocessing.get_context(sys.argv[1]))
    multiprocessing.freeze_support()
    print("done", flush=True)
