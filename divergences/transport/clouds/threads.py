"""Threads of our own, and none of the matrix library's while they work."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from threadpoolctl import threadpool_limits

__all__ = ["processors", "unshared"]

_LOCK = Lock()
_LIMITS: list[Any] = []  # what restores the limits, once for each solution that runs


def processors() -> int:
    """Number of processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


@contextmanager
def unshared() -> Iterator[None]:
    """Matrix products in one thread each: tiles are too small to be shared out once more.

    The limit belongs to the whole process, so it is set by the first of several solutions at once and lifted by the last.
    """
    with _LOCK:
        _LIMITS.append(None if _LIMITS else threadpool_limits(1))
    try:
        yield
    finally:
        with _LOCK:
            if len(_LIMITS) == 1:
                _LIMITS.pop().restore_original_limits()
            else:
                _LIMITS.pop()
