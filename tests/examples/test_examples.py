"""Every example runs from top to bottom in its fast mode, leaves its pictures, and prints what the theory says."""

import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = {path.stem: path for path in sorted((ROOT / "examples").glob("[0-9]*.py"))}
INDEX = ROOT / "examples" / "README.md"

# What a notebook's kernel leaves in sys.argv, in Colab and in VS Code.
KERNEL_ARGUMENTS = ["-f", "/content/kernel.json", "--f=/tmp/kernel.json"]
A_PAGE = 45

examples = pytest.mark.parametrize("name", EXAMPLES)


def cells(name):
    """Return the cells of an example as pairs: whether it is prose, and its lines without the mark."""
    parts = re.split(r"^# %%(.*)\n", EXAMPLES[name].read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert parts[0] == "", f"{name} has text before its first cell"
    return [
        (mark.strip() == "[markdown]", text.rstrip("\n")) for mark, text in zip(parts[1::2], parts[2::2], strict=True)
    ]


def code_cells(name):
    return [text for is_prose, text in cells(name) if not is_prose]


def prose(name):
    return "\n\n".join(text for is_prose, text in cells(name) if is_prose)


# Imports once what all examples import, and runs each in a child of its own; no TensorFlow runs before the fork.
RUNNER = """
import json, os, runpy, sys
import keras, matplotlib.pyplot, numpy, tensorflow, tensorflow_probability
import keras_vae

for line in sys.stdin:
    folder, script, *arguments = json.loads(line)
    sys.stdout.flush()
    if not (child := os.fork()):
        os.chdir(folder)
        for stream, name in ((1, "printed"), (2, "errors")):
            os.dup2(os.open(f"{folder}.{name}", os.O_WRONLY | os.O_CREAT, 0o600), stream)
        sys.argv = [script, *arguments]
        code = 1
        try:
            runpy.run_path(script, run_name="__main__")
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            os._exit(code)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture(scope="module")
def runner():
    """A process that runs scripts: a line with directory, script and arguments in, a line with the status out."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", RUNNER]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory, fashion, runner):
    """Return a function that runs an example once, and gives what it printed and where its files are."""
    done = {}

    def run(name):
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            job = [str(folder), str(EXAMPLES[name]), *KERNEL_ARGUMENTS, "--fast", "--output", "results"]
            source = EXAMPLES[name].read_text(encoding="utf-8")
            if 'default="cifar10"' in source:
                job += ["--dataset", "cartoon_faces"]  # no download in a test
            elif 'default="fashion_mnist"' in source and fashion[0].images.shape[1] == 8:
                job += ["--dataset", "digits"]
            runner.stdin.write(json.dumps(job) + "\n")
            runner.stdin.flush()
            status = runner.stdout.readline()
            printed, errors = (folder.with_name(f"{folder.name}.{part}").read_text() for part in ("printed", "errors"))
            assert status == "0\n", errors[-3000:]
            done[name] = printed, folder
        return done[name]

    return run


def numbers(text):
    """Return the numbers in a line."""
    return [
        float(number)
        for number in re.findall(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w.,]*\d)", text.replace(",", ""))
    ]


def assert_left_its_pictures(name, results):
    """Check that each picture that an example writes is there, has some size and is not blank, and return the names."""
    promised = re.findall(r'options\.output / f?"([^"]+\.(?:png|gif))"', "\n".join(code_cells(name)))
    assert promised, f"{name} shows nothing"
    names = set()
    for picture in promised:
        found = list(results.glob(re.sub(r"\{[^}]*\}", "*", picture)))
        assert found, f"{name} left no {picture}"
        for path in found:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB"))
            assert min(pixels.shape[:2]) > 100, path.name
            assert pixels.std() > 5 and len(np.unique(pixels)) > 20, f"{path.name} is blank"
            names.add(path.name)
    return names


def test_there_are_examples():
    assert len(EXAMPLES) >= 6


@pytest.mark.soak  # the first one runs in a kernel all the same
@examples
def test_it_runs_and_leaves_its_pictures_and_nothing_elsewhere(name, run):
    _, folder = run(name)
    assert [path.name for path in folder.iterdir()] == ["results"]
    assert_left_its_pictures(name, folder / "results")


@examples
@pytest.mark.parametrize("has_file", [True, False], ids=["as a file", "in a notebook"])
def test_its_first_cell_installs_the_package_from_the_clone_where_it_is_missing(name, has_file, monkeypatch):
    calls = []
    monkeypatch.setattr(subprocess, "check_call", calls.append)
    monkeypatch.chdir(ROOT)
    scope = {"__file__": str(EXAMPLES[name])} if has_file else {}
    exec(code_cells(name)[0], dict(scope))
    assert not calls
    others = [one for one in importlib.metadata.distributions() if one.name != "keras-vae"]
    monkeypatch.setattr(importlib.metadata, "distributions", lambda name=None: [] if name else others)
    monkeypatch.chdir(ROOT / "examples" if not has_file else "/")
    exec(code_cells(name)[0], dict(scope))
    kept = [f"{package}=={importlib.metadata.version(package)}" for package in ("tensorflow", "keras")]
    assert calls == [[sys.executable, "-m", "pip", "install", "--quiet", *kept, str(ROOT)]]


