"""A page for every shipped model: what it is, its YAML, its spikes or layers, what is known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from museums.benchmarks import accuracies
from museums.kept import SIMULATING, kept
from museums.published import PUBLISHED, Run
from museums.rst import Pages, block, contents, facts, heading, page, picture, prose, table
from spikelearn._files import find_yaml, read_yaml, shipped_names
from spikelearn._room import in_number
from spikelearn.networks import load_model
from spikelearn.networks.display import joined_how
from spikelearn.networks.model_sizes import model_size
from spikelearn.plot.style import styled
from spikelearn.report.pictures import panels, write_picture
from spikelearn.report.raster import plot_raster
from spikelearn.simulation import simulate
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli import load_protocol

SEED = 0
KINDS = {
    "spiking": "a spiking network that is simulated",
    "mlp": "a multi-layer perceptron",
    "cnn": "a convolutional network",
    "residual_mlp": "a residual multi-layer perceptron",
    "elman": "a recurrent network",
    "gru": "a recurrent network with gates",
    "spiking_mlp": "a network of spiking layers that is trained",
    "spiking_cnn": "a convolutional network of spiking layers that is trained",
    "latency_mlp": "a network of spike times that is trained",
    "latency_cnn": "a convolutional network of spike times that is trained",
}


def write(pages: Pages, pictures: Path) -> None:
    """A page for each shipped model, and one that lists them."""
    names = shipped_names("models")
    for name in names:
        of_model(pages, name, pictures)
    pages.text("models/index.rst", overview(names))


def of_model(pages: Pages, name: str, pictures: Path) -> None:
    """Write the page of a model, and its picture."""
    model = load_model(name)
    if model.kind == "spiking":
        shown, known = spikes(name, model, pictures)
        tables = populations(model)
        run = (
            f"$ spikelearn train {name} --stimuli mnist"
            if is_plastic(model)
            else f"$ spikelearn simulate {name}{command_options(name, model)} --plot raster.png"
        )
    else:
        shown, known = layers(name, model, pictures), ""
        tables = size(model)
        run = f"$ spikelearn train --model {name}"
    file, words = shown
    pages.file(f"models/{name}.png", file)
    pages.file(f"models/{name}.yaml", find_yaml("models", name))
    pages.text(
        f"models/{name}.rst",
        page(
            f".. _model-{name}:\n",
            heading(name),
            f"{prose(model.description)}\n" if model.description else "",
            f"*{kind_in_words(model.kind).capitalize()}.*" + reference(model) + "\n",
            block(run, "console"),
            picture(f"{name}.png", words),
            f"{words}\n",
            known,
            tables,
            trained(name),
            heading("Description", "-"),
            f".. literalinclude:: {name}.yaml\n   :language: yaml\n",
        ),
    )


def kind_in_words(kind: str) -> str:
    """What a kind of model is."""
    return KINDS.get(kind, kind.replace("_", " "))


def reference(model: Any) -> str:
    """Whose network it is."""
    return f" {prose(model.reference)}." if model.reference else ""


def the_run(name: str) -> Run:
    """How a model is run for its page."""
    return PUBLISHED.get(name, Run(500.0, ()))


def command_options(name: str, model: Any) -> str:
    """What `spikelearn simulate` is told to do what the picture shows."""
    run, shown = the_run(name), stimulus(name, model)
    scale = f" --scale {run.scale:g}" if run.scale != 1 else ""
    given = f" --stimulus {shown}" if shown else ""
    return f"{given} --duration {run.duration_ms:g}{scale}"


def stimulus(name: str, model: Any) -> str | None:
    """What a network is shown: digits where its sources are as many as pixels; None if nothing.

    Networks that nothing drives by themselves are shown a step of current.
    """
    if model.sources:
        return "mnist" if 784 in model.sources.values() else "poisson"
    by_itself = model.background or model.noise or name in PUBLISHED
    return None if by_itself else "step_current"


def is_plastic(model: Any) -> bool:
    """Whether its weights learn while it is simulated."""
    return any(projection.plasticity for projection in model.projections)


def spikes(name: str, model: Any, pictures: Path) -> tuple[tuple[Path, str], str]:
    """The raster with its words, and a table of what is known beside what was measured."""
    run, shown = the_run(name), stimulus(name, model)
    dt_ms = model.dt_ms or run.dt_ms

    def draw(path: Path) -> dict[str, Any]:
        net = model.scaled(run.scale) if run.scale != 1 else model
        given: Any = shown
        if shown and is_plastic(model):  # it learns from one trial, and so sees one image
            given = load_protocol(shown).changed("n_images", 1)
        activity: Activity = simulate(net, given, run.duration_ms, dt_ms, "native", SEED)
        plot_raster(activity, path)
        return {
            "measured": [known.measure(activity) for known in run.known],
            "spikes": [len(one) for one in activity.populations.values()],
        }

    content = [read_yaml(find_yaml("models", name)), shown, run.duration_ms, dt_ms, run.scale,
               [known.what for known in run.known]]  # fmt: skip
    file, found = kept(pictures, content, SIMULATING, draw)
    share = f" of a share of {run.scale:g} of its neurons and synapses" if run.scale != 1 else ""
    words = (
        f"Spikes of {run.duration_ms:g} ms{share}"
        + (f", shown {'an image of ' if is_plastic(model) else ''}{shown}" if shown else "")
        + f": {sum(found['spikes']):,} (native engine, seed {SEED}, steps of {dt_ms:g} ms)."
    )
    rows = [
        (known.what, prose(known.others), f"{value:.3g} {known.unit}".strip(),
         f"{known.low:g} to {known.high:g}")
        for known, value in zip(run.known, found["measured"], strict=True)
    ]  # fmt: skip
    heads = ("quantity", "found by others", "here", "held to")
    compared = heading("Beside what others found", "-") + "\n" + table(heads, rows) if rows else ""
    return (file, words), compared


def populations(model: Any) -> str:
    """Populations and projections."""
    rows = [(f"``{n}``", p.model, f"{p.size:,}") for n, p in model.populations.items()]
    parts = [heading("Populations", "-"), table(("population", "model", "neurons"), rows)]
    if model.projections:
        rows = [
            (f"``{p.name}``", joined_how(p), p.synapse.model,
             p.plasticity.rule if p.plasticity else "")
            for p in model.projections
        ]  # fmt: skip
        heads = ("projection", "connectivity", "synapse", "plasticity")
        parts += [heading("Projections", "-"), table(heads, rows)]
    return "\n".join(parts)


def shapes(model: Any) -> list[tuple[str, tuple[int, ...]]]:
    """Layers from input to output, with their shapes."""
    if model.kind == "latency_cnn":
        found = [*model.shapes, (model.n_classes,)]
    elif model.kind in ("cnn", "spiking_cnn"):
        found = model.shapes
    elif model.kind == "residual_mlp":
        found = [(model.n_inputs,), *[(model.width,)] * model.depth, (model.n_classes,)]
    elif model.kind in ("elman", "gru"):
        found = [(model.row,), (model.hidden,), (model.n_classes,)]
    else:
        found = [(n,) for n in model.sizes]
    names = ["input", *(f"layer {i}" for i in range(1, len(found) - 1)), "output"]
    return list(zip(names, map(tuple, found), strict=True))


def layers(name: str, model: Any, pictures: Path) -> tuple[Path, str]:
    """The picture of a network's layers, with its words."""
    found = shapes(model)
    again = model.kind in ("elman", "gru") or bool(getattr(model, "recurrent", False))

    def draw(path: Path) -> None:
        with styled():
            draw_layers(path, found, again)

    file, _ = kept(pictures, [name, found, again], ("report", "plot"), draw)
    told = ", ".join(f"{what} {'×'.join(map(str, shape))}" for what, shape in found)
    return file, f"Its layers: {told}" + ("; the hidden layer is recurrent." if again else ".")


