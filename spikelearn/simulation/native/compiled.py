"""How the functions of the native engine are compiled.

`entry` is for what Python calls, `inner` and `together` for loops that compiled code alone calls,
with a few arrays each. `pasted` is for what takes the network and its state whole: to hand those on
would mean to hand on two hundred numbers, which doubles the time to compile. Its text is put where
it is called before types are known, so that what asks for `None` there is not compiled either.
"""

from __future__ import annotations

from typing import Any

from numba import njit

# Without counting who uses an array: nothing is allocated by compiled code, and to count takes a
# fifth of a step. Numba's types lack this and the next.
_UNCOUNTED: Any = {"_nrt": False}
# For what compiled code alone calls: without the code that Python would call it by, which takes an
# eighth of the time to compile.
_UNWRAPPED: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **_UNCOUNTED}
entry = njit(cache=True, nogil=True, error_model="numpy", **_UNCOUNTED)
inner = njit(cache=True, nogil=True, error_model="numpy", **_UNWRAPPED)
# The same where a product and a sum may be rounded once together, as processors do in one go.
together = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"}, **_UNWRAPPED)
pasted = njit(inline="always")
