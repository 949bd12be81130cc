"""The benchmark of missing values runs from end to end, and hides half of the table."""

import importlib
import json
import pathlib

import numpy as np
import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """Import the script as Python would run it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("missing")


def test_half_of_the_table_is_missing_and_column_means_are_off_by_one(script, tmp_path):
    x, gappy = script.table_with_gaps(0)
    assert np.isnan(gappy).sum() == x.size // 2
    np.testing.assert_allclose(x.std(axis=0), 1.0)
    script.main(["peers", "--quick", "--output", str(tmp_path / "rows.json")])
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert row["rmse"]["mean"] == pytest.approx(1.0, abs=0.05)
    assert row["rmse"]["knn"] < 0.8


@pytest.mark.soak
def test_a_quick_run_of_the_model_writes_a_row_that_does_not_count(script, tmp_path):
    script.main(["breast_cancer", "--quick", "--epochs", "2", "--output", str(tmp_path / "rows.json")])
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert row["quick"] and 0 < row["rmse"]["keras_vae"] < 2
