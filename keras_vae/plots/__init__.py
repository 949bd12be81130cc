"""Floor 5: pictures as matplotlib figures. Importing this imports no matplotlib; calling its functions does."""

from keras_vae.plots.history import history
from keras_vae.plots.latent_scatter import latent_scatter
from keras_vae.plots.reconstructions import reconstructions
from keras_vae.plots.samples import samples

__all__ = ["history", "latent_scatter", "reconstructions", "samples"]
