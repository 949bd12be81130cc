"""The benchmarks of speed run from end to end, and sum up what they time."""

import importlib
import json
import pathlib
import subprocess
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """Import a script of the benchmarks as Python would run it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.mark.soak
def test_the_peers_train_the_same_model_in_turns(script, tmp_path, capsys):
    throughput = script("throughput")
    output = tmp_path / "throughput.json"
    options = ["--quick", "--workload", "binarized", "--only", "tensorflow_step graph", "--output", str(output)]
    throughput.main(options)
    (row,) = json.loads(output.read_text())
    assert {"workload": "binarized", "quick": True, "seed": 0, "repetitions": 1}.items() <= row.items()
    assert set(row["images_per_second"]) == {"ours", "tensorflow_step graph"}
    assert row["weights"]["ours"] == row["weights"]["tensorflow_step graph"] > 1_000_000
    assert row["targets"]["step by hand"]["ratio"] == row["ours_over"]["tensorflow_step graph"] > 0
    assert {"command", "versions", "date", "machine", "cpu_seconds_over_wall"} <= set(row)
    assert "TensorFlow step by hand" in capsys.readouterr().out


@pytest.mark.soak
def test_the_package_is_compared_with_that_of_another_checkout(script, tmp_path):
    throughput, output = script("throughput"), tmp_path / "before.json"
    options = ["--quick", "--workload", "mlp", "--before", str(BENCHMARKS.parent), "--output", str(output)]
    throughput.main(options)
    (row,) = json.loads(output.read_text())
    assert set(row["images_per_second"]) == {"ours", "ours before"}
    assert len(row["before"]) == 40
    assert row["last_loss"]["ours"] == row["last_loss"]["ours before"]


def lap(seconds, loss=5.0, weights=7):
    return {"seconds": seconds, "cpu_seconds": 2 * seconds, "loss": loss, "weights": weights, "peak_memory_mib": 1}


def test_ratios_are_medians_within_a_repetition(script):
    throughput, workloads = script("throughput"), script("peers.workloads")
    # The second repetition met a busy machine; the third favoured the other one.
    laps = {"ours": [lap(1.0), lap(4.0), lap(1.0)], "pythae_trainer": [lap(2.0), lap(8.0), lap(1.0)]}
    summary = throughput.summarize(workloads.WORKLOADS["mlp"], laps, {"jax_step": "jax not installed"})
    assert summary["ours_over"] == {"pythae_trainer": 2.0}
    assert summary["images_per_second"]["ours"] == 51_200
    targets = throughput.against_targets("mlp", summary)
    assert targets == {"pythae": {"best": "pythae_trainer", "ratio": 2.0, "target": 1.8, "reached": True}}
    row = {**summary, "workload": "mlp", "quick": False, "repetitions": 3, "date": "2026-01-01T00:00:00"}
    assert "| pythae's trainer | 25,600 | 5.00 | 2.00 |" in throughput.markdown([row])


@pytest.mark.parametrize("other", [{"weights": 8}, {"loss": 6.0}])
def test_models_that_differ_are_not_compared(script, other):
    throughput, workloads = script("throughput"), script("peers.workloads")
    summary = throughput.summarize(
        workloads.WORKLOADS["mlp"], {"ours": [lap(1.0)], "jax_step": [lap(1.0, **other)]}, {}
    )
    with pytest.raises(AssertionError, match="differ"):
        throughput.check_alike(summary)


def test_a_peer_that_is_not_installed_is_left_out_with_a_reason(script, monkeypatch):
    throughput = script("throughput")
    monkeypatch.setitem(throughput.PACKAGES, "jax_step", ("no_such_package",))
    laps, skipped = throughput.measure("mlp", ["jax_step"], repetitions=0, quick=True, log=lambda text: None)
    assert (laps, skipped) == ({}, {"jax_step": "no_such_package not installed"})


@pytest.mark.soak
def test_scaling_measures_points_and_fits_the_exponent(script, tmp_path, capsys):
    scaling = script("scaling")
    output = tmp_path / "scaling.json"
    scaling.main(["--quick", "--axis", "width", "--output", str(output)])
    (row,) = json.loads(output.read_text())
    assert {"axis": "width", "sizes": [64, 128], "quick": True}.items() <= row.items()
    assert all(seconds > 0 for seconds in row["seconds"])
    assert "time ~ n^" in capsys.readouterr().out


def test_the_exponent_is_that_of_a_power(script):
    scaling = script("scaling")
    sizes = [1, 2, 4, 8, 16, 32]
    assert scaling.exponent(sizes, [5.0 * size**1.5 for size in sizes]) == pytest.approx(1.5)
    # A fixed cost, which only the smaller half feels.
    assert scaling.exponent(sizes, [9.0, 9.0, 9.0, 64.0, 256.0, 1024.0]) == pytest.approx(2.0)
    assert scaling.exponent(sizes, [3.0] * 6) == pytest.approx(0.0)


@pytest.mark.soak
def test_startup_tells_milestones_in_order(script, tmp_path, capsys):
    startup = script("startup")
    output = tmp_path / "startup.json"
    startup.main(["--quick", "--output", str(output)])
    (row,) = json.loads(output.read_text())
    seconds = [row["seconds"][name] for name in ("imported", "compiled", "first step", "saved", "exported")]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0 and row["peak_mib"] > 100
    assert "first training step" in capsys.readouterr().out


@pytest.mark.soak
def test_devices_and_precisions_are_compared_with_one_device_and_float32(tmp_path):
    output = tmp_path / "devices.json"
    script = [sys.executable, str(BENCHMARKS / "devices.py"), "--quick", "--output", str(output)]
    result = subprocess.run(script, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    (record,) = json.loads(output.read_text())
    ratios = {row["variant"]: row["speed_ratio"] for row in record["rows"]}
    assert ratios.keys() == {"1 device", "2 devices", "4 devices", "float32", "mixed_bfloat16", "mixed_float16"}
    assert ratios["1 device"] == ratios["float32"] == 1.0
    assert all(ratio > 0 for ratio in ratios.values())
    assert record["quick"] and "2 devices" in result.stdout
