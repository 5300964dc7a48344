"""Takes its own lock while it is being imported: it is held, and by this thread."""

import importlib._bootstrap
import threading

lock = importlib._bootstrap._get_module_lock(__name__)
seen = [lock.owner == threading.get_ident(), bool(lock.count), lock.acquire(), len(lock.count) if isinstance(lock.count, list) else lock.count]
lock.release()
seen.append(bool(lock.count))
del lock
