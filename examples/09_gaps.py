# %% [markdown]
# # 9. Images with gaps: imputation, inpainting, denoising
#
# Half of the pixels of every image are missing, in training too. A VAE can learn from what is there, and then say what
# the missing pixels probably are, and how sure it is. This example trains such a model, fills gaps in, paints the
# lower half of images that it never saw, and trains a denoiser beside it.
#
# The notebook `09_gaps.ipynb` holds these cells with their results. In Colab, upload it, and in a first cell
# `!git clone` the repository and `%cd` into it. In VS Code, open either file; in a terminal, run
# `python examples/09_gaps.py`.

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

parser = argparse.ArgumentParser(description="Imputation, inpainting and denoising.", allow_abbrev=False)
parser.add_argument("--fast", action="store_true", help="seconds in place of minutes, and worse pictures")
parser.add_argument("--dataset", default="fashion_mnist", help="fashion_mnist, mnist or digits")
parser.add_argument("--output", default="runs/09_gaps", type=pathlib.Path, help="the folder for the results")
options, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own
keras.utils.set_random_seed(0)

# %% [markdown]
# ## Images with gaps
#
# Each pixel is missing with probability one half, whatever its value: *missing completely at random*. NaN marks a gap.
# The complete images are kept to measure errors, and no model sees them.

# %%
train, test = kv.data.load(options.dataset)
num_train, num_test, epochs = (256, 40, 1) if options.fast else (10_000, 400, 10)
train_x, test_x = (images.images / np.float32(255) for images in (train.first(num_train), test.first(num_test)))
generator = np.random.default_rng(0)


def with_gaps(x):
    """Hide each pixel with probability one half."""
    return np.where(generator.random(x.shape) < 0.5, x, np.float32(np.nan))


train_gappy, test_gappy = with_gaps(train_x), with_gaps(test_x)
missing = np.isnan(test_gappy)

# %% [markdown]
# ## A model of what is observed
#
# Let $x_o$ be what is observed of an image and $x_m$ what is missing. Given $z$, pixels are independent, so the missing
# ones can simply be left out of the likelihood, and what remains is a bound on the evidence of the observed pixels:
#
# $$
# \log p(x_o) \ge \mathbb E_{q(z \mid x_o)} [\log p(x_o \mid z)] - \mathrm{KL}[q(z \mid x_o) \Vert p(z)] .
# $$
#
# With `missing=True` the encoder gets the image with zeros in the gaps, and a further channel that is 1 where a pixel
# is observed. The objective `IWELBO(5)` is the tighter bound by five samples of $z$; with gaps it is called MIWAE
# (Mattei & Frellsen 2019).


# %%
def make(**options):
    """Return a compiled model of grey images."""
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((400, 400)),
        posterior=kv.posteriors.DiagonalGaussian(24),
        decoder=kv.networks.MLPDecoder((400, 400)),
        likelihood=kv.likelihoods.Gaussian(train_x.shape[1:], scale="optimal"),
        seed=0,
        **options,
    )
    vae.compile(keras.optimizers.Adam(1e-3), steps_per_execution=8)
    return vae


vae = make(objective=kv.objectives.IWELBO(5), missing=True)
vae.fit(train_gappy, batch_size=128, epochs=epochs, verbose=2)

# %% [markdown]
# ## Filling the gaps
#
# `impute` draws codes $z_k$ from $q(z \mid x_o)$ and weighs each by $w_k \propto p(x_o \mid z_k) p(z_k) / q(z_k \mid
# x_o)$. The weighted mean of $\mathbb E [x_m \mid z_k]$ estimates the mean of what is missing, and it becomes exact as
# their number grows, even where $q$ is wrong. Observed pixels come back as they were.
#
# The errors below are root mean squared errors of the missing pixels. The first one fills each pixel with its mean over
# the training images.

# %%
imputed = vae.impute(test_gappy, num_samples=200, seed=0)
pixel_means = np.broadcast_to(np.nanmean(train_gappy, axis=0), test_x.shape)
for name, filled in (("pixel means", pixel_means), ("impute", imputed)):
    print(f"{name:>12}: error {np.sqrt(np.mean(np.square(filled - test_x)[missing])):.3f}")


