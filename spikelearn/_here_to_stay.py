"""Imported last by the process that workers are copies of: all that it has is there to stay.

Python looks through every object now and then for those that nobody uses, and twice more when a
process ends. Of what PyTorch and the like have imported there are half a million, none of which
goes: to look through them takes a third of a second each time, and it makes each copy write, and so
have to itself, the memory in which they lie.
"""

import gc

gc.freeze()
