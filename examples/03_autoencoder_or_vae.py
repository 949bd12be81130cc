# %% [markdown]
# # 3. A plain autoencoder, or a variational one?
#
# Both squeeze an image into two numbers and draw it again. The plain autoencoder does this a little more faithfully.
# But only the VAE can draw a *new* image, because it knows where its codes are. This example trains both with the same
# networks, and shows the holes in the code of the plain autoencoder.
#
# The notebook `03_autoencoder_or_vae.ipynb` holds these cells with their results. In Colab, upload it, and in a first
# cell `!git clone` the repository and `%cd` into it. In VS Code, open either file; in a terminal, run
# `python examples/03_autoencoder_or_vae.py`.

# %%
import importlib.metadata
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # "0" shows what TensorFlow notes, of a GPU say

if not any(importlib.metadata.distributions(name="keras-vae")):  # install it from the clone that this file is in
    here = pathlib.Path(globals().get("__file__", "here")).resolve()
    clone = next(folder for folder in here.parents if (folder / "setup.cfg").exists())
    installed = {package.name: package.version for package in importlib.metadata.distributions()}
    kept = [f"{name}=={installed[name]}" for name in ("tensorflow", "keras") if name in installed]  # as they are
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", *kept, str(clone)])

# %%
import argparse

import keras
import numpy as np
from sklearn.neighbors import NearestNeighbors

import keras_vae as kv

parser = argparse.ArgumentParser(description="An autoencoder beside a VAE, and its holes.", allow_abbrev=False)
parser.add_argument("--fast", action="store_true", help="seconds in place of minutes, and worse pictures")
parser.add_argument("--dataset", default="fashion_mnist", help="fashion_mnist, mnist or digits")
parser.add_argument("--output", default="runs/03_autoencoder", type=pathlib.Path, help="the folder for the results")
options, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own

train, test = kv.data.load(options.dataset)
train, test, epochs = train.first(30_000), test.first(5000), 15
if options.fast:
    train, test, epochs = train.first(1500), test.first(300), 3
test_x = kv.data.binarize(test.images, 777)

# %% [markdown]
# ## Two objectives
#
# The plain autoencoder has a code without noise, $z = \mu(x)$, and minimises the distortion alone,
# $-\log p(x \mid \mu(x))$. The VAE's code is a distribution,
# $q(z \mid x) = \mathcal N(\mu, \mathrm{diag}(\sigma^2))$, and it pays for the information in the code:
#
# $$
# \text{autoencoder:} \quad - \log p(x \mid \mu(x)) , \qquad
# \text{VAE:} \quad - \mathbb E_{q(z \mid x)} [\log p(x \mid z)] + \mathrm{KL}[q(z \mid x) \Vert p(z)] .
# $$
#
# Nothing decides where the autoencoder puts its codes, or gives points between two codes a meaning. A point has no
# density, so there is no KL term, no elbo and no model of images: `ELBO` refuses `Deterministic`.


# %%
def trained(posterior, objective):
    """Return a model of these parts; the networks and the batches are the same for all."""
    keras.utils.set_random_seed(0)
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((400, 200)),
        posterior=posterior,
        decoder=kv.networks.MLPDecoder((200, 400)),
        likelihood=kv.likelihoods.Bernoulli(train.images.shape[1:]),
        objective=objective,
        seed=0,
    )
    vae.compile(keras.optimizers.Adam(1e-3), steps_per_execution=16)
    vae.fit(kv.data.pipeline(train.images, binarize="dynamic", shuffle=True, seed=0), epochs=epochs, verbose=2)
    return vae


autoencoder = trained(kv.posteriors.Deterministic(2), kv.objectives.Reconstruction())
vae = trained(kv.posteriors.DiagonalGaussian(2), kv.objectives.ELBO())
models = {"autoencoder": autoencoder, "VAE": vae}

# %% [markdown]
# ## Reconstruction
#
# The autoencoder has less distortion. It minimises nothing else, and it may place codes as far apart as it needs. The
# VAE draws from a blurred code, which costs nats; the next sections show what it gains.

