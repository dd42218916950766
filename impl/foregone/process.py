"""``foregone.process``, as ``concurrent.futures.process``: the process pool's names.

It imports ``multiprocessing``; ``import foregone`` does not, until one of these names
is asked for.
"""

from foregone import compat_process
from foregone.process_pool.errors import BrokenProcessPool, ProcessDied
from foregone.process_pool.executor import ProcessPoolExecutor

__all__ = ["BrokenProcessPool", "ProcessDied", "ProcessPoolExecutor"]

#: The cause of what a process raised; CPython's tests, and others, ask for its type.
_RemoteTraceback = compat_process.RemoteTraceback
