"""What is built: the same bytes each time, and all that a user needs, who has nothing else."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SHIPPED = "spikelearn/_shipped"
BUILD = (
    "import sys, hatchling.build as build;"
    " print(build.build_wheel(sys.argv[1]), build.build_sdist(sys.argv[1]))"
)

pytestmark = pytest.mark.slow


def built(folder: Path, **environment: str) -> tuple[Path, Path]:
    """Wheel and source distribution, as pip and build have them made."""
    command = [sys.executable, "-c", BUILD, str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    wheel, source = done.stdout.split()
    return folder / wheel, folder / source


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return built(tmp_path_factory.mktemp("built"), SOURCE_DATE_EPOCH="1790000000")


@pytest.fixture(scope="module")
def site(files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is installed, far from the repository."""
    folder = tmp_path_factory.mktemp("elsewhere") / "site"
    with zipfile.ZipFile(files[0]) as wheel:
        for name in wheel.namelist():
            wheel.extract(name, folder)
    return folder


def spikelearn(site: Path, *words: str) -> str:
    """What the installed command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "spikelearn", *words], cwd=site.parent, capture_output=True,
        text=True, check=False, env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_sources_give_the_same_bytes(files, tmp_path: Path) -> None:
    again = built(tmp_path, SOURCE_DATE_EPOCH="1790000000", TZ="Asia/Tokyo", LC_ALL="C")
    for first, second in zip(files, again, strict=True):
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes()


def test_the_wheel_has_all_of_the_package_and_what_ships_and_nothing_else(files) -> None:
    names = set(zipfile.ZipFile(files[0]).namelist())
    about = f"spikelearn_toolkit-{PROJECT['version']}.dist-info"
    wanted = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "spikelearn").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    for kind in ("models", "stimuli", "notebooks"):
        shipped = [file for file in (ROOT / kind).rglob("*") if file.is_file()]
        shipped = [file for file in shipped if ".ipynb_checkpoints" not in file.parts]
        assert len(shipped) > 2
        wanted |= {f"{SHIPPED}/{file.relative_to(ROOT).as_posix()}" for file in shipped}
    told = {f"{about}/{name}" for name in
            ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}  # fmt: skip
    assert names == wanted | told
    some = {"models/studies/demo.yaml", "models/recipes/mnist_mlp/backprop.yaml"}
    assert {f"{SHIPPED}/{name}" for name in some} <= names
    assert {"spikelearn/py.typed", "spikelearn/report/template.html.j2"} <= names


def test_the_source_distribution_is_the_repository(files) -> None:
    with tarfile.open(files[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert set(tracked) - names == set()
    assert names - set(tracked) <= {"PKG-INFO", *_not_yet_tracked()}


def _not_yet_tracked() -> list[str]:
    command = ["git", "ls-files", "--others", "--exclude-standard"]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_the_index_is_told_what_the_project_says(files) -> None:
    with zipfile.ZipFile(files[0]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
        told = email.message_from_bytes(wheel.read(name))
    assert (told["Name"], told["Version"]) == ("spikelearn-toolkit", PROJECT["version"])
    assert told["License-Expression"] == "MIT"
    assert told["Requires-Python"] == PROJECT["requires-python"]
    assert told["Author"] == PROJECT["authors"][0]["name"]
    assert set(told.get_all("Classifier")) == set(PROJECT["classifiers"])
    assert set(told.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])
    assert told["Keywords"].split(",") == sorted(PROJECT["keywords"])


def test_an_installed_wheel_works_without_the_repository(site: Path) -> None:
    here = site.parent
    assert spikelearn(site, "--version") == f"spikelearn {PROJECT['version']}\n"
    spikelearn(site, "lessons", "copy", "all", "mine")
    copied = {path.name: path.read_bytes() for path in (here / "mine").glob("*.ipynb")}
    lessons = (ROOT / "notebooks").glob("*.ipynb")
    assert copied == {path.name: path.read_bytes() for path in lessons}
    spikelearn(site, "models", "copy", "lif_neuron")
    shipped = (ROOT / "models" / "lif_neuron.yaml").read_bytes()
    assert (here / "lif_neuron.yaml").read_bytes() == shipped
    spikelearn(site, "study", "show", "demo")
    shown = ("--stimulus", "step_current", "--duration", "200")
    written = ("--out", "spikes.npz", "--plot", "raster.png")
    spikelearn(site, "simulate", "lif_neuron.yaml", *shown, *written)
    small = ("--model", "mlp_64", "--dataset", "digits", "--epochs", "1")
    spikelearn(site, "train", "--rule", "feedback_alignment", *small, "--out", "runs")
    assert (here / "spikes.npz").is_file()
    assert (here / "raster.png").is_file()
    assert len(list((here / "runs").glob("mlp_64-feedback_alignment-*"))) == 1