# %%
for name, model in models.items():
    distortion = model.evaluate(kv.data.pipeline(test_x), return_dict=True, verbose=0)["reconstruction_loss"]
    print(f"{name}: distortion on test images {distortion:.2f} nats")
rows = np.unique(test.labels, return_index=True)[1]
figure = kv.plots.reconstructions(
    test.images[rows], {name: model.reconstruct(test_x[rows]) for name, model in models.items()}
)
kv.plots.show(figure, options.output / "reconstructions.png")

# %% [markdown]
# ## Where the codes are
#
# The crosses are draws from the standard Gaussian. The VAE's codes fill that region, because the KL term makes $q(z)$,
# averaged over images, resemble $p(z)$. The autoencoder's codes lie elsewhere, on another scale, along rays with gaps
# between them.

# %%
draws = np.random.default_rng(0).normal(size=(300, 2))
for name, model in models.items():
    figure = kv.plots.latent_scatter(
        model.encode(test_x), test.labels, test.class_names, title=f"{name}: codes of test images"
    )
    figure.axes[0].scatter(*draws.T, marker="x", color="black", s=12, linewidths=0.7)
    kv.plots.show(figure, options.output / f"codes_{name.lower()}.png")

# %% [markdown]
# ## Generation
#
# To generate, draw a code and decode it. From the standard Gaussian the autoencoder makes only a few kinds of image,
# because this Gaussian is a small spot in its plane. It is fairer to draw from a Gaussian with the mean and the
# covariance of its own codes. That is better, but many draws still fall where no code is.

# %%
train_x = kv.data.binarize(train.images, 777)
codes = autoencoder.encode(train_x)
fitted = np.random.default_rng(0).multivariate_normal(codes.mean(axis=0), np.cov(codes.T), 300)
sources = {
    "autoencoder, N(0, I)": (autoencoder, draws),
    "autoencoder, fitted": (autoencoder, fitted),
    "VAE, its prior": (vae, draws),
}
figure = kv.plots.samples({name: model.decode(z[:30]) for name, (model, z) in sources.items()}, columns=10)
kv.plots.show(figure, options.output / "samples.png")

# %% [markdown]
# ## Holes, counted
#
# How many draws fall where no training image has its code? Call a draw *in a hole* if it is further from the nearest
# code of a training image than 99 % of test images' codes are. A model that knows where its codes are would put 1 % of
# its draws there; the VAE, whose $q(z)$ only resembles $p(z)$, does not do quite as well, and still much better than
# the autoencoder. (Its code of an image is a draw from $q(z \mid x)$, not only its mean.)


# %%
def codes_of(model, x):
    """Return one code for each image, with its noise where it has any."""
    return model.infer(x, seed=1).latents[0].z[0].numpy()


for name, (model, z) in sources.items():
    neighbours = NearestNeighbors(n_neighbors=1).fit(codes_of(model, train_x))
    usual = np.quantile(neighbours.kneighbors(codes_of(model, test_x))[0], 0.99)
    print(f"{name}: {np.mean(neighbours.kneighbors(z)[0] > usual):.0%} of draws in holes")

# %% [markdown]
# ## Holes, seen
#
# Decode the plane on a grid: for the VAE where the prior is, for the autoencoder where its codes are. Compare with the
# scatter diagrams. Where the autoencoder has no codes, for example between sneakers and trousers, its decoder was never
# trained, and draws a shoe and a pair of trousers on top of each other. The VAE squeezes such places to narrow seams,
# since it must use all of the prior. With two dimensions for ten kinds of clothes some seams remain.

# %%
low, high = np.quantile(codes, [0.01, 0.99], axis=0)
extents = {"autoencoder": tuple(zip(low, high, strict=True)), "VAE": 3.0}
for name, model in models.items():
    figure = kv.plots.latent_manifold(model, 16, extent=extents[name], title=f"{name}: the plane, decoded")
    kv.plots.show(figure, options.output / f"plane_{name.lower()}.png")

# %% [markdown]
# In short: the plain autoencoder is enough for a small code that reconstructs. To generate, or to compute how probable
# an image is, you need a distribution over codes, and the VAE learns one. [Example 4](04_beta_and_rate_distortion.py)
# shows how its two terms trade off.
