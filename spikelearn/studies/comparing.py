"""Trained networks, their untrained twins and the image baselines against a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn._progress import progress_of_call
from spikelearn.studies.compared import (
    Compared,
    check_of_modules,
    compared_given,
    image_recording,
    module_names,
    opened,
)
from spikelearn.studies.comparison_options import check_method, check_options
from spikelearn.studies.image_baselines import at_resolution, baseline_table, with_controls
from spikelearn.studies.network_names import network_names, refuse_namesakes, start_names
from spikelearn.studies.representation import show
from spikelearn.studies.similarity_table import SimilarityTable
from spikelearn.studies.torch_modules import module_responses
from spikelearn.studies.untrained_twin import named_members

if TYPE_CHECKING:
    import pandas as pd
    import xarray

    from spikelearn.comparison.models_and_targets import Key
    from spikelearn.recordings import ImageRecording
    from spikelearn.studies.module_images import Preprocess

Progress = Callable[[float, str], None]
Runs = Iterable[Compared] | Compared

MODULE = "module"  # in place of the rule that trained a module of PyTorch
_TOGETHER = 8  # networks compared in one call: they share the ranks of the recording's RDMs


@dataclass(frozen=True)
class Entry:
    """Responses of one network to the recording's images, by layer."""

    model: str  # the rule that trained it, or the baseline's name
    network: str
    seed: int
    responses: dict[str, xarray.DataArray]
    resolution: int | None = None  # side of the images in pixels; None as they were recorded
    start: str = ""  # the network before training, of the untrained twin; `network` if left out


