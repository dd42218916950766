"""``foregone.thread``, as ``concurrent.futures.thread``: the thread pool's names."""

from foregone.errors import BrokenThreadPool
from foregone.thread_pool import ThreadPoolExecutor

__all__ = ["BrokenThreadPool", "ThreadPoolExecutor"]
