"""What can be removed of a folder of runs, and what never is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from copied_runs import CONFIG, copied

from spikelearn import SpikelearnError
from spikelearn import _atomic as atomic
from spikelearn import _store as store
from spikelearn._atomic import WriteError, _host, discard, worked_on
from spikelearn.training.config import run_name
from spikelearn.training.loop import train
from spikelearn.training.pruning import KINDS, prunable, prune

OF_THE_USER = ("notes.damaged", "mlp-seed0.damaged", "photos.damaged-by-water",
               "mlp-backprop-seed0-0123456789.damaged-keep")  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = train(CONFIG, tmp_path_factory.mktemp("base"), lambda *said: None)
    assert run.folder is not None
    return run.folder


@pytest.fixture
def runs(base: Path, tmp_path: Path) -> Path:
    """A folder with two runs of today's, and some of everything else."""
    folder = tmp_path / "runs"
    for seed in (0, 1):
        copied(base, folder, {"seed": seed}, 0.5)
    copied(base, folder, {"seed": 2, "code": {"spikelearn.rules.rule": "other"}}, 0.5)
    copied(base, folder, {"seed": 3, "format": 3}, 0.5)
    copied(base, folder, {"seed": 4, "model": str(folder / "gone.yaml")}, 0.5)
    shutil.copytree(base, folder / f"{base.name}.damaged")
    damaged = copied(base, folder, {"seed": 5}, 0.5)
    (damaged / store.SUMMARY).write_text("[")
    hidden(folder / "begun")
    hidden(folder / named(0))
    (folder / ".begun.checkpoint.damaged").write_bytes(b"12345")
    (folder / "notes.txt").write_text("of the user")
    for name in OF_THE_USER:  # whatever they are called
        (folder / name).mkdir()
        (folder / name / "config.yaml").write_text("kind: of the user")
    (folder / ".mine.checkpoint.damaged-by-hand").write_bytes(b"1")
    (folder / "sums").mkdir()
    (folder / "sums" / store.SUMMARY).write_text("of the user")
    (folder / "controls").mkdir()
    (folder / "controls" / "config.yaml").write_text("kind: controls")
    program = (
        "import os, pathlib, sys\n"
        "from spikelearn._atomic import atomic_folder\n"
        "with atomic_folder(pathlib.Path(sys.argv[1])) as new:\n"
        "    (new / 'half').write_text('written')\n"
        "    os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(folder / "killed")], check=True)
    return folder


def hidden(run: Path) -> None:
    """What stands beside a run that is made."""
    (run.parent / f".{run.name}.checkpoint").write_bytes(b"123")
    (run.parent / f".{run.name}.{store.CURVE}").write_text("epoch\n0\n")


def named(seed: int) -> str:
    return run_name(CONFIG.changed("seed", seed).complete())


def test_what_can_be_removed_is_found_with_its_size_and_nothing_else(runs: Path) -> None:
    before = {path: path.lstat().st_mtime_ns for path in sorted(runs.rglob("*"))}
    found = prunable(runs)
    assert {path: path.lstat().st_mtime_ns for path in sorted(runs.rglob("*"))} == before
    kinds = {kind: [one for one in found if one.kind == kind] for kind in KINDS}
    other_code, other_format = (one.why for one in kinds["stale"])
    assert other_code.startswith("trained by other code of the rule (")
    assert other_format == "of format 3, where today's is 4"
    assert len(kinds["damaged"]) == 3
    assert [one.name for one in kinds["partial"]] == ["begun"]
    assert [one.n_bytes for one in kinds["partial"]] == [3 + len("epoch\n0\n")]
    killed = {one.name.partition(f"-{_host()}")[0] for one in kinds["leftover"]} - {named(0)}
    assert killed == {".killed.tmp", ".killed.old"}
    assert len(kinds["leftover"]) == 3
    kept = {named(0), named(1), "notes.txt", "controls", "sums", *OF_THE_USER,
            ".mine.checkpoint.damaged-by-hand"}  # fmt: skip
    assert not kept & {path.name for one in found for path in one.paths}
    assert [one.kind for one in prunable(runs, ["partial"])] == ["partial"]


def test_all_that_was_found_goes_and_today_s_runs_stay_as_they_were(runs: Path) -> None:
    gone = next(p for p in runs.iterdir() if "-seed4-" in p.name)  # cannot be compared
    files = {p: p.read_bytes() for name in (named(0), named(1), gone.name)
             for p in (runs / name).iterdir()}  # fmt: skip
    found = prunable(runs)
    assert prune(runs, found) == sum(one.n_bytes for one in found)
    left = {"controls", "sums", "notes.txt", named(0), named(1), gone.name, *OF_THE_USER,
            ".mine.checkpoint.damaged-by-hand"}  # fmt: skip
    assert {path.name for path in runs.iterdir()} == left
    assert {path: path.read_bytes() for path in files} == files
    assert prunable(runs) == []


def test_what_a_process_works_on_stays(runs: Path) -> None:
    stale = next(p for p in runs.iterdir() if "-seed2-" in p.name)
    everything = prunable(runs)
    said: list[str] = []
    with worked_on(runs / "begun"), worked_on(stale), worked_on(runs / named(0)):
        names = {one.name for one in prunable(runs)}
        assert not names & {"begun", stale.name, named(0)}
        # It was found before somebody began with it.
        prune(runs, everything, said.append)
    assert len(said) == 3
    assert all("process " in sentence and "stays" in sentence for sentence in said)
    assert stale.is_dir()
    assert (runs / ".begun.checkpoint").is_file()
    elsewhere = runs / ".begun.work-node7-12-ab"
    elsewhere.mkdir()
    assert "begun" not in {one.name for one in prunable(runs)}


def test_what_has_become_one_of_today_s_meanwhile_stays(runs: Path, base: Path) -> None:
    found = prunable(runs, ["stale", "partial", "damaged"])
    mended = next(p for p in runs.iterdir() if "-seed5-" in p.name)
    stale = next(p for p in runs.iterdir() if "-seed2-" in p.name)
    for path in (mended, stale):
        shutil.rmtree(path)
        shutil.copytree(runs / named(1), path)
    shutil.copytree(runs / named(1), runs / "begun")
    said: list[str] = []
    prune(runs, found, said.append)
    assert sorted(said) == sorted([
        f"{mended.name} stays: it is as today now",
        f"{stale.name} stays: it is as today now",
        "begun stays: it is complete now",
    ])  # fmt: skip
    assert store.is_complete(mended)


def test_a_checkpoint_stays_that_is_needed_again(runs: Path) -> None:
    """Whose run was set aside since, so that it is made anew."""
    found = prunable(runs, ["leftover"])
    shutil.move(runs / named(0), runs / "away")
    said: list[str] = []
    prune(runs, found, said.append)
    assert said == [f"{named(0)} stays: it is not complete now"]
    assert (runs / f".{named(0)}.checkpoint").is_file()


def test_what_was_moved_aside_stays_where_a_process_has_its_number(runs: Path) -> None:
    found = prunable(runs, ["leftover"])
    moved = next(path for one in found for path in one.paths if ".killed.old-" in path.name)
    (moved / "killed").mkdir()
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atomic, "_runs", lambda number: True)
        prune(runs, found, said.append)
    assert f"{moved.name} stays: a process of its number runs now" in said
    assert (moved / "killed").is_dir()
    prune(runs, found)
    assert (runs / "killed").is_dir()  # it is put back


