"""Comparisons over the stimuli that were observed, where a recording has gaps.

A subject may lack a stimulus, and a pattern that is the same in all units has no dissimilarity from
others. What is compared within a region is compared over the stimuli that all of its subjects have,
so that scores, means over subjects, noise ceilings and tests are of the same stimuli. Regions that
lack other stimuli are compared each over its own. The flag of a row says what was left out, and its
`n_stimuli` how many are left. Responses of sessions that have no stimuli in common are compared
session by session; see `session_groups`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn.comparison.categories import in_no_category
from spikelearn.comparison.models_and_targets import MIN_STIMULI, OF_RDMS
from spikelearn.comparison.name_order import by_names, with_stimuli
from spikelearn.comparison.neural_responses import has_responses, neural_responses
from spikelearn.comparison.session_groups import session_groups, sessions_by_stimuli
from spikelearn.comparison.tables import stacked
from spikelearn.recordings.gaps import complete_stimuli, named, some_of

if TYPE_CHECKING:
    import pandas

    Masks = dict[str, dict[str, np.ndarray]]  # by region and subject: which stimuli there are

P = ParamSpec("P")
_MODELS = ("model", "layer", "model_a", "layer_a", "model_b", "layer_b")
_WHY = {"responses": "not observed", "rdms": "without dissimilarities"}


class NoRowsError(SpikelearnError):
    """A comparison makes no row of this recording; it may make some of its other regions."""


@dataclass(frozen=True)
class ObservedPart:
    """A recording of regions that have the same stimuli, all of them observed.

    `left_out` says for a region which stimuli are not among them; it is empty where none is.
    """

    recording: Any
    left_out: Mapping[str, str]


def observed_parts(
    recording: Any, of: str, together: bool = False, by_session: bool = False
) -> list[ObservedPart]:
    """A recording divided by region into parts without gaps; itself where it has none.

    Parameters
    ----------
    recording : recording
        In the order of names.
    of : {"responses", "rdms"}
        What is compared.
    together : bool
        Whether all regions are to have the same stimuli.
    by_session : bool
        Whether a region of which sessions have no stimuli in common is a part of its own, with NaN
        where a session has none.

    Raises
    ------
    SpikelearnError
        If fewer than `MIN_STIMULI` are left of a region; the sentence names who lacks most.
    """
    masks = _of_responses(recording) if of == "responses" else _of_rdms(recording)
    if all(mask.all() for subjects in masks.values() for mask in subjects.values()):
        return [ObservedPart(recording, {})]
    everyone = {f"{r}, {s}": m for r, its in masks.items() for s, m in its.items()}
    parts: dict[bytes, tuple[np.ndarray, list[str], dict[str, str]]] = {}
    apart: list[ObservedPart] = []
    for region, subjects in masks.items():
        its = everyone if together else subjects
        mask = np.logical_and.reduce(list(its.values()))
        if by_session and mask.sum() < MIN_STIMULI:
            nested = _of_sessions(recording, region)
            if nested is not None:
                apart.append(nested)
                continue
        _check_enough(recording, region, its, mask)
        _, regions, left_out = parts.setdefault(mask.tobytes(), (mask, [], {}))
        regions.append(region)
        if not mask.all():
            left_out[region] = _sentence(recording, its, mask, of)
    return [
        ObservedPart(_of_regions(recording, regions, mask), left_out)
        for mask, regions, left_out in parts.values()
    ] + apart


def part_of(recording: Any, region: str) -> Any:
    """The recording, or its part without gaps that has the responses of a region.

    Parameters
    ----------
    recording : recording with responses
        In the order of names.
    region : str
    """
    for part in observed_parts(recording, "responses"):
        if any(one.region == region for one in part.recording.responses):
            return part.recording
    return recording


def smallest_part(recording: Any, method: str) -> Any:
    """The part of a recording with the fewest stimuli; the recording, where it has no gaps.

    Parameters
    ----------
    recording : recording
    method : str
        By which it is to be compared.
    """
    if method in OF_RDMS:
        found = [part.recording for part in observed_parts(by_names(recording), "rdms")]
    else:
        parts = observed_parts(by_names(recording), "responses", by_session=True)
        found = [
            group.recording for part in parts for group in session_groups(part.recording, method)
        ]
    return min(found, key=lambda part: len(part.labels))


def by_observed_stimuli(compare: Callable[P, pandas.DataFrame]) -> Callable[P, pandas.DataFrame]:
    """A comparison with a `recording`, made region by region where that has gaps.

    Parameters
    ----------
    compare : callable
        Makes a table with the column `region`. Where it has a `method` that is none of `OF_RDMS`,
        or makes RDMs of responses (`recorded`), responses are compared, else RDMs.
    """
    return _over_parts(compare, together=False)


def over_common_stimuli(compare: Callable[P, pandas.DataFrame]) -> Callable[P, pandas.DataFrame]:
    """A comparison of regions with each other, made over the stimuli that all of them have.

    Parameters
    ----------
    compare : callable
        As of `by_observed_stimuli`.
    """
    return _over_parts(compare, together=True)


def _over_parts(
    compare: Callable[P, pandas.DataFrame], together: bool
) -> Callable[P, pandas.DataFrame]:
    signature = inspect.signature(compare)

    @functools.wraps(compare)
    def over_parts(*args: P.args, **kwargs: P.kwargs) -> pandas.DataFrame:
        bound = signature.bind(*args, **kwargs)
        given = bound.arguments
        of_responses = given.get("method", "rsa") not in OF_RDMS
        of = "responses" if of_responses or given.get("recorded") is not None else "rdms"
        whole = by_names(given["recording"])
        parts = observed_parts(whole, of, together, by_session=of_responses and not together)
        of_kinds = in_no_category(whole) if given.get("over") == "categories" else ""
        if len(parts) == 1 and not parts[0].left_out:
            return _flagged(compare(*args, **kwargs), {}, of_kinds)
        tables, none = [], None
        for part in parts:
            given["recording"] = part.recording
            try:
                table = compare(*bound.args, **bound.kwargs)
            except NoRowsError as error:
                none = error
                continue
            tables.append(_flagged(table, part.left_out, of_kinds))
        if none is not None and not tables:
            raise none
        return _by_model(tables)

    return over_parts


def _flagged(table: pandas.DataFrame, left_out: Mapping[str, str], of_all: str) -> pandas.DataFrame:
    if "flag" not in table or "region" not in table or not (left_out or of_all):
        return table
    flags = [
        "; ".join(filter(None, (flag, left_out.get(region, ""), of_all)))
        for flag, region in zip(table["flag"], table["region"], strict=True)
    ]
    return table.assign(flag=flags)


def _by_model(tables: list[pandas.DataFrame]) -> pandas.DataFrame:
    """Tables one below the other, models in the order in which they stand in each."""
    table = stacked(tables)
    columns = [name for name in _MODELS if name in table]
    if not columns:
        return table
    models = list(zip(*(table[name] for name in columns), strict=True))
    place = {model: i for i, model in enumerate(dict.fromkeys(models))}
    order = np.argsort([place[model] for model in models], kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _of_responses(recording: Any) -> Masks:
    if not has_responses(recording):
        return {}
    if not any(np.isnan(np.asarray(one.values)).any() for one in recording.responses):
        return {}
    masks: Masks = {}
    for one in neural_responses(recording, "a comparison"):
        masks.setdefault(one.region, {})[f"subject {one.subject}"] = one.observed
    return masks


def _of_rdms(recording: Any) -> Masks:
    vectors: dict[str, dict[str, list[np.ndarray]]] = {}
    for one in getattr(recording, "rdms", ()):
        of_region = vectors.setdefault(one.region, {})
        of_region.setdefault(f"subject {one.subject}", []).append(one.dissimilarities)
    for region, group in getattr(recording, "groups", {}).items():
        vectors.setdefault(region, {}).setdefault("the group", []).append(group.dissimilarities)
    masks: Masks = {}
    for region, its in vectors.items():
        together = np.stack([vector for several in its.values() for vector in several])
        if not np.isnan(together).any():
            masks[region] = {who: np.ones(len(recording.labels), dtype=bool) for who in its}
            continue
        # Of all together, so that no more are left out than need be.
        kept = complete_stimuli(together)
        masks[region] = {
            who: kept | complete_stimuli(np.stack(several)) for who, several in its.items()
        }
        left = np.logical_and.reduce(list(masks[region].values()))
        if not np.array_equal(left, kept):
            masks[region]["all together"] = kept
    return masks


def _of_sessions(recording: Any, region: str) -> ObservedPart | None:
    """A region of which sessions have stimuli of their own; None where these are too few."""
    sessions = list(sessions_by_stimuli(recording, region))
    if len(sessions) < 2 or min(len(rows) for rows, _ in sessions) < MIN_STIMULI:
        return None
    shown = np.zeros(len(recording.labels), dtype=bool)
    for rows, _ in sessions:
        shown[rows] = True
    sizes = ", ".join(str(len(rows)) for rows, _ in sessions)
    said = (
        f"no stimuli are common to all subjects: scored within each of {len(sessions)} sets of"
        f" stimuli ({sizes}), and averaged over those of a subject"
    )
    return ObservedPart(_of_regions(recording, [region], shown), {region: said})


def _check_enough(
    recording: Any, region: str, subjects: Mapping[str, np.ndarray], mask: np.ndarray
) -> None:
    if mask.sum() >= MIN_STIMULI:
        return
    worst = max(subjects, key=lambda who: int((~subjects[who]).sum()))
    raise SpikelearnError(
        f"{recording.name}, {region}: {counted(int(mask.sum()), 'stimulus', 'stimuli')} of"
        f" {mask.size} were observed in all subjects, and at least {MIN_STIMULI} are needed;"
        f" {worst} lacks {int((~subjects[worst]).sum())}: leave such subjects out (`gaps: subjects`"
        " in a recording's description)"
    )


def _sentence(recording: Any, subjects: Mapping[str, np.ndarray], mask: np.ndarray, of: str) -> str:
    out = named(recording.labels, ~mask)
    who = some_of([name for name, its in subjects.items() if not its.all()])
    return (
        f"{counted(len(out), 'stimulus', 'stimuli')} left out, {_WHY[of]} in {who}: {some_of(out)}"
    )


def _of_regions(recording: Any, regions: Iterable[str], mask: np.ndarray) -> Any:
    chosen = recording if mask.all() else with_stimuli(recording, np.flatnonzero(mask))
    wanted = set(regions)
    changes: dict[str, Any] = {
        name: tuple(one for one in getattr(chosen, name, ()) if one.region in wanted)
        for name in ("responses", "rdms")
    }
    groups = getattr(chosen, "groups", {})
    changes["groups"] = {name: one for name, one in groups.items() if name in wanted}
    if is_dataclass(chosen) and not isinstance(chosen, type):
        return replace(chosen, **changes)
    return SimpleNamespace(**{**vars(chosen), **changes})
