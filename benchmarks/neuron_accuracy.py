"""How large a time step does each neuron model bear?

    python benchmarks/neuron_accuracy.py                 # all models; a minute
    python benchmarks/neuron_accuracy.py --only izhikevich

Published cells of every model are shown nine inputs (`spikelearn.simulation.accuracy`) at steps of
0.05 to 2 ms, and their spikes counted beside those at 0.005 ms. That these are right is proven by
integrators written anew, in tests/oracles/test_neuron_accuracy_oracles.py. In the table stand the
spikes / those at the fine step, with "!" where they are not right; where there are none the largest
error of the potential. Results are written to benchmarks/results/neuron_accuracy.md.
"""

from __future__ import annotations

import argparse
import sys

import pandas as pd
from whole_runs import results_folder

from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance
from spikelearn.networks.neurons import (
    LIF,
    QIF,
    AdaptiveLIF,
    AdEx,
    HodgkinHuxley,
    Izhikevich,
    NeuronModel,
)
from spikelearn.simulation.accuracy import accuracy_of

LEAKY = {"size": 1, "v_rest_mv": -70.0, "v_threshold_mv": -55.0, "leak_ns": 10.0}
IZHIKEVICH = {"model": "izhikevich", "size": 1}
CELLS: dict[str, NeuronModel] = {
    "lif": LIF.model_validate(LEAKY),
    "adaptive_lif": AdaptiveLIF.model_validate(
        {**LEAKY, "threshold_increment_mv": 1.0, "tau_threshold_ms": 50.0}
    ),
    "adex": AdEx(model="adex", size=1),
    "adex, bursting": AdEx(model="adex", size=1, v_reset_mv=-47.2),
    "izhikevich, regular spiking": Izhikevich.model_validate(IZHIKEVICH),
    "izhikevich, fast spiking": Izhikevich.model_validate(
        {**IZHIKEVICH, "a_per_ms": 0.1, "d_mv_per_ms": 2.0}
    ),
    "izhikevich, chattering": Izhikevich.model_validate(
        {**IZHIKEVICH, "c_mv": -50.0, "d_mv_per_ms": 2.0, "v_init_mv": -70.0}
    ),
    "qif": QIF(model="qif", size=1, leak_ns=10.0),
    "hodgkin_huxley": HodgkinHuxley(model="hodgkin_huxley", size=1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", default="", help="the beginning of a cell's name")
    options = parser.parse_args()
    chosen = {name: cell for name, cell in CELLS.items() if name.startswith(options.only)}
    if not chosen:
        sys.exit(f"no cell's name begins with '{options.only}'; cells are {', '.join(CELLS)}")
    command = " ".join(["python benchmarks/neuron_accuracy.py", *sys.argv[1:]])
    lines = ["# Accuracy of neuron models", "", f"Command: `{command}`  "]
    lines += [*as_lines(provenance()), ""]
    for name, cell in chosen.items():
        lines += section(name, cell)
        print("\n".join(lines[-12:]), flush=True)
    write_text(results_folder(parser, options) / "neuron_accuracy.md", "\n".join(lines))


def section(name: str, cell: NeuronModel) -> list[str]:
    """A table of one cell: a row a step, a column an input."""
    table = accuracy_of(cell)
    table["told"] = [told(row) for _, row in table.iterrows()]
    wide = table.pivot(index="dt_ms", columns="input", values="told")[table["input"].unique()]
    right = table.groupby("dt_ms")["right"].all().cummin()
    trusted = right.index[right].max() if right.any() else 0.0
    head = ["dt, ms", *wide.columns]
    rows = [[f"{dt:g}", *cells] for dt, cells in zip(wide.index, wide.to_numpy(), strict=True)]
    return [
        f"## {name}: right up to {trusted:g} ms (the model is trusted up to"
        f" {cell.trusted_dt_ms:g} ms)",
        "",
        *("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)),
        "",
    ]


def told(row: pd.Series) -> str:
    """What stands in a cell of the table."""
    mark = "" if row["right"] else " !"
    if row["spikes"] == row["spikes_fine"] == 0:
        return f"{row['v_error_mv']:.3f} mV{mark}"
    return f"{row['spikes']}/{row['spikes_fine']}{mark}"


if __name__ == "__main__":
    main()
