"""The tables of the documents say what the committed results say."""

import importlib
import pathlib

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def tables(monkeypatch):
    """Import the script as Python would run it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("tables")


def test_every_table_is_up_to_date(tables, capsys):
    assert tables.main(["--check"]) == 0, capsys.readouterr().out


def test_every_table_has_its_place_and_every_place_its_table(tables):
    text = "".join(path.read_text(encoding="utf-8") for path in tables.DOCUMENTS)
    assert sorted(found[1] for found in tables.MARKED.findall(text)) == sorted(tables.TABLES)


def test_a_figure_that_was_changed_by_hand_is_found_and_put_right(tables, monkeypatch, tmp_path, capsys):
    document = tmp_path / "guide.md"
    document.write_text("Before\n<!-- table: evidence_cost -->\n| 1 ms |\n<!-- end of table -->\nAfter\n")
    monkeypatch.setattr(tables, "DOCUMENTS", [document])
    monkeypatch.setattr(tables, "HERE", tmp_path / "benchmarks")
    assert tables.main(["--check"]) == 1
    assert "guide.md is out of date" in capsys.readouterr().out
    assert "1 ms" in document.read_text()
    assert tables.main([]) == 0
    assert tables.main(["--check"]) == 0
    text = document.read_text()
    assert "1 ms" not in text and text.startswith("Before\n") and text.endswith("After\n")
