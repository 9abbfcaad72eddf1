"""What is imported is required by the project, or is of an extra, which a sentence names."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

import spikelearn as sl
from spikelearn._clusters import read_queue
from spikelearn._extras import DISTRIBUTION, LIBRARIES, lacking

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Extras of those who work on the toolkit, and of programs beside it: nothing of it imports them.
BESIDE = {"dev", "docs", "lessons", "release"}
# What NEST on several ranks needs is built beside such a NEST, and no extra of ours brings that.
BUILT_BESIDE = {"mpi4py"}
# Modules that are always there with another library, which needs them itself.
COMES_WITH = {
    "distributed": "dask", "llvmlite": "numba", "pydantic_core": "pydantic", "tornado": "dask",
}  # fmt: skip

IMPORTED = re.compile(r"^ *(?:import (\w+)|from (\w+)[\w.]* import )", re.MULTILINE)


def distributions(requirements: list[str]) -> set[str]:
    """Names of distributions, as they are compared."""
    return {plain(re.match(r"[\w.-]+", one)[0]) for one in requirements}  # type: ignore[index]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> Iterator[tuple[str, Path]]:
    """Modules of others that the package imports, by the first part of their names."""
    for file in (ROOT / "spikelearn").rglob("*.py"):
        for name in map("".join, IMPORTED.findall(file.read_text(encoding="utf-8"))):
            if name != "spikelearn" and name not in sys.stdlib_module_names:
                yield name, file.relative_to(ROOT)


def test_what_is_imported_is_required_or_of_an_extra() -> None:
    core = distributions(PROJECT["dependencies"])
    known = packages_distributions()
    for name, file in sorted(set(imported())):
        if name in LIBRARIES or name in BUILT_BESIDE:
            continue
        made_by = {plain(one) for one in known.get(name, [])} | {COMES_WITH.get(name, name)}
        assert made_by & core, f"{file} imports {name}, which pyproject.toml does not require"


def test_extras_are_those_of_pyproject_and_developers_have_them() -> None:
    extras = {name: distributions(r) for name, r in PROJECT["optional-dependencies"].items()}
    assert {one.extra for one in LIBRARIES.values()} == set(extras) - BESIDE
    known = packages_distributions()
    for module, library in LIBRARIES.items():
        made_by = {plain(one) for one in known.get(module, [module])}
        assert made_by & extras[library.extra], f"{library.extra} does not install {module}"
        assert not made_by & distributions(PROJECT["dependencies"])
        assert extras[library.extra] <= extras["dev"]
    assert PROJECT["name"] == DISTRIBUTION


def nest(folder: Path) -> object:
    from spikelearn.simulation.nest.kernel import import_nest

    import_nest.cache_clear()
    return import_nest()


def search(folder: Path) -> object:
    return sl.sweep(
        simulate={"model": "lif_neuron", "duration_ms": 1}, measures="rate_hz",
        vary={"populations.neuron.tau_m_ms": "5:10"}, search={"maximise": "rate_hz", "trials": 2},
    )  # fmt: skip


def tensorboard(folder: Path) -> object:
    fields: dict[str, Any] = {"rule": "backprop", "dataset": "digits", "epochs": 1}
    return sl.train("mlp_64", tensorboard=folder / "logs", **fields)


USES: dict[str, Callable[[Path], object]] = {
    "bokeh": lambda folder: sl.explore("lif_neuron"),
    "dask_jobqueue": lambda folder: read_queue(folder / "slurm.yaml"),
    "nest": nest,
    "optuna": search,
    "panel": lambda folder: sl.explore("lif_neuron"),
    "tensorboard": tensorboard,
}


def test_every_library_of_an_extra_has_a_use_below() -> None:
    assert set(USES) == set(LIBRARIES)


@pytest.mark.parametrize("module", LIBRARIES)
def test_who_lacks_a_library_is_told_its_extra_before_anything_is_done(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    library = LIBRARIES[module]
    with pytest.raises(sl.SpikelearnError) as raised:
        USES[module](tmp_path)
    sentence = str(raised.value)
    assert f"needs {library.name}, which is not installed; install it with" in sentence
    assert sentence.endswith(f"pip install '{DISTRIBUTION}[{library.extra}]'")
    assert "\n" not in sentence
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_is_there_and_cannot_be_imported_is_told_otherwise() -> None:
    broken = ImportError("libgsl.so.27: cannot open shared object file", name="nestkernel")
    assert str(lacking("nest", "the backend nest", broken)) == (
        "the backend nest needs the simulator NEST, which cannot be imported (libgsl.so.27: cannot"
        " open shared object file); install it with pip install 'spikelearn-toolkit[nest]'"
    )
