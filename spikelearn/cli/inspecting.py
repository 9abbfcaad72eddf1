"""The command that says what a file or folder holds."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn.cli import _completions as completions
from spikelearn.cli import recordings, runs
from spikelearn.cli._app import NoSeed, app, plainly
from spikelearn.cli._output import give, note, print_line
from spikelearn.cli._reading import Given, read_spikes, reading
from spikelearn.cli._tables import print_table
from spikelearn.cli.simulation import spiking_network

if TYPE_CHECKING:
    from spikelearn.studies.study import Study

_SHIPPED = ("models", "stimuli", "models/studies", "models/recipes")


@app.command()
@plainly
@reading
def inspect(
    path: Annotated[
        Path,
        typer.Argument(
            autocompletion=completions.everything,
            help="Spikes (.nwb, .nix, .h5, .npz, .mat, .csv ...), a model, stimulus or recording"
            " (.yaml), a network (.nir), the folder of a run or a study, or the name of what is"
            " shipped.",
        ),
    ],
    given: Given = None,
    seed: NoSeed = 0,
) -> None:
    """Say what a file or a name holds: spikes, a run, a model, a stimulus, a recording, a study.

    Of spikes that another program wrote: what is read, what is taken instead, what is left out.

    Example: spikelearn inspect theirs.nwb --trials trials --onset stim_on_time --label tags
    """
    from spikelearn.spikes.files import FORMATS, READ_TOO, is_readable

    suffix = path.suffix.lower()
    if is_readable(path) and not path.is_dir():
        _print_spikes(path, given)
        return
    for name in given or ():
        raise SpikelearnError(f"{name} says nothing of {path}, which holds no spikes")
    if path.is_dir():
        _print_folder(path)
    elif suffix in (".yaml", ".yml"):
        _print_description(path)
    elif suffix == ".nir":
        print_model(str(path))
    elif not path.exists():
        _print_shipped(str(path))
    else:
        raise SpikelearnError(
            f"cannot tell what {path} holds; spikes end in {', '.join(FORMATS)} (those of others"
            f" also in {', '.join(READ_TOO)}), descriptions in .yaml, networks in .nir"
        )


def _print_spikes(path: Path, given: Given) -> None:
    import pandas as pd

    activity = read_spikes(path, given)
    shown = list(dict.fromkeys(activity.labels))
    first = ", ".join(shown[:5]) + (f" ... ({len(shown)})" if len(shown) > 5 else "")
    for name in ("n_trials", "duration_ms", "dt_ms", "n_spikes"):
        give(name, getattr(activity, name))
    give("kind", "spikes")
    give("labels", shown)
    trials, spikes = counted(activity.n_trials, "trial"), counted(activity.n_spikes, "spike")
    print_line(
        f"{path}: {trials} of {activity.duration_ms:g} ms, steps of {activity.dt_ms:g} ms, {spikes}"
    )
    print_line(f"labels: {first}")
    seconds = activity.duration_ms * activity.n_trials / 1000
    rows = [
        {
            "population": name,
            "neurons": spikes.size,
            "silent": spikes.size - len(set(spikes.senders.tolist())),
            "spikes": len(spikes),
            "rate_hz": len(spikes) / (spikes.size * seconds) if spikes.size else float("nan"),
        }
        for name, spikes in activity.populations.items()
    ]
    print_table(pd.DataFrame(rows), "populations")
    if activity.states:
        give("states_every_ms", activity.states_every_ms)
    for what, arrays in (("state", activity.states), ("weights", activity.weights)):
        give(what, {name: array.shape for name, array in arrays.items()})
        for name, array in arrays.items():
            every = f", every {activity.states_every_ms:g} ms" if what == "state" else ""
            print_line(f"{what} {name}: {' x '.join(map(str, array.shape))}{every}")
    known = {k: v for k, v in activity.provenance.items() if isinstance(v, str | int | float)}
    give("about", known)
    if known:
        print_line("; ".join(f"{name}: {value}" for name, value in known.items()))


def _print_shipped(name: str) -> None:
    """What is shipped under a name, which may be of a stimulus and of a recording, too.

    Raises
    ------
    SpikelearnError
        If nothing is; the message has the nearest names.
    """
    from spikelearn._files import find_yaml, shipped_names
    from spikelearn.recordings import RECORDINGS

    names = {kind: shipped_names(kind) for kind in _SHIPPED}
    kinds = [kind for kind in _SHIPPED if name in names[kind]]
    for kind in kinds:
        _print_description(find_yaml(kind, name))
    if name.partition(":")[0] in RECORDINGS:
        recordings.show(name)
    elif not kinds:
        every = dict.fromkeys([*(one for its in names.values() for one in its), *RECORDINGS])
        raise SpikelearnError(
            f"there is no file or folder {name}, and nothing of that name is shipped;"
            f" {nearest(name, every)}"
        )


def _print_folder(path: Path) -> None:
    from spikelearn import _store as store

    if (path / "network.yaml").is_file():
        _print_description(path / "network.yaml")
    elif (path / store.CONFIG).is_file() and _is_of_study(path / store.CONFIG):
        from spikelearn.studies.study_questions import kept_description

        _print_study(kept_description(path))
    elif (path / store.CONFIG).is_file():
        runs.show(path)
    else:
        runs.list_([path])


def _is_of_study(path: Path) -> bool:
    """Whether a file says what was run of a study; what cannot be read is told by others."""
    from spikelearn._files import read_yaml

    with contextlib.suppress(SpikelearnError):
        content = read_yaml(path)
        return isinstance(content, dict) and "networks" in content
    return False


def _print_description(path: Path) -> None:
    """What kind of description a YAML file is, by what it says."""
    from spikelearn._files import read_yaml, require_fields

    content = read_yaml(path)
    require_fields(content, path)
    kind = content.get("kind")
    if "networks" in content:
        from spikelearn.studies.study import load_study

        _print_study(load_study(path))
    elif "rule" in content or "model" in content:
        from spikelearn.training.recipes import load_recipe

        _print_yaml(f"recipe {path.stem}", load_recipe(path))
    elif kind is None or "responses" in content or "rdms" in content:
        recordings.show(str(path))
    else:
        _print_model_or_stimulus(path, str(kind))


def _print_study(study: Study) -> None:
    of = [counted(len(study.networks), "network")] * bool(study.networks)
    of += [counted(len(study.modules), "module of PyTorch", "modules of PyTorch")] * bool(
        study.modules
    )
    seeds = f"seed{'s' * (len(study.seeds) > 1)} {', '.join(map(str, study.seeds))}"
    print_line(f"study {study.name}: {' and '.join(of)}, {seeds}")
    give("kind", "study")
    give("study", study)


def _print_model_or_stimulus(path: Path, kind: str) -> None:
    from spikelearn.networks import KINDS
    from spikelearn.stimuli import load_protocol

    if kind in KINDS:
        print_model(str(path))
        return
    stimulus = load_protocol(path)
    _print_yaml(f"stimulus {stimulus.name} of kind {kind}", stimulus)


def print_model(name: str) -> None:
    """What a model holds: a shipped one by name, or the one of a file."""
    from spikelearn.networks import load_model

    if Path(name).suffix.lower() == ".nir":
        _print_graph(name)
        return
    model: Any = load_model(name)
    if model.kind == "spiking":
        _print_network(model)
    else:
        _print_yaml(f"model {model.name} of kind {model.kind}", model)


def _print_graph(name: str) -> None:
    """A NIR graph as it stands there, and the network that it is read as, or what is open."""
    import numpy as np
    import pandas as pd

    from spikelearn.networks.nir import read_nir

    graph = read_nir(name)
    rows = []
    for node, content in graph.nodes.items():
        sent = next(iter((getattr(content, "output_type", None) or {}).values()), None)
        shape = "" if sent is None else " x ".join(str(n) for n in np.ravel(sent).tolist())
        onto = ", ".join(target for source, target in graph.edges if source == node)
        rows.append({"node": node, "type": type(content).__name__, "sends": shape, "to": onto})
    print_table(pd.DataFrame(rows), f"NIR graph {name}", "graph")
    try:
        network = spiking_network(name)
    except SpikelearnError as error:
        print_line(f"As a network: {error} (options of simulate and convert)")
        give("as_a_network", str(error))
        return
    _print_network(network)


def _print_yaml(title: str, described: Any) -> None:
    import yaml

    print_line(title)
    fields = described.model_dump(mode="json")
    kind, name, *_ = title.split()
    give("kind", kind)
    give("name", name)
    give("description", fields)
    print_line(yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=100).rstrip())


def _trusted(network: Any) -> dict[str, float | None]:
    """The largest trusted step of each population; nothing of a network that no memory holds."""
    from spikelearn._room import NoRoomError
    from spikelearn.simulation.given import time_step
    from spikelearn.simulation.memory import check_size
    from spikelearn.simulation.trusted_step import trusted_step

    try:
        check_size(network, "auto", 1.0, time_step(network))
    except NoRoomError as error:
        note(str(error))
        return {}
    return {name: trusted_step(network, name)[0] for name in network.neurons}


def _print_network(network: Any) -> None:
    import pandas as pd

    from spikelearn.networks.display import joined_how
    from spikelearn.networks.without_effect import without_effect
    from spikelearn.simulation.given import time_step

    give("kind", "network")
    for name in ("name", "description", "dt_ms"):
        give(name, getattr(network, name))
    give("simulated_dt_ms", time_step(network))
    print_line(f"network {network.name}: {network.description}".rstrip(": "))
    own = "by its description" if network.dt_ms else "if not told otherwise"
    print_line(f"simulated in steps of {time_step(network):g} ms {own}")
    trusted = _trusted(network)
    populations = [
        {
            "population": name,
            "model": p.model,
            "size": p.size,
            "trusted_dt_ms": trusted.get(name),
        }
        for name, p in network.populations.items()
    ]
    print_table(pd.DataFrame(populations), "populations")
    projections = [
        {
            "projection": p.name,
            "connectivity": joined_how(p),
            "weight": str(p.weight)[:40],
            "plastic": p.plasticity is not None,
        }
        for p in network.projections
    ]
    if projections:
        print_table(pd.DataFrame(projections), "projections")
    for sentence in without_effect(network):
        note(sentence, "Warning")
