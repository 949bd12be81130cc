# %% [markdown]
# # 1. A variational autoencoder of Fashion-MNIST, with a latent plane
#
# An autoencoder squeezes an image into a few numbers and draws the image again from them. A *variational* autoencoder
# does that with probabilities, and so becomes a model of the images: it can draw new ones, say how probable an image
# is, and its code has no holes. This example trains one whose code is a point in the plane, so that all of it can be
# seen.
#
# The notebook `01_fashion_mnist.ipynb` holds these cells with their results. In Colab, upload it, and in a first cell
# `!git clone` the repository and `%cd` into it. In VS Code, open either file; in a terminal, run
# `python examples/01_fashion_mnist.py`.

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

import keras_vae as kv

parser = argparse.ArgumentParser(description="A VAE of Fashion-MNIST with a latent plane.", allow_abbrev=False)
parser.add_argument("--fast", action="store_true", help="seconds in place of minutes, and worse pictures")
parser.add_argument("--dataset", default="fashion_mnist", help="fashion_mnist, mnist or digits")
parser.add_argument("--output", default="runs/01_fashion_mnist", type=pathlib.Path, help="the folder for the results")
options, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own
keras.utils.set_random_seed(0)

# %% [markdown]
# ## The images
#
# Fashion-MNIST has 60,000 images of clothes for training and 10,000 for testing, of 28 × 28 pixels, in 10 classes. The
# model never sees the classes; they will only colour a picture.
#
# What is the probability of a grey pixel? We make the pixels binary: each becomes one with its grey value as the
# probability, so that a Bernoulli distribution describes them correctly. The training images are drawn again in each
# epoch ("dynamic"), the test images once ("fixed"), so that test numbers can be compared. Feeding grey values to the
# cross-entropy, as most tutorials do, trains the decoder on the same average, but the result is not a log-probability.

# %%
train, test = kv.data.load(options.dataset)
epochs, latent_dim = 8, 2
if options.fast:
    train, test, epochs = train.first(512), test.first(200), 2

train_data = kv.data.pipeline(train.images, batch_size=128, binarize="dynamic", shuffle=True, seed=0)
test_x = kv.data.binarize(test.images, 777)
test_data = kv.data.pipeline(test_x, batch_size=128)

# %% [markdown]
# ## The model
#
# Four parts make a VAE:
#
# - the **prior** $p(z)$: a standard Gaussian in the plane, before any image is seen;
# - the **likelihood** $p(x \mid z)$: the decoder turns $z$ into 784 logits, and each pixel is one with the probability
#   $p_i = 1 / (1 + e^{-\ell_i})$;
# - the **posterior** $q(z \mid x) = \mathcal N(\mu(x), \mathrm{diag}(\sigma^2(x)))$: the encoder's estimate of
#   the $z$ behind $x$;
# - the **objective**. The evidence $\log p(x) = \log \int p(x \mid z) p(z) dz$ cannot be computed, but it has a lower
#   bound, the *elbo*, which training raises:
#
# $$
# \log p(x) \ge \mathrm{elbo}(x)
# = \underbrace{\mathbb E_{q(z \mid x)} [\log p(x \mid z)]}_{-\text{reconstruction loss}}
# - \underbrace{\mathrm{KL}[q(z \mid x) \Vert p(z)]}_{\text{kl loss}} .
# $$
#
# The first term rewards good reconstructions. The second keeps codes as spread and as central as the prior, and it
# has a closed form: $\mathrm{KL} = \frac 1 2 \sum_j (\mu_j^2 + \sigma_j^2 - 1 - \ln \sigma_j^2)$. Both are in **nats**,
# summed over pixels and over latent dimensions, and averaged over images; their weights are one and one.
#
# The expectation is estimated with one sample, written so that its gradient reaches the encoder (the
# *reparameterization trick*): $z = \mu(x) + e^{\frac 1 2 \log \sigma^2(x)} \varepsilon$ with
# $\varepsilon \sim \mathcal N(0, I)$.
#
# The networks are convolutional, with batch normalisation and leaky ReLU. Any Keras model can take their place.