def test_nothing_outside_the_folder_is_removed(runs: Path, tmp_path: Path, base: Path) -> None:
    outside = copied(base, tmp_path / "others", {"seed": 8, "format": 2}, 0.5)
    (runs / "linked").symlink_to(outside, target_is_directory=True)
    stale = next(p for p in runs.iterdir() if "-seed2-" in p.name)
    (stale / "more").symlink_to(outside, target_is_directory=True)
    assert "linked" not in {one.name for one in prunable(runs)}
    prune(runs, prunable(runs))
    assert not stale.exists()
    assert outside.is_dir()
    assert (outside / store.SUMMARY).is_file()
    (one,) = prunable(outside.parent)
    said: list[str] = []
    assert prune(runs, [one], said.append) == 0
    assert said == [f"{outside.name} stays: it is not in the folder"]


def test_a_run_or_no_folder_is_refused(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(SpikelearnError, match="is a run; name the folder that it lies in"):
        prunable(runs / named(0))
    with pytest.raises(SpikelearnError, match="there is no folder"):
        prunable(tmp_path / "none")


def test_what_is_removed_goes_at_once(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file").write_text("text")
    discard(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(WriteError, match="cannot remove"):
        discard(tmp_path / "run")


def test_a_run_of_a_format_that_only_a_later_release_reads_stays(runs: Path, base: Path) -> None:
    later = copied(base, runs, {"seed": 9, "format": 99}, 0.5)
    assert later.name not in {one.name for one in prunable(runs)}


def test_an_edited_run_is_none_of_today_s(runs: Path) -> None:
    path = runs / named(1) / store.CONFIG
    content = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**content, "epochs": 99}))
    assert named(1) in {one.name for one in prunable(runs, ["stale"])}
