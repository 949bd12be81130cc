"""pythae: its VAE with these networks, its data set, its trainer."""

import tempfile

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import nn

from peers import torch_networks

VARIANTS = ("",)


class Encoder(BaseEncoder):
    """The trunk and two heads."""

    def __init__(self, workload):
        super().__init__()
        self.trunk, size = torch_networks.encoder(workload)
        self.mean, self.log_var = (nn.Linear(size, workload.latent_dim) for _ in range(2))

    def forward(self, x):
        """Encode."""
        h = self.trunk(x)
        return ModelOutput(embedding=self.mean(h), log_covariance=self.log_var(h))


class Decoder(BaseDecoder):
    """From z to probabilities, which pythae's loss wants."""

    def __init__(self, workload):
        super().__init__()
        height, width, channels = workload.event_shape
        self.trunk, self.shape = torch_networks.decoder(workload), (channels, height, width)

    def forward(self, z):
        """Decode."""
        return ModelOutput(reconstruction=torch.sigmoid(self.trunk(z)).reshape(-1, *self.shape))


class Lap(TrainingCallback):
    """Takes the time of each epoch; the copy of the best model that the trainer makes after it is not counted."""

    def __init__(self, laps, weights):
        self.laps, self.weights = laps, weights

    def on_epoch_begin(self, training_config, **kwargs):
        """Begin."""
        self.laps.begin()


class Trainer(BaseTrainer):
    """Ends a lap where an epoch's training ends."""

    def train_step(self, epoch):
        """Train one epoch."""
        loss = super().train_step(epoch)
        lap = next(callback for callback in self.callbacks if isinstance(callback, Lap))
        lap.laps.end(loss, weights=lap.weights)
        return loss


def train(workload, variant, laps):
    """Train without end, an epoch a lap."""
    torch.manual_seed(0)
    height, width, channels = workload.event_shape
    config = VAEConfig((channels, height, width), workload.latent_dim, reconstruction_loss="bce")
    model = VAE(config, encoder=Encoder(workload), decoder=Decoder(workload))
    torch_networks.glorot(model)
    images = torch_networks.channels_first(workload)
    with tempfile.TemporaryDirectory() as directory:
        trainer = Trainer(
            model=model,
            train_dataset=BaseDataset(images, torch.zeros(len(images))),
            training_config=BaseTrainerConfig(
                output_dir=directory,
                num_epochs=10**6,
                per_device_train_batch_size=workload.batch_size,
                learning_rate=workload.learning_rate,
                optimizer_params={"eps": 1e-7},
            ),
            callbacks=[Lap(laps, sum(parameter.numel() for parameter in model.parameters()))],
        )
        trainer.train()
