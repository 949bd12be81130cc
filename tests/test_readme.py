"""The README is short, in order, and leads to every page; links of all pages lead to files and headings that exist."""

import pathlib
import re
import shlex

import pytest

from keras_vae_cli import main
from tests.test_command_line_page import few  # noqa: F401  # a fixture: photos, and data sets that are small
from tests.violations import assert_none

ROOT = pathlib.Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "examples" / "README.md"])
ORDER = ["Install", "Twenty lines of API", "What to choose", "Command line", "Examples", "Numbers", "Documentation"]


def links_of(path):
    """Return pairs of the file and the heading, if any, that the links of a document lead to."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text)
    return [((path.parent / target).resolve() if target else path, heading) for target, heading in found]


def headings_of(path):
    """Return the headings of a document as links name them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_read_in_five_minutes():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_the_readme_is_in_order():
    assert re.findall(r"^## (.+)$", README.read_text(encoding="utf-8"), flags=re.MULTILINE) == ORDER


def test_the_commands_of_the_readme_run(few):  # noqa: F811
    lines = re.findall(r"^keras-vae .*$", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(lines) == 6
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        short = ["--epochs", "1"] if words[0] == "train" and "--config" not in words else []
        assert main([*words, *short]) == 0, line
    assert pathlib.Path("served/photos/1/saved_model.pb").exists()


def test_the_readme_leads_to_every_page():
    led_to = {path for path, _ in links_of(README)}
    assert_none(str(path) for path in (ROOT / "docs").rglob("*.md") if path not in led_to)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(document):
    violations = []
    for path, heading in links_of(document):
        if not path.exists():
            violations.append(f"{path} does not exist")
        elif heading and heading not in headings_of(path):
            violations.append(f"{path} has no heading #{heading}")
    assert_none(violations)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_every_page_begins_with_the_question_that_it_answers(page):
    first = page.read_text(encoding="utf-8").split("\n\n")[1]
    assert "?" in first, first
