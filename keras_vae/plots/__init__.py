"""Floor 5: pictures as matplotlib figures. Importing this imports no matplotlib; calling its functions does."""

from keras_vae.plots.history import history
from keras_vae.plots.kl_per_dimension import kl_per_dimension
from keras_vae.plots.latent_scatter import latent_scatter
from keras_vae.plots.rate_distortion import rate_distortion
from keras_vae.plots.reconstructions import reconstructions
from keras_vae.plots.samples import samples

__all__ = ["history", "kl_per_dimension", "latent_scatter", "rate_distortion", "reconstructions", "samples"]
