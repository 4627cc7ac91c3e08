"""Turns a plain loop over arrays into machine code, and remembers the code between starts."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])
AVAILABLE = find_spec("numba") is not None
"""Whether there is a compiler; the fallbacks of spans.py and nms.py need only NumPy and SciPy."""

njit: Any = import_module("numba").njit if AVAILABLE else None


def compiled(function: F) -> F:
    """Compile a function with numba, without the GIL and without inexact arithmetic.

    Where the machine code cannot be kept on disk (a read-only installation without a home folder)
    it is made anew in each process. Without numba the function stays as it is.
    """
    if not AVAILABLE:
        return function
    try:
        return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:
        return cast(F, njit(nogil=True, error_model="numpy")(function))