def compare(
    runs: Runs,
    recording: str | Path | ImageRecording = "kriegeskorte92",
    backend: str = "auto",
    n_bootstrap: int = 1000,
    seed: int = 0,
    progress: Progress | bool | None = None,
    *,
    method: str = "rsa",
    resolutions: Sequence[int] = (),
    assign_layers: bool = False,
    layers: Sequence[str] | None = None,
    preprocess: Preprocess | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Compare trained networks, or any module of PyTorch, with a recorded brain.

    Parameters
    ----------
    runs : run, folder of a run, network, module, or several
        What to compare. Each network's untrained twin (same initial weights) is compared too. A
        network by name ("mlp_784"), file or description is compared as it is before training; a
        module of PyTorch as it is, layer by layer, and without a twin (see
        `spikelearn.studies.torch_modules`).
    recording : str, Path or recording
        An image recording, by name, file or object.
    backend : str
        Where spiking networks are simulated.
    n_bootstrap : int
        Resamples of the stimuli for the confidence intervals.
    seed : int
        Of the input spikes and of the resamples.
    progress : callable or bool, optional
        Called with the fraction done and a few words. Without it a bar shows itself in a terminal
        and in a notebook where it takes longer than a second; with False none does.
    method : str
        One of `spikelearn.comparison.METHODS`.
    resolutions : sequence of int
        Sides in pixels to which the images are reduced before they are shown, one comparison each;
        as they were recorded, if left out. Every network reduces them to the size of its input, so
        the side of its training images is the finest that it tells apart.
    assign_layers : bool
        Whether to add each network's best layer, and weighted layers, chosen on some stimuli and
        scored on others (RSA only; see `compare_held_out`).
    layers : sequence of str, optional
        Of modules: names of submodules; all that have weights, if left out.
    preprocess : callable, optional
        Of modules: takes an image of PIL to a tensor, as transforms of torchvision do.
    **options
        Of the method: comparator, over, ceiling, see `compare_rsa`; of partial RSA `given`, what
        is regressed out, names of `image_baselines.BASELINES` (the pixels, if left out).

    Returns
    -------
    DataFrame
        `.plot()` draws it. See `spikelearn.comparison.compare_rsa`, with the columns `network`,
        `seed` and `resolution`; the rows whose model is one of `image_baselines.BASELINES` or
        `untrained` are baselines; the rows whose model is a region say how alike the brains are.
        Where the recording has judged dissimilarities, RSA has rows for them too, by the name of
        their region.

    Raises
    ------
    SpikelearnError
        If a folder holds no run, two runs cannot be told apart, the recording has no images or two
        that are the same, a network is in training mode or its responses depend on the batch, or
        the method needs responses and the recording has RDMs.
    DataUnavailableError
        If the recording cannot be had.

    Examples
    --------
    A recording of one's own, of a brain that sees pixels, and a network that has learnt digits:

    >>> from pathlib import Path
    >>> import numpy as np
    >>> from PIL import Image
    >>> import spikelearn as sl
    >>> from spikelearn.stimuli import load_dataset
    >>> digits = load_dataset("digits").test_images[:12]
    >>> Path("images").mkdir()
    >>> for number, digit in enumerate(digits):
    ...     Image.fromarray(digit).save(f"images/{number:02d}.png")
    >>> np.save("v1.npy", digits.reshape(12, 64) / 255.0)
    >>> _ = Path("mine.yaml").write_text('''
    ... {name: mine, citation: none, licence: none, stimuli: {folder: images},
    ...  data: [{kind: responses, file: v1.npy, region: V1}]}
    ... ''')
    >>> config = sl.TrainConfig(model="mlp_64", rule="backprop", dataset="digits", epochs=1)
    >>> table = sl.compare(sl.train(config), "mine.yaml", n_bootstrap=100)
    >>> pixels = table[table["model"] == "pixels"]
    >>> bool((pixels["score"] > 0.99).all())
    True
    """
    check_options(method, n_bootstrap, seed, resolutions, assign_layers, options)
    with progress_of_call(progress, "comparing") as given:
        say = given or (lambda fraction, words: None)
        loaded, entries = shown_entries(
            runs, recording, backend, seed, resolutions, method,
            lambda f, words: say(0.5 * f, words), assign_layers, options.get("given"),
            layers, preprocess,
        )  # fmt: skip
        table = similarity_of_all(
            entries,
            loaded,
            n_bootstrap,
            seed,
            lambda fraction, words: say(0.5 + 0.5 * fraction, words),
            method=method,
            assign_layers=assign_layers,
            **options,
        )
    return SimilarityTable(table)


def shown_entries(
    runs: Runs,
    recording: str | Path | ImageRecording = "kriegeskorte92",
    backend: str = "auto",
    seed: int = 0,
    resolutions: Sequence[int] = (),
    method: str = "rsa",
    progress: Progress | None = None,
    assign_layers: bool = False,
    given: Sequence[str] | None = None,
    layers: Sequence[str] | None = None,
    preprocess: Preprocess | None = None,
) -> tuple[ImageRecording, list[Entry]]:
    """The recording, and what networks and their untrained twins respond to its images.

    Networks that could not be told apart by rule, network and seed have the settings in which they
    differ behind the network's name; an untrained twin stands once for all rules that start from
    it. Errors are those of `compare`.

    Parameters
    ----------
    runs, recording, backend, resolutions, method, progress, assign_layers, given
        As of `compare`.
    layers, preprocess
        As of `compare`.
    seed : int
        Of the input spikes.
    """
    check_method(method)
    compared = compared_given(runs)  # before a recording is downloaded for nothing
    layers = check_of_modules(compared, layers, preprocess)
    loaded = comparable_recording(recording, method, assign_layers)
    with_controls(method, {"given": given}, loaded)  # refused before any work
    modules = [one for one in compared if isinstance(one, nn.Module)]
    every = [opened(one) for one in compared if not isinstance(one, nn.Module)]
    networks = network_names([run.config for run in every])
    starts = start_names([run.config for run in every])
    names = zip(every, networks, strict=True)
    refuse_namesakes(
        (run.config["rule"], network, run.config["seed"], run.folder) for run, network in names
    )
    say = progress or (lambda fraction, words: None)
    entries: dict[tuple[str, str, int, int | None], Entry] = {}
    sides: Sequence[int | None] = resolutions or (None,)
    n_shown = 0
    for side in sides:
        images = at_resolution(loaded.images, side)
        for run, network, start in zip(every, networks, starts, strict=True):
            done = n_shown / (len(compared) * len(sides))
            say(done, f"showing the images to {run.config['rule']}")
            for name, member in named_members(run, network, start):
                if (*name, side) not in entries:  # twins of rules on one network are one
                    shown = show(member, images, loaded.labels, backend, seed)
                    entries[*name, side] = Entry(*name, shown.responses, side, start)
            n_shown += 1
        for module, called in zip(modules, module_names(modules), strict=True):
            say(n_shown / (len(compared) * len(sides)), f"showing the images to {called}")
            responses = module_responses(module, images, loaded.labels, called, layers, preprocess)
            entries[MODULE, called, 0, side] = Entry(MODULE, called, 0, responses, side)
    return loaded, list(entries.values())


def comparable_recording(
    name: str | Path | ImageRecording, method: str, assign_layers: bool = False
) -> ImageRecording:
    """The recording of that name, checked before any work.

    Parameters
    ----------
    name : str, Path or recording
    method, assign_layers
        As of `compare`.

    Raises
    ------
    SpikelearnError
        If there is no such method or recording, it cannot be compared by the method or is too small
        for it, or two of its images are the same.
    """
    from spikelearn.comparison.guards import check_images

    check_method(method)
    loaded = image_recording(name)
    check_comparable(loaded, method, assign_layers)
    check_images(loaded.images, loaded.labels)
    return loaded


def check_comparable(recording: Any, method: str, assign_layers: bool = False) -> None:
    """Refuse what a recording has no responses, or too few stimuli, for, before any work.

    Parameters
    ----------
    recording : recording
    method, assign_layers
        As of `compare`.

    Raises
    ------
    SpikelearnError
    """
    from spikelearn.comparison.held_out_rsa import check_stimuli
    from spikelearn.comparison.models_and_targets import OF_RDMS, without_rdms
    from spikelearn.comparison.neural_responses import neural_responses
    from spikelearn.comparison.observed import smallest_part
    from spikelearn.comparison.response_methods import N_FOLDS

    if assign_layers and method != "rsa":
        raise SpikelearnError("layers are assigned to regions by the method rsa only")
    if method in OF_RDMS and not (recording.rdms or recording.groups):
        raise SpikelearnError(without_rdms(recording))
    if method not in OF_RDMS:
        neural_responses(recording, method)
        if method != "cka":  # which fits nothing
            check_stimuli(smallest_part(recording, method), f"the method {method}", N_FOLDS)
    elif assign_layers:
        check_stimuli(smallest_part(recording, method), "assigning layers")


def similarity(
    entries: Sequence[Entry],
    recording: ImageRecording,
    n_bootstrap: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    method: str = "rsa",
    assign_layers: bool = False,
    baselines: pd.DataFrame | None = None,
    **options: Any,
) -> pd.DataFrame:
    """The table of `compare` from responses: the baselines first, then every entry's layers.

    Parameters
    ----------
    entries : sequence of Entry
        What networks respond.
    recording : ImageRecording
    n_bootstrap, method, assign_layers
        As of `compare`.
    seed : int
        Of the resamples and of the random features.
    progress : callable, optional
        Called with the fraction done and a few words.
    baselines : DataFrame, optional
        Of `image_baselines.baseline_table`, where it has been computed before.
    **options
        Of the method.
    """
    from spikelearn.comparison import compare_held_out
    from spikelearn.comparison.methods import compare_by
    from spikelearn.comparison.tables import stacked

    say = progress or (lambda fraction, words: None)
    check_comparable(recording, method, assign_layers)
    recorded_side = max(recording.images.shape[1:3])
    options = with_controls(method, options, recording, seed)
    if baselines is None:
        sides = list(dict.fromkeys([e.resolution for e in entries])) or [None]
        baselines = baseline_table(
            recording, n_bootstrap, seed, method=method, resolutions=sides, **options
        )
    tables = [baselines]
    for start in range(0, len(entries), _TOGETHER):
        part = entries[start : start + _TOGETHER]
        say(start / len(entries), f"comparing {part[0].model}")
        responses: dict[Key, xarray.DataArray] = {
            (str(i), layer): r
            for i, entry in enumerate(part)
            for layer, r in entry.responses.items()
        }
        # The same seed in every call: the same resamples for every model.
        table = compare_by(method, responses, recording, n_bootstrap, seed, **options)
        tables.append(_named(table, part, recorded_side))
    if assign_layers:
        held_out = {k: v for k, v in options.items() if k in ("comparator", "over")}
        for i, entry in enumerate(entries):
            say(i / len(entries), f"assigning the layers of {entry.model}")
            table = compare_held_out(
                entry.responses, recording, n_bootstrap, seed, model="0", **held_out
            )
            tables.append(_named(table, [entry], recorded_side))
    say(1.0, "compared")
    table = stacked(tables)
    first = ["model", "network", "layer", "seed"]
    return table[first + [column for column in table.columns if column not in first]]


def judged_similarity(
    entries: Sequence[Entry],
    recording: ImageRecording,
    n_bootstrap: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> pd.DataFrame:
    """The table of `similarity` with what people judged, where the recording has it.

    The published RDMs of brain regions stand among the baselines: how much of the judgements is in
    the brain (Mur et al. 2013, doi:10.3389/fpsyg.2013.00128).

    Parameters
    ----------
    entries, recording, n_bootstrap, seed, progress
        As of `similarity`.
    **options
        Of `similarity`.

    Raises
    ------
    SpikelearnError
        If there are no judgements.
    """
    from spikelearn.comparison import compare_rsa, fixed_rdm
    from spikelearn.comparison.tables import stacked

    judged = recording.judgements
    if judged is None:
        raise SpikelearnError(f"{recording.name} has no judged dissimilarities")
    table = similarity(entries, judged, n_bootstrap, seed, progress, **options)
    brains: dict[Key, xarray.DataArray] = {
        (region, ""): fixed_rdm(group.matrix, recording.labels, region)
        for region, group in recording.groups.items()
    }
    if not brains:
        return table
    of_rsa = {k: v for k, v in options.items() if k in ("comparator", "over")}
    of_brains = compare_rsa(brains, judged, n_bootstrap, seed, **of_rsa)
    recorded_side = max(recording.images.shape[1:3])
    of_brains = of_brains.assign(network="", seed=0, resolution=recorded_side)
    return stacked([table, of_brains[table.columns]])


def similarity_of_all(
    entries: Sequence[Entry],
    recording: ImageRecording,
    n_bootstrap: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    method: str = "rsa",
    **options: Any,
) -> pd.DataFrame:
    """`similarity` with the brains, and `judged_similarity` behind it where that can be had.

    Parameters
    ----------
    entries, recording, n_bootstrap, seed, progress, method
        As of `similarity`.
    **options
        Of the method, and `assign_layers`.
    """
    from spikelearn.comparison.tables import stacked

    say = progress or (lambda fraction, words: None)
    if method != "rsa" or not recording.behaviour:
        return similarity(entries, recording, n_bootstrap, seed, say, method=method, **options)
    brains = similarity(
        entries, recording, n_bootstrap, seed, lambda f, words: say(0.4 * f, words), **options
    )
    judged = judged_similarity(
        entries, recording, n_bootstrap, seed, lambda f, words: say(0.4 + 0.6 * f, words), **options
    )
    return stacked([brains, judged])


def _named(table: pd.DataFrame, entries: Sequence[Entry], recorded_side: int) -> pd.DataFrame:
    number = table["model"].astype(int)
    return table.assign(
        model=[entries[i].model for i in number],
        network=[entries[i].network for i in number],
        seed=[entries[i].seed for i in number],
        resolution=[entries[i].resolution or recorded_side for i in number],
    )
