"""Settings for every test: quiet TensorFlow, four logical CPUs, one seed, and Keras's global state put back."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pytest
import tensorflow as tf

import keras_vae as kv

# Two or four of them make a strategy of as many replicas; it has to be said before TensorFlow runs anything.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 4
)


def pytest_configure(config):
    """Leave TensorFlow's graph optimizer out of the quick tests: it takes longer than small models run."""
    if config.option.markexpr == "not soak":
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(autouse=True)
def keras_state():
    """Seed all global generators, and put back the dtype policy and the float type that a test set."""
    keras.utils.set_random_seed(42)
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    yield
    if keras.config.dtype_policy() != policy or keras.config.floatx() != floatx:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
        keras.backend.clear_session()


@pytest.fixture(autouse=True)
def environment():
    """Put back the environment variables: a command sets some for its process, which here is everybody's."""
    before = dict(os.environ)
    yield
    if before != dict(os.environ):
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="module", autouse=True)
def small_heap():
    """Spare later searches for garbage what is there now; `clear_session` asks for one, of gigabytes by the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def fashion():
    """The first images of Fashion-MNIST where it is installed, of the digits where it is not."""
    try:
        train, test = kv.data.load("fashion_mnist")
    except kv.data.DataNotFoundError:
        train, test = kv.data.load("digits")
    return train, test
