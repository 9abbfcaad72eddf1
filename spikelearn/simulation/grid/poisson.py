"""Poisson numbers for all neurons of a population at all steps, each by its place alone.

Background input takes one for each neuron and step, which once cost more than all else. Here
whoever needs some of them draws those, in any order: the parts of a network its own neurons',
each engine as many steps as it likes. All is done by whole numbers, so that no machine rounds
otherwise than another.

Random bits are a function of a key and of a place, and of nothing else: Philox with four words of
64 bits and ten rounds (Salmon et al. 2011, doi:10.1145/2063384.2063405), as `numpy.random.Philox`
has it.

Where means are at least `_FEW`, each number has 16 random bits of its own. They tell it by a table
of the distribution but for few of them that lie on a boundary, which get 48 more: inversion to the
64th bit (where the table begins to be looked at says a guide table, Chen & Asau 1974,
doi:10.1080/00401706.1974.10489208).

Where means are small, a tile of 4,096 numbers, of some neighbouring neurons at some steps, is drawn
at once: how many spikes there are in it, which is a Poisson number too, and then the place of each
of them. The numbers at the places are independent Poisson numbers by that.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from spikelearn._compiling import compiled

_FEW = 0.4  # from where on it takes longer to place spikes than to look at every number
_LARGEST = 60_000.0  # of which a number fits into 16 bits; larger means are sums of several
_MOST_SUMMED = 1_000
LARGEST_MEAN = _LARGEST * _MOST_SUMMED
"""Larger ones are refused."""

_TILE_BITS, _NARROWEST_BITS, _WIDEST_BITS = 12, 4, 8
_GROUP = 16  # numbers of four words: of as many neurons, which all are drawn where one is wanted
_GUIDE_BITS = 12
_ON_BOUNDARY = 0x8000
# What words are for, which is a word of their counter.
_BITS, _MORE_BITS, _NUMBER, _PLACES = (np.uint64(k) for k in range(4))
_0 = np.uint64(0)
_MULTIPLIER, _OTHER_MULTIPLIER = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_INCREMENT, _OTHER_INCREMENT = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_ROUNDS = 10


class PoissonNumbers:
    """The numbers of one mean for a population of one size; equal ones share theirs.

    Parameters
    ----------
    mean : float
        At most `LARGEST_MEAN`.
    size : int
        Neurons.
    """

    def __init__(self, mean: float, size: int) -> None:
        self.few = mean < _FEW
        self.n_summed = max(1, math.ceil(mean / _LARGEST))
        self.dtype = np.dtype(np.uint16 if self.n_summed == 1 else np.int64)
        bits = min(max((size - 1).bit_length(), _NARROWEST_BITS), _WIDEST_BITS)
        self.width_bits = bits
        each = mean * 2**_TILE_BITS if self.few else mean / self.n_summed
        self.least, self.above = boundaries(each)
        self.guide = np.zeros(0, np.uint16) if self.few else _guide(self.above)

    def draw(self, key: np.ndarray, first_step: int, low: int, counts: np.ndarray) -> None:
        """Write the numbers of some steps and neurons.

        Parameters
        ----------
        key : array of two uint64
            Of the stream; see `spikelearn._seeding.counter_key`.
        first_step, low : int
            The first step, and the first neuron.
        counts : array of shape (n_steps, n_neurons)
            Where they are written; of integers in which those of `dtype` have room.
        """
        if self.few:
            counts[...] = 0
            _place(key, first_step, low, self.width_bits, self.least, self.above, counts)
            return
        _look_up(key, first_step, low, 0, self.least, self.above, self.guide, counts)
        for which in range(1, self.n_summed):
            more = np.empty_like(counts)
            _look_up(key, first_step, low, which, self.least, self.above, self.guide, more)
            counts += more


@functools.lru_cache(maxsize=256)
def poisson_numbers(mean: float, size: int) -> PoissonNumbers:
    """The numbers of that mean for a population of that size."""
    return PoissonNumbers(mean, size)


def boundaries(mean: float) -> tuple[int, np.ndarray]:
    """The Poisson distribution as a random word of 64 bits tells its numbers.

    Parameters
    ----------
    mean : float

    Returns
    -------
    least : int
    above : array of uint64
        A word stands for `least`, and one more for each of them that is not above it.
    """
    if mean == 0:
        return 0, np.zeros(0, np.uint64)
    # By exact fractions: terms on both sides of the largest, which is 1 in units of 2^-192.
    numerator, denominator = mean.as_integer_ratio()
    largest, negligible = int(mean), 1 << 96
    terms = [1 << 192]
    number = largest
    while number > 0 and terms[-1] > negligible:
        terms.append(terms[-1] * number * denominator // numerator)
        number -= 1
    least = number
    terms.reverse()
    number = largest
    while terms[-1] > negligible:
        number += 1
        terms.append(terms[-1] * numerator // (number * denominator))
    total, below, above = sum(terms), 0, []
    for term in terms:
        below += term
        above.append((below << 64) // total)
    n_first = sum(boundary == 0 for boundary in above)
    return least + n_first, np.array([b for b in above[n_first:] if b < 2**64], dtype=np.uint64)


def _guide(above: np.ndarray) -> np.ndarray:
    """What words that begin with so many bits stand for, more than the least; or is to be added to.

    Where that is not the same for all of them it is the least, and marked.
    """
    spacing = 1 << (64 - _GUIDE_BITS)
    firsts = np.arange(2**_GUIDE_BITS, dtype=np.uint64) * np.uint64(spacing)
    least = np.searchsorted(above, firsts, side="right")
    most = np.searchsorted(above, firsts + np.uint64(spacing - 1), side="right")
    return (least | np.where(least < most, _ON_BOUNDARY, 0)).astype(np.uint16)


@intrinsic
def _upper_half(typing: Any, one: Any, other: Any) -> Any:
    """The upper 64 bits of the product of two numbers of 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(given[0], wide), builder.zext(given[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


upper_half: Any = _upper_half  # to type checkers it is what it is defined as


@compiled(nogil=True)
def philox(
    place: np.uint64,
    of: np.uint64,
    what: np.uint64,
    which: np.uint64,
    key: np.uint64,
    other_key: np.uint64,
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:  # pragma: no cover - compiled
    """Four random words of 64 bits.

    Parameters
    ----------
    place, of, what, which : uint64
        The counter, its lowest word first: whatever tells these words from all others of the key.
    key, other_key : uint64
    """
    for _ in range(_ROUNDS):
        upper, other_upper = upper_half(_MULTIPLIER, place), upper_half(_OTHER_MULTIPLIER, what)
        lower, other_lower = _MULTIPLIER * place, _OTHER_MULTIPLIER * what
        place, of = other_upper ^ of ^ key, other_lower
        what, which = upper ^ which ^ other_key, lower
        key += _INCREMENT
        other_key += _OTHER_INCREMENT
    return place, of, what, which


@compiled(nogil=True)
def _look_up(
    key: np.ndarray,
    first_step: int,
    low: int,
    which: int,
    least: int,
    above: np.ndarray,
    guide: np.ndarray,
    counts: np.ndarray,
) -> None:  # pragma: no cover - compiled
    key0, key1 = key[0], key[1]
    which_word = np.uint64(which)
    n_steps, size = counts.shape
    first_group, end_group = low // _GROUP, (low + size + _GROUP - 1) // _GROUP
    before = low - first_group * _GROUP
    words = np.empty(4 * (end_group - first_group), dtype=np.uint64)
    sixteens = words.view(np.uint16)  # of a word the lowest bits first
    for row in range(n_steps):
        step = np.uint64(first_step + row)
        for group in range(first_group, end_group):
            place = 4 * (group - first_group)
            drawn = philox(np.uint64(group), step, _BITS, which_word, key0, key1)
            words[place], words[place + 1], words[place + 2], words[place + 3] = drawn
        for j in range(size):
            bits = sixteens[before + j]
            found = np.int64(guide[bits >> (16 - _GUIDE_BITS)])
            if found & _ON_BOUNDARY:
                found &= _ON_BOUNDARY - 1
                while found < above.size and (above[found] >> np.uint64(48)) < bits:
                    found += 1
                if found < above.size and (above[found] >> np.uint64(48)) == bits:
                    more = philox(np.uint64(low + j), step, _MORE_BITS, which_word, key0, key1)[0]
                    word = np.uint64(bits) << np.uint64(48) | more >> np.uint64(16)
                    while found < above.size and above[found] <= word:
                        found += 1
            counts[row, j] = least + found


@compiled(nogil=True)
def _place(
    key: np.ndarray,
    first_step: int,
    low: int,
    width_bits: int,
    least: int,
    above: np.ndarray,
    counts: np.ndarray,
) -> None:  # pragma: no cover - compiled
    key0, key1 = key[0], key[1]
    n_steps, size = counts.shape
    step_bits = _TILE_BITS - width_bits
    for tile in range(first_step >> step_bits, ((first_step + n_steps - 1) >> step_bits) + 1):
        steps_before = (tile << step_bits) - first_step
        for beside in range(low >> width_bits, ((low + size - 1) >> width_bits) + 1):
            neurons_before = (beside << width_bits) - low
            word = philox(np.uint64(beside), np.uint64(tile), _NUMBER, _0, key0, key1)[0]
            number = least + np.searchsorted(above, word, side="right")
            for sixteen in range(0, number, 16):
                words = philox(
                    np.uint64(beside), np.uint64(tile), _PLACES, np.uint64(sixteen // 16),
                    key0, key1,
                )  # fmt: skip
                for spike in range(min(16, number - sixteen)):
                    bits = words[spike >> 2] >> np.uint64(16 * (spike & 3) + 16 - _TILE_BITS)
                    place = np.int64(bits & np.uint64(2**_TILE_BITS - 1))
                    row = steps_before + (place >> width_bits)
                    neuron = neurons_before + (place & ((1 << width_bits) - 1))
                    if 0 <= row < n_steps and 0 <= neuron < size:
                        counts[row, neuron] += 1
