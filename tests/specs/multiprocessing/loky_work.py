"""joblib and loky, with functions of the main module and lambdas, which cloudpickle sends by value."""

import os
import sys

import joblib
import loky

FACTOR = 3


def triple(number: int) -> int:
    return number * FACTOR


def fail(number: int) -> None:
    raise KeyError(number)


if __name__ == "__main__":
    print(joblib.Parallel(n_jobs=2)(joblib.delayed(triple)(number) for number in range(4)))
    print(joblib.Parallel(n_jobs=2)(joblib.delayed(lambda number: number + 1)(number) for number in range(4)))
    print(joblib.Parallel(n_jobs=2, backend="multiprocessing")(joblib.delayed(triple)(n) for n in range(3)))
    try:
        joblib.Parallel(n_jobs=2)(joblib.delayed(fail)(number) for number in (7,))
    except KeyError as error:
        print("error", error)
    executor = loky.get_reusable_executor(max_workers=2)
    print(list(executor.map(triple, range(3))), executor.submit(os.path.basename, "a/b").result())
    print(executor.submit(lambda: sys.argv[1:]).result())
    other = loky.ProcessPoolExecutor(2, context=loky.backend.get_context("loky_init_main"))
    print(list(other.map(triple, range(3))))
    other.shutdown()
