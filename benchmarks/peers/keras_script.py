"""A Keras script of the kind that keras.io teaches, its `train_step` and its losses word for word."""

import keras
import tensorflow as tf
from keras import layers, ops

from peers.ours import Lap

VARIANTS = ("",)


class Sampling(layers.Layer):
    """Uses (z_mean, z_log_var) to sample z."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        """Sample."""
        z_mean, z_log_var = inputs
        epsilon = keras.random.normal(shape=ops.shape(z_mean), seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon


class VAE(keras.Model):
    """Two functional models and a custom step."""

    def __init__(self, encoder, decoder, binarize, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder, self.binarize = encoder, decoder, binarize
        self.total_loss_tracker = keras.metrics.Mean(name="total_loss")
        self.reconstruction_loss_tracker = keras.metrics.Mean(name="reconstruction_loss")
        self.kl_loss_tracker = keras.metrics.Mean(name="kl_loss")

    @property
    def metrics(self):
        """The trackers."""
        return [self.total_loss_tracker, self.reconstruction_loss_tracker, self.kl_loss_tracker]

    def train_step(self, data):
        """Train."""
        if self.binarize:
            data = tf.cast(tf.random.uniform(tf.shape(data)) < data, tf.float32)
        with tf.GradientTape() as tape:
            z_mean, z_log_var, z = self.encoder(data)
            reconstruction = self.decoder(z)
            reconstruction_loss = ops.mean(
                ops.sum(keras.losses.binary_crossentropy(data, reconstruction), axis=(1, 2))
                * data.shape[-1]  # Keras averages over channels
            )
            kl_loss = -0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))
            kl_loss = ops.mean(ops.sum(kl_loss, axis=1))
            total_loss = reconstruction_loss + kl_loss
        grads = tape.gradient(total_loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(grads, self.trainable_weights, strict=True))
        self.total_loss_tracker.update_state(total_loss)
        self.reconstruction_loss_tracker.update_state(reconstruction_loss)
        self.kl_loss_tracker.update_state(kl_loss)
        return {
            "loss": self.total_loss_tracker.result(),
            "reconstruction_loss": self.reconstruction_loss_tracker.result(),
            "kl_loss": self.kl_loss_tracker.result(),
        }


def _dense(x, units, activation):
    if activation == "gated":
        return layers.Dense(units)(x) * layers.Dense(units, activation="sigmoid")(x)
    return layers.Dense(units, activation=activation)(x)


def make(workload):
    """Make encoder and decoder as functional models."""
    x = inputs = keras.Input(shape=workload.event_shape)
    if workload.kind == "conv":
        for filters in workload.widths:
            x = layers.Conv2D(filters, 3, activation="relu", strides=2, padding="same")(x)
        x = layers.Dense(workload.hidden, activation="relu")(layers.Flatten()(x))
    else:
        x = layers.Flatten()(x)
        for units in workload.widths:
            x = _dense(x, units, workload.activation)
    z_mean = layers.Dense(workload.latent_dim, name="z_mean")(x)
    z_log_var = layers.Dense(workload.latent_dim, name="z_log_var")(x)
    encoder = keras.Model(inputs, [z_mean, z_log_var, Sampling()([z_mean, z_log_var])], name="encoder")

    x = latent_inputs = keras.Input(shape=(workload.latent_dim,))
    if workload.kind == "conv":
        height, width, channels = workload.small_shape
        x = layers.Dense(height * width * channels, activation="relu")(x)
        x = layers.Reshape(workload.small_shape)(x)
        for filters in workload.widths[::-1]:
            x = layers.Conv2DTranspose(filters, 3, activation="relu", strides=2, padding="same")(x)
        x = layers.Conv2DTranspose(workload.event_shape[-1], 3, activation="sigmoid", padding="same")(x)
    else:
        for units in workload.widths[::-1]:
            x = _dense(x, units, workload.activation)
        x = layers.Dense(workload.event_size, activation="sigmoid")(x)
        x = layers.Reshape(workload.event_shape)(x)
    return VAE(encoder, keras.Model(latent_inputs, x, name="decoder"), workload.binarize)


def train(workload, variant, laps):
    """Train without end, an epoch a lap."""
    keras.utils.set_random_seed(0)
    vae = make(workload)
    vae.compile(optimizer=keras.optimizers.Adam(workload.learning_rate))
    vae.fit(workload.images(), batch_size=workload.batch_size, epochs=10**6, callbacks=[Lap(laps)])
