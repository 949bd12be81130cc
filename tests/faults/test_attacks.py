"""Signals at random moments, and damage to every file that a user loads: counted by a script."""

import json
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "benchmarks" / "faults.py"


def attack(tmp_path, *arguments, timeout):
    """Run the script, which fails where an attack succeeds, and return its report."""
    output = tmp_path / "faults.json"
    command = [sys.executable, str(SCRIPT), *map(str, arguments), "--output", str(output)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    (report,) = json.loads(output.read_text())
    return report


@pytest.mark.soak
def test_ten_thousand_damaged_files_are_refused_by_name(tmp_path):
    report = attack(tmp_path, "--files", 10_000, "--seed", 2, timeout=600)
    assert report["refused"] + report["read"] == report["tries"] == 10_000
    assert all(counts["refused"] > 10 for counts in report["by_file"].values())


@pytest.mark.soak
def test_signals_at_random_moments_are_heeded_and_runs_end_as_if_uncut(tmp_path):
    report = attack(tmp_path, "--signals", 8, "--seed", 1, timeout=900)
    assert report["tries"] >= 8
    assert report["equal_bit_for_bit"]