def painted(x, hidden):
    """Show gaps in blue."""
    return np.where(hidden, np.float32([0.45, 0.62, 0.85]), np.broadcast_to(x, (*x.shape[:3], 3)))


shown = slice(0, 10)
figure = kv.plots.reconstructions(
    test_x[shown], {"with gaps": painted(test_x, missing)[shown], "imputed": imputed[shown]}
)
kv.plots.show(figure, options.output / "imputed.png")

# %% [markdown]
# ## How sure is it?
#
# With `sample=True` a code is drawn by its weight and the missing pixels from $p(x_m \mid z)$, several times: *multiple
# imputations*. Where they agree, the model is sure. If the model were exactly right, 90 % of the missing pixels would
# lie in the interval from the 5 % to the 95 % quantile of their imputations. Many pixels of clothes are exactly black,
# which no Gaussian expects, so that the intervals are too wide there.

# %%
imputations = vae.impute(test_gappy, num_samples=200, sample=True, num_imputations=39, seed=0)
low, high = np.sort(imputations, axis=0)[[1, 37]]  # between them are 36 of 40 places
covered = np.mean(((low < test_x) & (test_x < high))[missing])
print(f"90% intervals cover {100 * covered:.1f}% of the missing pixels")
spread = imputations.std(axis=0)
figure = kv.plots.reconstructions(
    test_x[shown], {"with gaps": painted(test_x, missing)[shown], "spread": (spread / spread.max())[shown]}
)
kv.plots.show(figure, options.output / "spread.png")

# %% [markdown]
# ## Inpainting
#
# A mask says the same as NaN: 1 where a pixel is observed. Here the lower half of each image is hidden, which the model
# has never seen in training; it only knows single pixels that are missing. What lies below is a guess, and different
# guesses are possible. The evidence says how much the lower half costs, in nats, given the upper half: $\log p(x_m \mid
# x_o) = \log p(x) - \log p(x_o)$.

# %%
observed = np.ones_like(test_x)
observed[:, test_x.shape[1] // 2 :] = 0
halves = {"x": test_x[shown], "mask": observed[shown]}
means = vae.impute(halves, num_samples=2000, seed=0)
guesses = vae.impute(halves, num_samples=2000, sample=True, num_imputations=3, seed=0)
rows = {"with gaps": painted(test_x, observed == 0)[shown], "mean": means}
rows |= {f"guess {number}": np.clip(guess, 0, 1) for number, guess in enumerate(guesses, start=1)}
kv.plots.show(kv.plots.reconstructions(test_x[shown], rows), options.output / "inpainted.png")
evidence = [kv.evaluation.log_evidence(vae, data, 200, seed=0).mean() for data in (test_x[shown], halves)]
print(f"log p(x) {evidence[0]:.1f}, of the upper halves {evidence[1]:.1f}, of the lower ones given them ", end="")
print(f"{evidence[0] - evidence[1]:.1f} nats an image")

# %% [markdown]
# ## Denoising
#
# Noise is not a gap: every pixel is there, and wrong. `fit(noisy, clean)` trains the encoder on noisy images while the
# likelihood scores the clean ones. Nothing else changes: `clean` is a target, which needs to be known in training only.

# %%
noisy_train, noisy_test = (
    np.clip(x + generator.normal(0, 0.3, x.shape), 0, 1).astype("float32") for x in (train_x, test_x)
)
denoiser = make()
denoiser.fit(noisy_train, train_x, batch_size=128, epochs=epochs, verbose=2)
denoised = denoiser.reconstruct(noisy_test)
for name, x in (("noisy", noisy_test), ("denoised", denoised)):
    print(f"{name:>12}: error {np.sqrt(np.mean(np.square(x - test_x))):.3f}")
figure = kv.plots.reconstructions(test_x[shown], {"noisy": noisy_test[shown], "denoised": denoised[shown]})
kv.plots.show(figure, options.output / "denoised.png")

# %% [markdown]
# Where to go from here: [the guide to missing values](../docs/missing.md) has masks, padding, tables and exports, and
# [example 7](07_evidence.py) the evidence.
