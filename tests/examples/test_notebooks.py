"""The notebooks beside the examples are the scripts with their results, and one runs in a real kernel."""

import importlib.util
import pathlib

import keras
import nbformat
import pytest

from tests.examples.test_examples import assert_left_its_pictures

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("[0-9]*.py"))
MOST_BYTES = 1e6

scripts = pytest.mark.parametrize(
    "script", [script for script in SCRIPTS if script.with_suffix(".ipynb").exists()], ids=lambda script: script.stem
)


@pytest.fixture(scope="module")
def builder():
    """The program that writes the notebooks."""
    spec = importlib.util.spec_from_file_location("build_notebooks", EXAMPLES / "build_notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def pictures(found):
    return [output for output in found if "image/png" in output.get("data", {})]


def test_the_page_says_which_examples_have_a_notebook_with_results():
    text = " ".join((EXAMPLES / "README.md").read_text(encoding="utf-8").split())
    numbers = [str(int(path.stem[:2])) for path in sorted(EXAMPLES.glob("*.ipynb"))]
    assert f"Examples {', '.join(numbers[:-1])} and {numbers[-1]} have one" in text


@scripts
def test_a_notebook_is_its_script(script, builder):
    notebook, expected = nbformat.read(script.with_suffix(".ipynb"), as_version=4), builder.from_script(script)
    cells, expected_cells = ([(cell.cell_type, cell.source) for cell in each.cells] for each in (notebook, expected))
    assert cells == expected_cells, "run `make notebooks`"
    nbformat.validate(notebook)


@scripts
def test_a_notebook_has_its_results_and_is_small(script):
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    found = outputs(notebook)
    assert pictures(found)
    assert not [output for output in found if output.output_type == "error" or output.get("name") == "stderr"]
    assert script.with_suffix(".ipynb").stat().st_size < MOST_BYTES


def test_prose_that_changed_needs_no_run_and_code_that_changed_does(builder, tmp_path, monkeypatch):
    runs = []
    monkeypatch.setattr(builder, "run", lambda notebook, folder: runs.append(notebook))
    script = tmp_path / "00_small.py"
    script.write_text("# %% [markdown]\n# # One\n\n# %%\n1 + 1\n")
    assert builder.build(script) and len(runs) == 1
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="2")]
    nbformat.write(notebook, script.with_suffix(".ipynb"))
    script.write_text(script.read_text().replace("One", "Two"))
    assert not builder.build(script) and len(runs) == 1
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    assert (notebook.cells[0].source, outputs(notebook)[0].text) == ("# Two", "2")
    script.write_text(script.read_text().replace("1 + 1", "1 + 2"))
    assert builder.build(script) and len(runs) == 2


# What a reader may add to the first example's cells, with how many pictures and tables each shows.
ADDED = {
    "kv.plots.samples(test.images[:4])": (1, 0),
    "kv.plots.samples(test.images[:4]).show()": (1, 0),
    "kv.plots.show(kv.plots.samples(test.images[:4]))": (1, 0),
    "figure = kv.plots.samples(test.images[:4])": (0, 0),
    "history": (0, 1),
    "kv.evaluation.evaluate_vae(vae, test_x[:20], 5, seed=0)": (0, 1),
    "import matplotlib.pyplot as plt\nkv.plots.samples(test.images[:4], ax=plt.subplots()[1])": (1, 0),
    "kv.plots.samples(test.images[:4])  # pyplot is there": (1, 0),
}


def test_the_first_example_runs_in_a_kernel_and_shows_each_picture_once(builder, tmp_path):
    """It leaves its pictures and a small model that answers, and nothing elsewhere."""
    notebook = builder.from_script(SCRIPTS[0])
    own = len(notebook.cells)
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in ADDED]
    builder.run(notebook, folder=tmp_path, arguments=["--fast", "--dataset", "digits"])
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*")] == ["runs"]
    results = tmp_path / "runs" / "01_fashion_mnist"
    saved = {path.name for path in results.glob("*.png")}
    assert assert_left_its_pictures(SCRIPTS[0].stem, results) == saved
    assert (results / "model.keras").stat().st_size < 4e6
    assert keras.models.load_model(results / "model.keras").generate(2, seed=0).shape[0] == 2
    assert len(pictures(outputs(nbformat.v4.new_notebook(cells=notebook.cells[:own])))) == len(saved) > 3
    for cell, (num_pictures, num_tables) in zip(notebook.cells[own:], ADDED.values(), strict=True):
        assert len(pictures(cell.outputs)) == num_pictures, cell.source
        tables = [output for output in cell.outputs if "<table>" in output.get("data", {}).get("text/html", "")]
        assert len(tables) == num_tables, cell.source
        assert not [output for output in cell.outputs if output.get("name") == "stderr"], cell.outputs
