"""The benchmark of serving runs from end to end, and sums up what it times."""

import importlib
import json
import pathlib

import numpy as np
import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"
RUNTIMES = {"verbs", "predict", "saved_model", "litert", "onnx", "c"}


@pytest.fixture
def serving(monkeypatch):
    """The script, as Python would import it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("serving")


@pytest.mark.soak
def test_every_runtime_is_timed_on_every_signature(serving, tmp_path, capsys):
    serving.main(["--quick", "--output", str(tmp_path / "serving.json")])
    (record,) = json.loads((tmp_path / "serving.json").read_text())
    found = {(row["signature"], row["batch"], row["runtime"]) for row in record["rows"]}
    assert found == {(name, 1, runtime) for name in ("encode", "decode", "generate") for runtime in RUNTIMES}
    assert all(0 < row["p50_ms"] <= row["p99_ms"] and row["rows_per_second"] > 0 for row in record["rows"])
    assert {"model": "mlp", "quick": True, "calls": 4, "seed": 0}.items() <= record.items()
    assert {"command", "versions", "runtimes", "date"} <= set(record)
    table = capsys.readouterr().out
    assert all(f" {runtime} " in table for runtime in RUNTIMES)


def test_a_row_sums_a_series_of_calls_up(serving):
    seconds = np.random.default_rng(0).gamma(2.0, 1e-3, 500).tolist()
    row = serving.row_of("encode", "onnx", 32, seconds)
    for name, quantile in (("p50_ms", 0.5), ("p99_ms", 0.99)):
        assert row[name] == pytest.approx(1e3 * np.quantile(seconds, quantile), abs=1e-3)
    assert row["rows_per_second"] == pytest.approx(32 / np.mean(seconds), rel=1e-4)


def test_an_answer_that_differs_from_keras_stops_the_benchmark(serving):
    def answers(value):
        return dict.fromkeys(("encode", "decode", "generate"), lambda x: np.full([len(x), 2], value))

    given = serving.requests(3, np.random.default_rng(0))
    serving.check_equal({"verbs": answers(1.0), "other": answers(1.00005)}, given)
    with pytest.raises(AssertionError, match="other encode"):
        serving.check_equal({"verbs": answers(1.0), "other": answers(1.001)}, given)
