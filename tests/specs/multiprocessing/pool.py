"""A pool of forked processes."""

import multiprocessing


def square(number: int) -> int:
    return number * number


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        print(pool.map(square, range(5)))
    queue = context.SimpleQueue()
    process = context.Process(target=queue.put, args=("sent",))
    process.start()
    print(queue.get())
    process.join()
    print(process.exitcode)
