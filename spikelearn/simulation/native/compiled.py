"""How the functions of the native engine are compiled.

`entry` is for what Python calls, `inner` and `together` for loops that compiled code alone calls,
with a few arrays each. `pasted` is for what takes the network and its state whole, which in one
piece would be hundreds of numbers to hand on: its text is put where it is called, before types are
known. A question whether there are `models`, `inputs` or anything `plastic` is better asked around
such a call than within what is called: what is not needed is then not even put in. Every call costs
a copy of what is around it, so `pasted` is for a few large parts and not for small loops.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from spikelearn._compiling import compiled

# Without counting who uses an array: nothing is allocated by compiled code, and to count takes a
# fifth of a step. Numba's types lack this and the next.
_UNCOUNTED: Any = {"_nrt": False}
# For what compiled code alone calls: without the code that Python would call it by, which takes an
# eighth of the time to compile.
_UNWRAPPED: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **_UNCOUNTED}
entry = compiled(nogil=True, error_model="numpy", **_UNCOUNTED)
inner = compiled(nogil=True, error_model="numpy", **_UNWRAPPED)
# The same where a product and a sum may be rounded once together, as processors do in one go.
together = compiled(nogil=True, error_model="numpy", fastmath={"contract"}, **_UNWRAPPED)
pasted = njit(inline="always")