# %%
convolutions = {"batch_normalization": True, "activation": "leaky_relu"}
vae = kv.VAE(
    encoder=kv.networks.ConvEncoder(filters=(32, 64, 64), **convolutions),
    posterior=kv.posteriors.DiagonalGaussian(latent_dim),
    decoder=kv.networks.ConvDecoder(filters=(64, 64, 32), **convolutions),
    likelihood=kv.likelihoods.Bernoulli(event_shape=train.images.shape[1:]),
    prior=kv.priors.StandardNormal(),
    objective=kv.objectives.ELBO(),
    seed=0,
)
rate = keras.optimizers.schedules.CosineDecay(2e-3, decay_steps=epochs * len(train_data))  # small at the end
vae.compile(keras.optimizers.Adam(rate), steps_per_execution=16)
vae.summary()

# %% [markdown]
# ## Training
#
# It is Keras's own `fit`. `loss` is −elbo. Most of its nats are noise that no model could predict: the coin flips that
# made grey pixels binary have an entropy of 190 nats for each image.

# %%
history = vae.fit(train_data, validation_data=test_data, epochs=epochs, verbose=2)
options.output.mkdir(parents=True, exist_ok=True)
vae.save(options.output / "model.keras")
kv.plots.show(kv.plots.history(history), options.output / "loss.png")

# %% [markdown]
# ## How good is it?
#
# `evaluate` gives the bound on test images. `evaluate_vae` also estimates the evidence itself, by importance sampling,
# hence how much the bound loses: $\log p(x) - \mathrm{elbo} = \mathrm{KL}[q(z \mid x) \Vert p(z \mid x)]$ (example 7).

# %%
print(kv.evaluation.evaluate_vae(vae, test_x[:500], 50, seed=0))

# %% [markdown]
# ## Reconstructions
#
# Above the test images, then their binary form that the model sees, then the means of $p(x \mid z)$ at the posterior's
# mean. Two numbers for a whole image: enough for what it is and its shape, not for its print.

# %%
first_of_each_class = np.unique(test.labels, return_index=True)[1]
x = test_x[first_of_each_class]
figure = kv.plots.reconstructions(test.images[first_of_each_class], vae.reconstruct(x), inputs=x)
kv.plots.show(figure, options.output / "reconstructions.png")

# %% [markdown]
# ## The latent plane
#
# Each test image is a point at the mean of its posterior. The model never saw a class, yet shoes lie together, and
# trousers lie far from bags. Classes that look alike (shirt, pullover, coat) overlap.

# %%
z = vae.encode(test_x)
figure = kv.plots.latent_scatter(z, test.labels, test.class_names, title="Posterior means of the test images")
kv.plots.show(figure, options.output / "latent.png")

# %% [markdown]
# ## What is where
#
# Decoding a grid of points shows the map itself. The first grid is uniform, at equal distances; the prior almost never
# reaches its corners. The second takes the quantiles of the prior, $z = \Phi^{-1}(u)$ with $u$ uniform, so that each
# image stands for the same probability. So it shows what the model thinks clothes look like.

# %%
for spacing in ("uniform", "normal"):
    figure = kv.plots.latent_manifold(vae, spacing=spacing)
    kv.plots.show(figure, options.output / f"manifold_{spacing}.png")

# %% [markdown]
# ## New clothes
#
# Draw $z$ from the prior and decode it. These are the means of $p(x \mid z)$, which is why they are smooth; a sample of
# the pixels would have the coin flips on top.

# %%
figure = kv.plots.samples(vae.generate(64, seed=0), title="Means of p(x|z), z drawn from the prior")
kv.plots.show(figure, options.output / "samples.png")

# %% [markdown]
# ## What next
#
# The model is in `model.keras`, and `keras.models.load_model` loads it after `import keras_vae`. Two dimensions are
# easy to draw. With 16 (`posterior=DiagonalGaussian(16)`, or `keras-vae train fashion_mnist --latent-dim 16`) the elbo
# is higher by some 20 nats. [Example 3](03_autoencoder_or_vae.py) shows why a plain autoencoder is not enough.