def draw_layers(
    path: Path, found: list[tuple[str, tuple[int, ...]]], recurrent: bool = False
) -> None:
    """A bar for each layer, as high as the logarithm of its units.

    Parameters
    ----------
    path : Path
        Of the picture.
    found : list of (str, tuple of int)
        Names and shapes of layers.
    recurrent : bool
        Whether the layers between input and output hear themselves.
    """
    from spikelearn.plot.style import COLOURS

    shown = found if len(found) <= 9 else [*found[:4], ("...", ()), *found[-3:]]
    figure, axes = panels(1.1 * max(len(shown), 4), 2.4)
    axis = axes[0, 0]
    for place, (what, shape) in enumerate(shown):
        if not shape:
            axis.text(place, 0, "...", ha="center", va="center")
            continue
        tall = math.log10(math.prod(shape)) + 0.2
        axis.bar(place, tall, 0.45, -tall / 2, color=COLOURS[0 if len(shape) == 1 else 2])
        axis.text(place, -2.6, "×".join(map(str, shape)), ha="center", va="top")
        axis.text(place, 2.6, what, ha="center", va="bottom", color="#5c5c5c")
        if place:
            axis.annotate("", (place - 0.28, 0), (place - 0.72, 0), arrowprops={"arrowstyle": "->"})
        if recurrent and 0 < place < len(shown) - 1:
            axis.annotate(
                "", (place - 0.18, tall / 2), (place + 0.18, tall / 2),
                arrowprops={"arrowstyle": "->", "connectionstyle": "arc3,rad=1.2"},
            )  # fmt: skip
    axis.set_xlim(-0.6, max(len(shown), 4) - 0.4)
    axis.set_ylim(-3.3, 3.3)
    axis.set_axis_off()
    write_picture(figure, path)


def size(model: Any) -> str:
    """How much of it there is."""
    counted = model_size(model)
    rows = [("weights", in_number(counted.n_weights)), ("units", in_number(counted.n_units))]
    if counted.n_steps > 1:
        rows.append(("time steps of an input", in_number(counted.n_steps)))
    return heading("Size", "-") + "\n" + facts(rows)


def trained(name: str) -> str:
    """What rules reached on it."""
    rows = [
        (f":ref:`rule-{rule}`", f"``{recipe}``", prose(row["test accuracy"]), row["seeds"])
        for rule, recipe, row in accuracies()
        if row["model"] == name
    ]
    if not rows:
        return ""
    heads = ("rule", "recipe", "test accuracy, %", "seeds")
    return heading("What rules reached on it", "-") + "\n" + table(heads, rows)


def overview(names: list[str]) -> str:
    """The list of all models."""
    rows = []
    for name in names:
        model = load_model(name)
        first = model.description.partition(". ")[0].removesuffix(".")
        rows.append((f":ref:`{name} <model-{name}>`", kind_in_words(model.kind), prose(first)))
    return page(
        ".. _models:\n",
        heading("Models"),
        "Descriptions that ship with the toolkit, to be run, read and edited:"
        " ``spikelearn models copy NAME`` gives you one.\n",
        table(("model", "", ""), rows),
        contents(names),
    )
