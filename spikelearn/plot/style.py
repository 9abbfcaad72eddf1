"""How every picture looks, and the axis that it is drawn into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours that the colour-blind can tell apart (Okabe & Ito 2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
# Of lines beyond so many colours, the lengths of dashes and gaps; none for a line without gaps.
_DASHES: tuple[tuple[int, ...], ...] = ((), (6, 3), (2, 2), (8, 3, 2, 3))
STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "svg.hashsalt": "spikelearn",  # identifiers in the file are the same in every run
    "svg.fonttype": "path",
    # User text is never mathematics: a dollar sign is a dollar sign.
    "text.parse_math": False,
}


def dash(number: int) -> tuple[int, ...]:
    """Lengths of dashes and gaps that tell lines of one colour apart; the first is solid."""
    if number < len(_DASHES):
        return _DASHES[number]
    return (10, 3) + (2, 3) * (number - len(_DASHES) + 2)


def pens(colours: Sequence[str]) -> list[dict[str, Any]]:
    """Colour and line style of each line, as matplotlib takes them: no two lines are alike.

    Parameters
    ----------
    colours : sequence of str
        Of the lines; where one comes again, the line is dashed.
    """
    used: Counter[str] = Counter()
    found = []
    for colour in colours:
        lengths = dash(used[colour])
        used[colour] += 1
        found.append({"color": colour, "linestyle": (0, lengths) if lengths else "solid"})
    return found


def pens_of(number: int) -> list[dict[str, Any]]:
    """Colour and line style of so many lines."""
    return pens([COLOURS[i % len(COLOURS)] for i in range(number)])


@contextmanager
def styled() -> Iterator[None]:
    """Draw under the toolkit's style, whatever the user's matplotlib settings are."""
    import matplotlib as mpl

    style = {**mpl.rcParamsDefault, **STYLE}
    # These stay the user's. To set the backend imports pyplot, which nothing here needs.
    del style["backend"], style["interactive"]
    interactive = mpl.rcParams["interactive"]
    try:
        with mpl.rc_context(style):
            try:
                yield
            finally:
                # A notebook's backend turns it on when the first figure is made; were that undone,
                # later figures would not show themselves.
                interactive = mpl.rcParams["interactive"]
    finally:
        mpl.rcParams["interactive"] = interactive


@contextmanager
def drawing(ax: Axes | None, width: float = 6.4, height: float = 3.2) -> Iterator[Axes]:
    """The axis to draw into, under the toolkit's style.

    Parameters
    ----------
    ax : Axes or None
        The one to draw into; where there is none, that of a new figure of pyplot.
    width, height : float
        Of such a figure, in inches.

    Raises
    ------
    SpikelearnError
        Where `ax` is no axis.
    """
    if ax is not None and not (hasattr(ax, "plot") and hasattr(ax, "imshow")):
        raise SpikelearnError(
            f"ax is one axis of matplotlib, as plt.subplots() gives, found {type(ax).__name__}"
        )
    with styled():
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots(figsize=(width, height), layout="constrained")[1]
        else:
            # What the axis was made with; all that is added has the style.
            for side in {"top", "right"} & set(ax.spines):
                ax.spines[side].set_visible(False)
        # These texts are older than the style.
        for text in (ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label):  # type: ignore[attr-defined]
            text.set_parse_math(False)
        yield ax


def say_nothing_to_draw(axis: Axes, reason: str) -> None:
    """Leave a panel empty but for the reason."""
    axis.text(0.5, 0.5, reason, transform=axis.transAxes, ha="center", va="center", color="#5c5c5c")
    axis.set_xticks([])
    axis.set_yticks([])


def described_size(size: int) -> str:
    """How many neurons, in words."""
    return counted(size, "neuron")
