"""A plain PyTorch loop, with data in memory; its Adam as PyTorch gives it, or fused."""

import torch
from torch import nn

from peers import torch_networks

VARIANTS = ("", "fused_adam")


class VAE(nn.Module):
    """Encoder, two heads, decoder."""

    def __init__(self, workload):
        super().__init__()
        self.encoder, size = torch_networks.encoder(workload)
        self.mean, self.log_var = (nn.Linear(size, workload.latent_dim) for _ in range(2))
        self.decoder = torch_networks.decoder(workload)
        torch_networks.glorot(self)

    def forward(self, x):
        """Return minus the elbo of a batch."""
        h = self.encoder(x)
        mean, log_var = self.mean(h), self.log_var(h)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        logits = self.decoder(z).reshape(x.shape)
        distortion = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        rate = 0.5 * torch.sum(mean.square() + log_var.exp() - log_var - 1.0)
        return (distortion + rate) / len(x)


def train(workload, variant, laps):
    """Train without end, an epoch a lap."""
    torch.manual_seed(0)
    vae, images = VAE(workload), torch_networks.channels_first(workload)
    optimizer = torch.optim.Adam(vae.parameters(), lr=workload.learning_rate, eps=1e-7, fused=True if variant else None)
    weights = sum(parameter.numel() for parameter in vae.parameters())
    while True:
        laps.begin()
        total = 0.0
        for rows in torch.randperm(len(images)).split(workload.batch_size):
            x = images[rows]
            if workload.binarize:
                x = torch.bernoulli(x)
            optimizer.zero_grad()
            loss = vae(x)
            loss.backward()
            optimizer.step()
            total += loss.item()
        laps.end(total * workload.batch_size / len(images), weights=weights)
