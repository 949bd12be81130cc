"""The models that are trained, described once for all peers, and the data that they are trained on."""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class Workload:
    """A model, its data and its batches.

    Attributes
    ----------
    title : str
        For the table.
    kind : {"dense", "conv"}
        What the trunks are made of.
    event_shape : tuple of int
        Of one image: height, width, channels.
    widths : tuple of int
        Units or filters of the encoder; the decoder has them in reverse order.
    latent_dim : int
        Latent dimensions.
    batch_size : int
        Images in a batch.
    num_images : int
        Images in an epoch, which is what is timed; whole batches.
    hidden : int
        Units of a dense layer between convolutions and posterior.
    activation : str
        Of dense layers; "gated" is a linear layer times a sigmoid one.
    binarize : bool
        Whether each batch is binarized afresh.
    learning_rate : float
        Adam's. Large images want a small one: with 1e-3 some seeds meet a loss of 10^8 in the first steps.
    """

    title: str
    kind: str
    event_shape: tuple
    widths: tuple
    latent_dim: int
    batch_size: int
    num_images: int
    hidden: int = 0
    activation: str = "relu"
    binarize: bool = False
    learning_rate: float = 1e-3

    @property
    def event_size(self):
        """Pixels times channels."""
        return math.prod(self.event_shape)

    @property
    def small_shape(self):
        """Of the features between the convolutions and the dense layers."""
        scale = 2 ** len(self.widths)
        return (self.event_shape[0] // scale, self.event_shape[1] // scale, self.widths[-1])

    def images(self):
        """Return images float32 [n, h, w, c] with values in [0, 1], the same ones in each process."""
        grey = np.random.default_rng(0).random((self.num_images, *self.event_shape), np.float32)
        # Half of the pixels are black, as in pictures of things.
        return np.maximum(2.0 * grey - 1.0, 0.0)

    def quick(self):
        """Return a copy that takes a moment."""
        return dataclasses.replace(
            self,
            event_shape=(min(self.event_shape[0], 32), min(self.event_shape[1], 32), self.event_shape[2]),
            num_images=4 * self.batch_size,
        )


WORKLOADS = {
    "mlp": Workload(
        title="MLP 784-500-500-40, tanh",
        kind="dense",
        event_shape=(28, 28, 1),
        widths=(500, 500),
        latent_dim=40,
        batch_size=128,
        num_images=400 * 128,
        activation="tanh",
    ),
    "conv": Workload(
        title="keras.io's convolutions, 32-64 filters, latent 2",
        kind="conv",
        event_shape=(28, 28, 1),
        widths=(32, 64),
        latent_dim=2,
        batch_size=128,
        num_images=100 * 128,
        hidden=16,
    ),
    "binarized": Workload(
        title="gated MLP 784-300-300-40, binarized afresh",
        kind="dense",
        event_shape=(28, 28, 1),
        widths=(300, 300),
        latent_dim=40,
        batch_size=100,
        num_images=400 * 100,
        activation="gated",
        binarize=True,
    ),
    "faces": Workload(
        title="convolutions on 256 x 256 x 3, 32-64-128-256 filters",
        kind="conv",
        event_shape=(256, 256, 3),
        widths=(32, 64, 128, 256),
        latent_dim=64,
        batch_size=16,
        num_images=8 * 16,
        hidden=128,
        learning_rate=1e-4,
    ),
}
