"""The documents name functions and tests that exist, and their mathematics survives Markdown."""

import ast
import functools
import importlib
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
DERIVATIONS = ROOT / "docs" / "derivations.md"
DOCUMENTS = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def resolve(name):
    """Import the longest part of a dotted name that is a module, and look up the rest."""
    modules = name.split(".")
    for length in range(len(modules), 0, -1):
        try:
            found = importlib.import_module(".".join(modules[:length]))
        except ModuleNotFoundError:
            continue
        return functools.reduce(getattr, modules[length:], found)
    raise ModuleNotFoundError(name)


def named_functions(text):
    """Return the dotted names of the package that a text has in backticks; `keras_vae.json` is a file."""
    return sorted(set(re.findall(r"`(keras_vae(?:\.(?!json`)\w+)+)`", text)))


def named_tests(text):
    """Return what a text names as `tests/file.py` or `tests/file.py::test_name`, in pairs of path and name."""
    return sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)))


def missing_tests(text):
    """Return the named test files and tests that do not exist, found by parsing and without running them."""
    missing = []
    for path, name in named_tests(text):
        file = ROOT / path
        if not file.exists():
            missing.append(path)
        elif name and name not in {
            node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)
        }:
            missing.append(f"{path}::{name}")
    return missing


DISPLAY = re.compile(r"^\$\$\n(.*?)\n\$\$$", flags=re.DOTALL | re.MULTILINE)


def prose(text):
    """Return a text without code and without display equations."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", DISPLAY.sub("", text))


@documents
def test_every_function_that_a_document_names_exists(document):
    unknown = []
    for name in named_functions(document.read_text()):
        try:
            resolve(name)
        except (ModuleNotFoundError, AttributeError):
            unknown.append(name)
    assert not unknown


@documents
def test_every_test_that_a_document_names_exists(document):
    assert not missing_tests(document.read_text())


def test_what_does_not_exist_is_found():
    text = "`keras_vae.models.VAEE`, `tests/test_docs.py::test_nothing_of_the_kind` and `tests/models/test_nothing.py`"
    assert named_functions(text) == ["keras_vae.models.VAEE"]
    with pytest.raises(AttributeError):
        resolve("keras_vae.models.VAEE")
    with pytest.raises(AttributeError):
        resolve("keras_vae.nothing.at_all")
    assert missing_tests(text) == ["tests/models/test_nothing.py", "tests/test_docs.py::test_nothing_of_the_kind"]


def test_every_equation_has_its_number_its_function_its_test_and_its_source():
    blocks = DERIVATIONS.read_text().split("\n$$\n")
    equations, followers = blocks[1::2], blocks[2::2]
    assert len(equations) > 30
    for number, (equation, follower) in enumerate(zip(equations, followers, strict=True), start=1):
        assert re.findall(r"\\tag\{(\d+)\}", equation) == [str(number)]
        line = follower.strip().split("\n\n")[0].replace("\n", " ")
        assert line.startswith("→ "), f"equation {number} has no line of function, test and source"
        function, *tests, source = line.split(" · ")
        assert named_functions(function), f"equation {number} names no function"
        assert any(name for _, name in named_tests(" ".join(tests))), f"equation {number} names no test"
        assert re.search(r"\d{4}|from \(\d+\)|linearity|the categorical", source), f"equation {number} names no source"


def test_every_paper_that_is_cited_is_in_the_references():
    text, references = DERIVATIONS.read_text().split("## References")
    text = " ".join(text.split())
    first_authors_and_years = re.findall(r"([A-Z][\w-]+)(?:(?:, [A-Z]\w+)* & [A-Z]\w+| et al\.)? (\d{4})\b", text)
    assert len(first_authors_and_years) > 30
    for author, year in set(first_authors_and_years):
        assert re.search(rf"^- (?:[\w,&-]+ )*?{author}\b[^.]* {year}\.", references, flags=re.MULTILINE), (author, year)


@documents
def test_mathematics_holds_nothing_that_markdown_takes_for_its_own(document):
    # GitHub reads Markdown first: escapes lose their backslash, links and emphasis are made, lines become lists.
    displays, text = DISPLAY.findall(document.read_text()), prose(document.read_text())
    formulas = re.findall(r"\$([^$]+)\$", text)
    assert text.count("$") == 2 * len(formulas)
    for formula in [*displays, *formulas]:
        assert not re.search(r"\\[^A-Za-z]", formula), formula
        assert not re.search(r"[*~<>#]|\]\(|(?<![A-Za-z0-9])_", formula), formula
        assert formula.count("{") == formula.count("}"), formula
    for formula in displays:
        assert not re.search(r"^\s*(?:[-+]\s|\d+[.)]\s|=+$)", formula, flags=re.MULTILINE), formula
    for before, formula, after in re.findall(r"(\w?)\$([^$]+)\$(\w?)", text):
        assert not before and not after and formula == formula.strip(), formula


def test_nothing_is_announced_that_has_arrived():
    announced = re.findall(r"arrive with keras_vae\.(\w+)", " ".join(DERIVATIONS.read_text().split()))
    assert not [name for name in announced if (ROOT / "keras_vae" / name).exists()]