@examples
def test_it_begins_with_prose_and_never_has_more_than_a_page_of_code_without_any(name):
    assert cells(name)[0][0] and re.match(r"# # \d", cells(name)[0][1])
    lines = 0
    for is_prose, text in cells(name):
        lines = 0 if is_prose else lines + sum(bool(line.strip()) for line in text.splitlines())
        assert lines <= A_PAGE, f"{name}: {lines} lines of code before\n{text[:200]}"


@examples
def test_its_prose_is_whole(name):
    for is_prose, text in cells(name):
        if is_prose:
            assert all(line.startswith("#") for line in text.splitlines() if line), text
            assert text.count("$$") % 2 == 0 and text.replace("$$", "").count("$") % 2 == 0, text
    links = re.findall(r"\]\(((?!http)[^)#]+)(?:#[^)]*)?\)", prose(name))
    assert not [link for link in links if not (EXAMPLES[name].parent / link).exists()]


def test_the_index_names_every_example_and_its_pictures_are_there():
    text = INDEX.read_text(encoding="utf-8")
    links = re.findall(r"\]\(((?!http)[^)#]+)(?:#[^)]*)?\)", text)
    assert {path.name for path in EXAMPLES.values()} <= set(links)
    assert not [link for link in links if not (INDEX.parent / link).exists()]


@pytest.mark.soak
def test_beta_buys_a_lower_rate_for_more_distortion(run):
    printed, _ = run("04_beta_and_rate_distortion")
    table = printed.split("slope to the next\n")[1].splitlines()[:2]
    beta, rate, distortion, elbo = np.array([numbers(line)[:4] for line in table]).T
    assert (np.diff(beta) > 0).all() and (np.diff(rate) < 0).all() and (np.diff(distortion) > 0).all()
    np.testing.assert_allclose(elbo, -rate - distortion, atol=0.02)
    # A strong beta lets the code collapse, free bits keep it.
    collapsed, kept = (
        float(re.search(rf"β = 100{case}: .* rate ([\d.]+) nats\.", printed)[1]) for case in ("", " with .*")
    )
    assert kept > 1.0 > collapsed


@pytest.mark.soak
def test_the_optimal_sigma_is_the_error_and_beats_the_squared_error(run):
    printed, _ = run("05_calibrated_decoder")
    rows = {line[:22].strip(): numbers(line[22:]) for line in printed.splitlines() if " of 50" in line}
    assert len(rows) == 4
    sigma, error, _, _, elbo, *_ = rows["optimal σ"]
    assert sigma == pytest.approx(error, rel=0.2)
    assert elbo > rows["squared error, σ = 1"][4] + 500


@pytest.mark.soak
def test_monte_carlo_agrees_with_the_closed_form(run):
    printed, _ = run("06_monte_carlo_kl")
    share, worst = map(
        float, re.search(r"(\d+)% are within two standard errors, all within ([\d.]+)", printed).groups()
    )
    assert share > 85 and worst < 5
    assert "There is no closed form for the KL divergence of" in printed


@pytest.mark.soak
def test_elbo_and_gap_add_up_to_the_exact_evidence_and_bounds_are_in_order(run):
    printed, _ = run("07_evidence")
    exact = float(re.search(r"exact evidence (\S+) nats", printed)[1])
    rows = [numbers(line) for line in printed.splitlines() if re.match(r" *(factorized|full covariance) ", line)]
    assert len(rows) == 6
    for _, elbo, gap, total in rows:
        assert elbo < exact and gap > 0
        assert total == pytest.approx(exact, abs=0.02 + 0.01 * gap)
    bound = {
        name.strip(): float(value) for name, value in re.findall(r"^ *(.+): +(-[\d.]+) nats$", printed, re.MULTILINE)
    }
    assert bound["elbo"] < bound["importance, K = 5"] < bound["importance, K = 50"]
    assert bound["prior, K = 100"] < bound["importance, K = 50"]


@pytest.mark.soak
def test_the_elbo_given_the_label_adds_up_and_both_classifiers_beat_chance(run):
    printed, _ = run("08_conditions")
    rows = [
        numbers(line[14:]) for line in printed.splitlines() if line.strip().startswith(("no condition", "the label"))
    ]
    assert len(rows) == 2
    for elbo, rate, distortion in rows:
        assert elbo == pytest.approx(-rate - distortion, abs=0.02) and rate > 0
    shares = [float(found) for found in re.findall(r"accuracy ([\d.]+)", printed)]
    assert len(shares) == 3 and min(shares) > 0.2
