"""Run each example as a notebook and write it, with what its cells answered, beside its script: `make notebooks`.

A notebook whose code is the script's is not run again: it gets the script's prose and keeps its answers.
"""

import argparse
import base64
import io
import os
import pathlib

import jupytext
import nbclient
import nbformat
from PIL import Image

EXAMPLES = pathlib.Path(__file__).parent
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def from_script(script):
    """Return the cells of a script as a notebook without answers, the same each time."""
    notebook = jupytext.read(script)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", nbformat.from_dict({})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def code_of(notebook):
    """Return the code of a notebook, cell by cell."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def run(notebook, *, folder, arguments=()):
    """Run a notebook in a kernel of its own that was started in a folder, with arguments as a script has them."""
    given = nbformat.v4.new_code_cell(f"import sys; sys.argv += {list(arguments)!r}")
    notebook.cells.insert(0, given)
    resources = {"metadata": {"path": str(folder)}}
    # What TensorFlow's C++ code writes goes to the terminal of this command: some of it heeds no log level.
    options = {"timeout": None, "record_timing": False, "coalesce_streams": True}
    options["extra_arguments"] = ["--IPKernelApp.capture_fd_output=False"]
    # The kernel chooses where pictures go; Matplotlib's variable would overrule it.
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    nbclient.NotebookClient(notebook, resources=resources, **options).execute(env=environment)
    notebook.cells.remove(given)
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = number
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number
            if picture := output.get("data", {}).get("image/png"):
                output.data["image/png"] = smaller(picture)


def smaller(picture):
    """Write a picture in fewer bytes: in grey where it is grey, elsewhere in the 256 colours that suit it best."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    grey = image.convert("L")
    file = io.BytesIO()
    (grey if grey.convert("RGB").tobytes() == image.tobytes() else image.quantize(256)).save(file, "png", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def build(script, *, force=False):
    """Write the notebook of one script, and return whether it was run."""
    path, notebook = script.with_suffix(".ipynb"), from_script(script)
    old = nbformat.read(path, as_version=4) if path.exists() and not force else None
    is_run = old is None or code_of(old) != code_of(notebook)
    if is_run:
        run(notebook, folder=EXAMPLES.parent)
    else:
        notebook.metadata = old.metadata
        answered = iter(cell for cell in old.cells if cell.cell_type == "code")
        for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
            before = next(answered)
            cell.outputs, cell.execution_count = before.outputs, before.execution_count
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    return is_run


def main():
    """Build the notebooks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scripts", nargs="*", type=pathlib.Path, help="the examples; all by default")
    parser.add_argument("--force", action="store_true", help="run also where the code has not changed")
    options = parser.parse_args()
    for script in options.scripts or sorted(EXAMPLES.glob("[0-9]*.py")):
        is_run = build(script, force=options.force)
        size = script.with_suffix(".ipynb").stat().st_size
        print(f"{script.stem}.ipynb: {'run' if is_run else 'prose alone'}, {size / 1e3:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
