"""keras_vae, as a user writes it: parts, `compile`, `fit`."""

import math

import keras

import keras_vae as kv

VARIANTS = ("",)


def make(workload):
    """Make the model from parts; convolutions from plain Keras layers, as keras.io has them."""
    if workload.kind == "conv":
        encoder, decoder, projection = _convolutions(workload), _transposed(workload), None
    else:
        gated = workload.activation == "gated"
        options = {"gated": True} if gated else {"activation": workload.activation}
        encoder = kv.networks.MLPEncoder(workload.widths, **options)
        decoder, projection = kv.networks.MLPDecoder(workload.widths[::-1], **options), "auto"
    return kv.VAE(
        encoder=encoder,
        posterior=kv.posteriors.DiagonalGaussian(workload.latent_dim),
        decoder=decoder,
        likelihood=kv.likelihoods.Bernoulli(workload.event_shape, projection=projection),
        seed=0,
    )


def _convolutions(workload):
    layers = [
        keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu") for filters in workload.widths
    ]
    return keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(workload.hidden, activation="relu")])


def _transposed(workload):
    height, width, channels = workload.small_shape
    layers = [
        keras.layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")
        for filters in workload.widths[::-1]
    ]
    return keras.Sequential(
        [
            keras.layers.Dense(height * width * channels, activation="relu"),
            keras.layers.Reshape(workload.small_shape),
            *layers,
            keras.layers.Conv2DTranspose(workload.event_shape[-1], 3, padding="same"),
        ]
    )


class Lap(keras.callbacks.Callback):
    """Takes the time of each epoch."""

    def __init__(self, laps):
        super().__init__()
        self.laps = laps

    def on_epoch_begin(self, epoch, logs=None):
        """Begin."""
        self.laps.begin()

    def on_epoch_end(self, epoch, logs=None):
        """End."""
        weights = sum(math.prod(variable.shape) for variable in self.model.trainable_variables)
        self.laps.end(logs["loss"], weights=weights)


def train(workload, variant, laps):
    """Train without end, an epoch a lap."""
    keras.utils.set_random_seed(0)
    vae = make(workload)
    vae.compile(keras.optimizers.Adam(workload.learning_rate))
    if workload.binarize:
        data = kv.data.pipeline(
            workload.images(), batch_size=workload.batch_size, shuffle=True, binarize="dynamic", seed=0
        )
        vae.fit(data, epochs=10**6, callbacks=[Lap(laps)])
    else:
        vae.fit(workload.images(), batch_size=workload.batch_size, epochs=10**6, callbacks=[Lap(laps)])
