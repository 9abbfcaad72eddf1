"""A worker keeps freed memory as a process that computes alone does."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from spikelearn._allocator import keep_freed_memory

# Arrays of 256 kB are made and freed, as by a training; pages taken from the system are counted.
PROGRAM = """
import ctypes, resource, sys, threading
import spikelearn._allocator as allocator

if sys.argv[1] == "keeps":
    allocator.keep_freed_memory()

def steps():
    for _ in range(400):
        bytearray(2**18)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for run in (steps, lambda: (t := threading.Thread(target=steps), t.start(), t.join())):
    run()
    before = faults()
    run()
    print(faults() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="no glibc")
def test_what_is_freed_is_taken_again_and_not_from_the_system():
    as_dask_has_it = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}
    found = {}
    for kind in ("keeps", "gives"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, kind], env=as_dask_has_it, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        found[kind] = [int(number) for number in done.stdout.split()]
    main, thread = found["keeps"]
    assert main < 1000
    assert thread < 1000
    assert min(found["gives"]) > 10 * max(found["keeps"])


def test_it_is_asked_for_once():
    keep_freed_memory()
    keep_freed_memory()
    assert keep_freed_memory.cache_info().currsize == 1
