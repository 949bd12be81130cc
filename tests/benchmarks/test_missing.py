"""The benchmark of missing values runs from end to end, hides half of the table, and beats its peers in each row."""

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


def test_a_quick_run_of_the_model_writes_a_row_that_does_not_count(script, tmp_path):
    script.main(["breast_cancer", "--quick", "--epochs", "2", "--output", str(tmp_path / "rows.json")])
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert row["quick"] and 0 < row["rmse"]["keras_vae"] < 2


def test_on_each_seed_the_model_is_better_than_each_imputer():
    rows = json.loads((BENCHMARKS / "results" / "missing.json").read_text())
    ours = {row["seed"]: row["rmse"]["keras_vae"] for row in rows if row["data"] == "breast_cancer"}
    theirs = {row["seed"]: row["rmse"] for row in rows if row["data"] == "peers"}
    assert len(ours) >= 5 and set(ours) == set(theirs)
    for seed, error in ours.items():
        assert error < min(theirs[seed].values()), seed
