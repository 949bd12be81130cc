"""Registration and the nesting of parts in configs."""

import json

import keras
import pytest

import keras_vae as kv
from keras_vae import core


def test_a_part_goes_through_json_and_back():
    schedule = kv.schedules.LinearSchedule(0.0, 4.0, steps=10)
    rebuilt = core.deserialize(json.loads(json.dumps(core.serialize(schedule))))
    assert type(rebuilt) is kv.schedules.LinearSchedule
    assert rebuilt.get_config() == schedule.get_config()


@pytest.mark.parametrize("value", [None, 0.5, 3])
def test_numbers_and_none_stay_as_they_are(value):
    assert core.deserialize(core.serialize(value)) == value


def test_a_part_that_is_built_already_is_handed_back():
    layer = kv.Sampling()
    assert core.deserialize(layer) is layer


def test_custom_objects_are_found_by_name():
    class Doubling(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    config = core.serialize(Doubling())
    assert type(core.deserialize(config, {"Doubling": Doubling})) is Doubling


def test_registering_a_class_again_is_harmless():
    assert core.register(kv.Sampling) is kv.Sampling
    assert keras.saving.get_registered_object("keras_vae>Sampling") is kv.Sampling


def test_another_class_of_a_registered_name_is_refused_and_the_first_one_stays():
    impostor = type("Sampling", (keras.layers.Layer,), {})
    message = r"`keras_vae>Sampling` is keras_vae.layers.sampling.Sampling. Received: .*Sampling"
    with pytest.raises(ValueError, match=message):
        core.register(impostor)
    assert keras.saving.get_registered_object("keras_vae>Sampling") is kv.Sampling


def test_files_of_later_formats_are_refused_and_others_are_not():
    core.check_format_version(core.FORMAT_VERSION)
    core.check_format_version(1)
    version = core.FORMAT_VERSION + 1
    with pytest.raises(ValueError, match=f"Upgrade keras_vae. Received: format_version={version}"):
        core.check_format_version(version)
