"""Fifty threads at once with variables of their own: in C, of two access models, and in Python."""

import contextvars
import decimal
import threading

import dynamic_local
import initial_local

THREADS = 50
barrier = threading.Barrier(THREADS + 1)
own = threading.local()
variable = contextvars.ContextVar("variable", default=-1)
results = [None] * THREADS


def work(number):
    fresh = [module.fresh(number) for module in (initial_local, dynamic_local)]
    fresh.append(not hasattr(own, "number") and variable.get() == -1)
    own.number = number
    variable.set(number)
    decimal.getcontext().prec = number + 1
    barrier.wait(timeout=60)  # all threads live now, each with its own
    held = [module.holds(number) for module in (initial_local, dynamic_local)]
    held.append(own.number == number == variable.get())
    held.append(len(str(decimal.Decimal(1) / 3)) == number + 3)
    barrier.wait(timeout=60)
    results[number] = fresh + held


for module in (initial_local, dynamic_local):
    print(module.fresh(200))
for turn in range(3):  # later turns use the stacks and storage of threads that are gone
    results = [None] * THREADS
    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    barrier.wait(timeout=60)
    barrier.wait(timeout=60)
    for thread in threads:
        thread.join()
    print(turn, sum(result == [True] * 7 for result in results))
for module in (initial_local, dynamic_local):
    print(module.holds(200))
    module.in_foreign_thread(lambda *flags: print("foreign", *flags))
