"""How small a difference between two models does each recording show?

    python benchmarks/power.py [--studies 200] [RECORDING ...]

For each region of each recording that is at hand, by RSA: the smallest difference of scores that
80 % of simulated studies find in one test at 5 %, of two models that share nothing but the signal,
and of two that share three quarters of the rest, as two trainings of one network may. `--check`
plants each difference and counts how many of as many new studies find it. The table is kept in
benchmarks/results/power.md.
"""

from __future__ import annotations

import argparse
from typing import Any

from whole_runs import results_folder

from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance
from spikelearn.comparison.power import found, regions_of, smallest_difference
from spikelearn.comparison.simulated_studies import studies_like
from spikelearn.recordings import at_hand, load

RECORDINGS = (
    "kriegeskorte92", "algonauts2019:92", "algonauts2019:78", "simulated_cortex",
    "cowley2023_v4:210325",
)  # fmt: skip
ALIKE = (0.0, 0.75)
OVER = ("stimuli", "both")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", nargs="*", default=RECORDINGS)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    folder = results_folder(parser, options)
    heads = ["recording", "region", "over", "alike", "better model scores", "smallest difference"]
    heads += ["found when planted"] if options.check else []
    lines = [
        "# The smallest difference that a recording shows", "",
        f"By RSA (Spearman), found by 80 % of {options.studies} simulated studies in one test at"
        " 5 %. Alike: what two models share beside the signal.", "",
        f"| {' | '.join(heads)} |", "|" + "---|" * len(heads),
    ]  # fmt: skip
    for name in options.recordings:
        if not at_hand(name):
            lines.append(f"| {name} | not at hand |" + " |" * (len(heads) - 2))
            continue
        recording = load(name)
        for region in regions_of(recording, "rsa"):
            lines += rows(recording, region, options.studies, options.check, len(heads))
            print(lines[-1], flush=True)
    path = folder / "power.md"
    write_text(path, "\n".join([*lines, "", *as_lines(provenance())]) + "\n")
    print(path.read_text())


def rows(recording: Any, region: str, n_studies: int, check: bool, n_cells: int) -> list[str]:
    """The lines of a region."""
    lines = []
    for over in OVER:
        for alike in ALIKE:
            start = f"| {recording.name} | {region} | {over} | {alike:g} | "
            studies, flag = studies_like(recording, region, "rsa", over, alike)
            if studies is None:
                lines.append(f"{start}{flag} |" + " |" * (n_cells - 5))
                continue
            smallest, _ = smallest_difference(studies, n_studies)
            cells = [f"{studies.scores(0)[0]:.2f}", f"{smallest:.3f}"]
            if check:
                cells.append(f"{100 * found(studies, smallest, n_studies):.0f} %")
            lines.append(f"{start}{' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
