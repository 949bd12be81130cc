"""Images a second: training counts, validation and the compiling first epoch do not."""

import pytest

from keras_vae_cli import progress


@pytest.fixture
def clock(monkeypatch):
    times = []
    monkeypatch.setattr(progress.time, "perf_counter", lambda: times.pop(0))
    return times


def run(speed, epochs, validation):
    for epoch in range(epochs):
        speed.on_epoch_begin(epoch)
        if validation:
            speed.on_test_begin()
        speed.on_epoch_end(epoch)


@pytest.mark.parametrize("validation", [True, False])
def test_the_first_epoch_does_not_count_where_there_are_others(clock, validation):
    clock.extend([0.0, 50.0, 100.0, 104.0, 200.0, 206.0])
    speed = progress.TrainingSpeed(1000)
    run(speed, 3, validation)
    assert speed.images_per_second == pytest.approx(2 * 1000 / (4 + 6))


def test_one_epoch_counts_where_it_is_all_there_is(clock):
    clock.extend([0.0, 50.0])
    speed = progress.TrainingSpeed(1000)
    run(speed, 1, True)
    assert speed.images_per_second == pytest.approx(20.0)
