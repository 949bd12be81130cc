"""kill -9 at random moments: the last checkpoint loads, and the resumed run ends as the one that was never killed."""

import json
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "benchmarks" / "kills.py"


def kill(tmp_path, *arguments, timeout):
    """Run the script, which fails where a resumed run differs, and return its report."""
    output = tmp_path / "kills.json"
    command = [sys.executable, str(SCRIPT), *map(str, arguments), "--output", str(output)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    (report,) = json.loads(output.read_text())
    return report


@pytest.mark.soak
def test_runs_that_are_killed_twenty_times_end_as_if_they_had_not_been(tmp_path):
    report = kill(tmp_path, "--kills", 20, "--seed", 1, timeout=1200)
    assert report["kills"] == 20
    assert report["equal_bit_for_bit"]
    assert len(set(report["epochs_when_killed"])) > 5
