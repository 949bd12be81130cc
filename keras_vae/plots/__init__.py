"""Floor 5: pictures as matplotlib figures. Importing this imports no matplotlib; calling its functions does."""

from keras_vae.plots.bounds import bounds
from keras_vae.plots.history import history
from keras_vae.plots.interpolation import interpolation
from keras_vae.plots.interpolation_gif import interpolation_gif
from keras_vae.plots.kl_agreement import kl_agreement
from keras_vae.plots.kl_per_dimension import kl_per_dimension
from keras_vae.plots.latent_manifold import latent_manifold
from keras_vae.plots.latent_scatter import latent_scatter
from keras_vae.plots.rate_distortion import rate_distortion
from keras_vae.plots.reconstructions import reconstructions
from keras_vae.plots.samples import samples
from keras_vae.plots.show import show

__all__ = [
    "bounds",
    "history",
    "interpolation",
    "interpolation_gif",
    "kl_agreement",
    "kl_per_dimension",
    "latent_manifold",
    "latent_scatter",
    "rate_distortion",
    "reconstructions",
    "samples",
    "show",
]
