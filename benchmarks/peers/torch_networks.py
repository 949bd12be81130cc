"""The networks in PyTorch, for the plain loop and for pythae."""

import math

import torch
from torch import nn


class Gated(nn.Module):
    """A linear layer times a sigmoid one."""

    def __init__(self, size, units):
        super().__init__()
        self.value, self.gate = nn.Linear(size, units), nn.Linear(size, units)

    def forward(self, x):
        """Compute."""
        return self.value(x) * torch.sigmoid(self.gate(x))


def _trunk(workload, size, widths):
    layers = []
    for units in widths:
        if workload.activation == "gated":
            layers.append(Gated(size, units))
        else:
            layers.extend([nn.Linear(size, units), {"tanh": nn.Tanh, "relu": nn.ReLU}[workload.activation]()])
        size = units
    return layers, size


def encoder(workload):
    """Return the trunk and the size of its features."""
    if workload.kind == "dense":
        layers, size = _trunk(workload, workload.event_size, workload.widths)
        return nn.Sequential(nn.Flatten(), *layers), size
    layers, channels = [], workload.event_shape[-1]
    for filters in workload.widths:
        layers.extend([nn.Conv2d(channels, filters, 3, stride=2, padding=1), nn.ReLU()])
        channels = filters
    small = math.prod(workload.small_shape)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(small, workload.hidden), nn.ReLU()), workload.hidden


def decoder(workload):
    """Return the network from z to logits, flat or [n, c, h, w]."""
    if workload.kind == "dense":
        layers, size = _trunk(workload, workload.latent_dim, workload.widths[::-1])
        return nn.Sequential(*layers, nn.Linear(size, workload.event_size))
    height, width, channels = workload.small_shape
    layers = [nn.Linear(workload.latent_dim, height * width * channels), nn.ReLU()]
    layers.append(nn.Unflatten(1, (channels, height, width)))
    for filters in workload.widths[::-1]:
        layers.append(nn.ConvTranspose2d(channels, filters, 3, stride=2, padding=1, output_padding=1))
        layers.append(nn.ReLU())
        channels = filters
    return nn.Sequential(*layers, nn.ConvTranspose2d(channels, workload.event_shape[-1], 3, padding=1))


def glorot(module):
    """Begin as Keras does."""
    for part in module.modules():
        if isinstance(part, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)


def channels_first(workload):
    """Return the images as PyTorch has them."""
    return torch.from_numpy(workload.images()).permute(0, 3, 1, 2).contiguous()
