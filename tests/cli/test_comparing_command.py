"""`compare`, as a user meets it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from calling import call
from PIL import Image

from spikelearn._files import local_data, write_yaml
from spikelearn.cli import comparing
from spikelearn.comparison.tables import key_of
from tests.comparison.rsa_examples import made_up_recording


def test_compare_puts_the_baselines_in_the_same_table(runs, tmp_path):
    if local_data("kriegeskorte92/92_brainRDMs.mat") is None:
        pytest.skip("the recording kriegeskorte92 is not at hand")
    out = tmp_path / "table.parquet"
    result = call("compare", *runs, "--bootstrap", 20, "--out", out)
    assert result.exit_code == 0, result.output
    table = pd.read_parquet(out)
    baselines = {
        "pixels", "mean_luminance", "gabor_energy", "random_features", "category", "untrained",
        "human IT", "monkey IT",
    }  # fmt: skip
    assert set(table["model"]) == {"backprop", "surrogate", *baselines}
    assert set(table["network"]) == {"", "small", "spiking"}
    human = table[(table["model"] == "pixels") & (table["region"] == "human IT")]
    assert human.set_index("level")["score"]["group"] == pytest.approx(0.10645, abs=1e-5)


def test_compare_tests_networks_against_zero_their_twins_and_the_baselines(runs, tmp_path):
    if local_data("kriegeskorte92/92_brainRDMs.mat") is None:
        pytest.skip("the recording kriegeskorte92 is not at hand")
    out = tmp_path / "table.csv"
    result = call("compare", runs[0], "--bootstrap", 20, "--tests", "--out", out)
    assert result.exit_code == 0, result.output
    zero, differences = (
        pd.read_csv(tmp_path / f"table-{part}.csv", keep_default_na=False)
        for part in ("zero", "differences")
    )
    category = zero[(zero["model"] == "category") & (zero["region"] == "monkey IT")]
    assert (category["p_holm"] < 0.05).all()
    assert {"untrained", "pixels", "category", "gabor_energy"} <= set(differences["model_b"])
    assert "one-sided p" in result.output
    result = call("compare", runs[0], "--bootstrap", 0, "--tests")
    assert result.exit_code == 1
    assert "--tests needs resamples" in result.output


def test_compare_says_where_a_recording_has_no_responses(runs):
    if local_data("kriegeskorte92/92_brainRDMs.mat") is None:
        pytest.skip("the recording kriegeskorte92 is not at hand")
    result = call("compare", runs[0], "--method", "cka")
    assert result.exit_code == 1
    assert "was published as RDMs, and cka compares responses" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture
def own_recording(tmp_path):
    """Responses of two subjects, one of them called "mean", to a dozen images that are files."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (24, 28, 28), dtype=np.uint8)
    (tmp_path / "images").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "images" / f"{number:02d}.png")
    for subject in ("S1", "mean"):
        mixed = images.reshape(24, -1) / 255.0 @ random.normal(size=(784, 9))
        np.save(tmp_path / f"{subject}.npy", mixed)
    data = [
        {"kind": "responses", "file": f"{s}.npy", "region": "V1", "subject": s}
        for s in ("S1", "mean")
    ]
    description = {"name": "mine", "citation": "none", "licence": "none",
                   "stimuli": {"folder": "images"}, "data": data}  # fmt: skip
    write_yaml(tmp_path / "mine.yaml", description)
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize("method", ["cka", "encoding"])
def test_compare_tests_by_every_method(method, runs, own_recording, tmp_path):
    out = tmp_path / "table.csv"
    result = call(
        "compare", runs[0], "--recording", own_recording, "--method", method, "--bootstrap", 20,
        "--tests", "--out", out, "--page", tmp_path / "page.html",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for words in ("What was found", "Compared with mine", "Similarity to V1 of mine", 'id="tests"',
                  'id="rdms"', "95 %"):  # fmt: skip
        assert words in page
    assert "not tested" not in page.partition("</section>")[0]
    scores, zero, differences = (
        pd.read_csv(tmp_path / f"table{part}.csv", keep_default_na=False)
        for part in ("", "-zero", "-differences")
    )
    for table in (scores, zero, differences):
        assert set(table["method"]) == {method}
        assert set(table["subject"]) <= {"S1", "mean", ""}
        assert not table.duplicated(key_of(table)).any()
    assert len(zero) == len(scores)
    assert set(differences["test"]) == {"planned", "best layers"}
    assert "larger than zero?" in result.output
    refused = call(
        "compare", runs[0], "--recording", own_recording, "--method", method,
        "--comparator", "pearson",
    )  # fmt: skip
    assert refused.exit_code == 1
    assert f"--comparator is of the methods rsa and partial_rsa, not of {method}" in refused.stderr
    refused = call("compare", runs[0], "--recording", own_recording, "--method", method,
                   "--given", "pixels")  # fmt: skip
    assert refused.exit_code == 1
    assert f"--given is of the method partial_rsa, not of {method}" in refused.stderr


def test_compare_tests_what_is_left_beyond_controls(runs, own_recording, tmp_path):
    command = ["compare", runs[0], "--recording", own_recording, "--method", "partial_rsa"]
    given = ["--given", "mean_luminance", "--given", "gabor_energy"]
    out = tmp_path / "table.csv"
    result = call(*command, *given, "--bootstrap", 20, "--tests", "--out", out)
    assert result.exit_code == 0, result.output
    scores, zero, differences = (
        pd.read_csv(tmp_path / f"table{part}.csv", keep_default_na=False, na_values=[""])
        for part in ("", "-zero", "-differences")
    )
    for table in (scores, zero, differences):
        assert set(table["measure"]) == {"spearman given mean_luminance, gabor_energy"}
    explained = scores["model"].isin(["mean_luminance", "gabor_energy"])
    assert (scores["score"].isna() == explained).all()
    of_pixels = zero[zero["model"] == "pixels"]
    assert of_pixels["p"].between(0, 1).all()
    assert of_pixels["p_holm"].ge(of_pixels["p"]).all()
    assert "larger than zero?" in result.output
    assert "given mean_luminance, gabor_energy" in result.output
    for more, words in (
        (["--given", "pixls"], "there is no control 'pixls'; did you mean pixels"),
        (["--given", "category"], "mine has no category model"),
        (["--given", "pixels", "--given", "pixels"], "--given"),
        (["--comparator", "cosine"], "partial_rsa takes --comparator spearman or pearson"),
        (["--assign-layers"], "by the method rsa only"),
    ):
        refused = call(*command, *more)
        assert refused.exit_code == 1
        assert words in refused.stderr


def test_regions_that_a_method_cannot_compare_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    loaded: Any = SimpleNamespace(rdms=(), notes=("a note",))
    comparing._print_notes(loaded, pd.DataFrame({"region": ["IT"]}), "cka")
    assert capsys.readouterr().err == "Note: a note\n"
    recording = made_up_recording(24)
    regions = list(dict.fromkeys(one.region for one in recording.rdms))
    comparing._print_notes(recording, pd.DataFrame({"region": ["other"]}), "cka")
    said = f"left out: {', '.join(regions)}, of which there are RDMs and no responses, as cka needs"
    assert said in capsys.readouterr().err
    comparing._print_notes(recording, pd.DataFrame({"region": regions}), "rsa")
    assert "left out" not in capsys.readouterr().err


def test_a_network_that_nothing_trained_has_no_standing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    comparing._print_standing([Path("mlp_64")])
    assert capsys.readouterr().err == ""


def test_a_module_of_a_file_is_compared_by_its_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own_module.py").write_text(
        "import numpy as np\nimport torch\nfrom torch import nn\n"
        "def make_net():\n    return nn.Sequential(nn.Linear(64, 9), nn.ReLU(), nn.Linear(9, 4))\n"
        "def prepare(image):\n"
        "    grey = np.asarray(image.convert('L').resize((8, 8)), np.float32)\n"
        "    return torch.from_numpy(grey).flatten() / 255\n"
    )
    given = ("own_module.py:make_net", "--recording", "simulated_cortex", "--bootstrap", 0)
    page, out = tmp_path / "page.html", tmp_path / "table.csv"
    result = call(
        "compare", *given, "--layer", "0", "--layer", "1", "--preprocess", "own_module.py:prepare",
        "--out", out, "--page", page,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    table = pd.read_csv(out, keep_default_na=False)
    module = table[table["model"] == "module"]
    assert set(module["network"]) == {"make_net"}
    assert set(module["layer"].astype(str)) == {"0", "1"}
    assert "1 module, compared with" in page.read_text(encoding="utf-8")
    for words, said in (
        (("--layer", "5"), "has no layer '5'"),
        (("--preprocess", "own_module.py:nothing"), "nothing called nothing"),
    ):
        result = call("compare", *given, *words)
        assert result.exit_code == 1
        assert said in " ".join(result.stderr.split())
    result = call("compare", "mlp_64", *given[1:], "--layer", "hidden1")
    assert "layers and preprocess are of modules" in " ".join(result.stderr.split())
