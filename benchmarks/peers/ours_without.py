"""keras_vae with one thing left out, or put in, to see what that costs a step; reaches into its insides."""

import contextlib

import keras
import tensorflow as tf

import keras_vae as kv
from keras_vae.models.divergence import DivergenceGuard
from peers.ours import Lap, make

VARIANTS = ("guard", "trackers", "callbacks", "executions", "choice", "tuner", "training")


class NoGuard(DivergenceGuard):
    """Lets everything through."""

    def update(self, model, batch, differentiate):
        """Update, whatever the gradients are."""
        terms, penalty, gradients, variables = differentiate()
        model.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return terms, penalty


def train(workload, variant, laps):
    """Train without end, an epoch a lap."""
    keras.utils.set_random_seed(0)
    vae = make(workload)
    vae.compile("adam")
    binarize = "dynamic" if workload.binarize else None
    data = kv.data.pipeline(workload.images(), batch_size=workload.batch_size, shuffle=True, binarize=binarize, seed=0)
    weights = sum(tf.size(variable).numpy().item() for variable in vae.trainable_variables)
    if variant == "training":
        while True:
            laps.begin()
            for _ in data:
                pass
            laps.end(0.0, weights=weights)
    if variant == "guard":
        vae._run.guard = NoGuard(())
    elif variant == "trackers":
        vae._track = lambda terms, weights, penalty: {"loss": tf.reduce_mean(terms.loss)}
    elif variant == "executions":
        vae.compile("adam", steps_per_execution=1)
    elif variant == "choice":
        vae.fit(data, verbose=0)
        vae.compile("adam", jit_compile=not vae.jit_compile)
    elif variant == "tuner":
        data = tuned(data)
    elif variant == "callbacks":
        run_bare(vae, data, workload, laps, weights)
    vae.fit(data, epochs=10**6, callbacks=[Lap(laps)])


def tuned(data):
    """Return the data set as TensorFlow runs it by default, with its tuner."""
    options = tf.data.Options()
    options.autotune.enabled = True
    stream = data.with_options(options)
    stream.epoch, stream.batch_size = data.epoch, data.batch_size
    return stream


def run_bare(vae, data, workload, laps, weights):
    """Call what `fit` calls, and nothing around it."""
    vae.fit(data, verbose=0)
    while True:
        laps.begin()
        iterator, logs = iter(data), None
        with contextlib.suppress(StopIteration):
            for _ in range(-(-workload.num_images // workload.batch_size // vae.steps_per_execution)):
                logs = vae.train_function(iterator)
        laps.end(logs["loss"].numpy(), weights=weights)
