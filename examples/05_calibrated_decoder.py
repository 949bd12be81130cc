# %% [markdown]
# # 5. The decoder's sigma: squared error, fixed, learned, optimal
#
# Colour images are not binary, and most scripts use a squared error for them. That is a Gaussian likelihood with a
# fixed standard deviation $\sigma$, usually chosen by accident. This example shows what the choice does to small colour
# images with 50 latent dimensions, and two ways of learning it from the data.
#
# `make notebooks` writes these cells with their results into a notebook. In Colab, `!git clone` the repository and
# `%cd` into it in a first cell. In VS Code, open the file; in a terminal, run
# `python examples/05_calibrated_decoder.py`.

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

parser = argparse.ArgumentParser(description="Four ways to the decoder's sigma, on colour images.", allow_abbrev=False)
parser.add_argument("--fast", action="store_true", help="seconds in place of minutes, and worse pictures")
parser.add_argument("--dataset", default="cifar10", help="cifar10, or cartoon_faces, which also steps in for it")
parser.add_argument("--output", default="runs/05_calibrated", type=pathlib.Path, help="the folder for the results")
options, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own

# %% [markdown]
# ## The images
#
# CIFAR-10, 32 × 32 in colour, where Keras has it or can download it. Otherwise cartoon faces of that size, which the
# package draws.

# %%
num_train, num_test, epochs = (256, 64, 1) if options.fast else (6000, 1000, 15)
faces = {"num_train": num_train, "num_test": num_test, "image_size": 32}
try:
    train, test = kv.data.load(options.dataset, **(faces if options.dataset == "cartoon_faces" else {}))
except kv.data.DataNotFoundError as error:
    print(error, "Continuing with cartoon faces.")
    train, test = kv.data.load("cartoon_faces", **faces)
train_x, test_x = (images.images / np.float32(255) for images in (train.first(num_train), test.first(num_test)))
event_shape, latent_dim = train_x.shape[1:], 50

# %% [markdown]
# ## A squared error is a Gaussian
#
# With $D$ values in an image ($32 \cdot 32 \cdot 3 = 3072$) and the decoder's means $m$,
#
# $$
# - \log p(x \mid z) = \frac{1}{2 \sigma^2} \sum_{i=1}^{D} (x_i - m_i)^2 + \frac D 2 \ln (2 \pi \sigma^2) .
# $$
#
# Half the sum of squares is $\sigma = 1$ up to a constant: it claims that a value between 0 and 1 is known to about ±1.
# For such a decoder an image holds almost no information, so most of the code is not worth its rate. A smaller $\sigma$
# weighs the squares more, and acts as a smaller $\beta = \sigma^2$ would. A search over beta is a search over sigma.
# But the density has a second term, and so an optimum:
#
# $$
# \sigma_{\star}^2 = \text{the mean squared error}, \qquad
# \min_{\sigma} \bigl( - \log p(x \mid z) \bigr) = \frac D 2 \bigl( 1 + \ln 2 \pi \sigma_{\star}^2 \bigr) .
# $$
#
# "learned" makes $\log \sigma$ a weight like any other; "optimal" takes $\sigma_{\star}$ of each training batch, and
# keeps a moving average for use outside of training, which `calibrate` replaces by that of all training images (Rybkin,
# Daniilidis & Levine 2021).


# %%
def trained(scale):
    """Return a model with this sigma, and its training's history."""
    keras.utils.set_random_seed(0)
    vae = kv.VAE(
        encoder=kv.networks.ConvEncoder((32, 64, 128)),
        posterior=kv.posteriors.DiagonalGaussian(latent_dim),
        decoder=kv.networks.ConvDecoder((128, 64, 32)),
        likelihood=kv.likelihoods.Gaussian(event_shape, scale=scale),
        seed=0,
    )
    vae.compile(keras.optimizers.Adam(1e-3), steps_per_execution=8)
    run = vae.fit(kv.data.pipeline(train_x, batch_size=32, shuffle=True, seed=0), epochs=epochs, verbose=2)
    if scale == "optimal":
        vae.calibrate(train_x)
    return vae, run


scales = {"squared error, σ = 1": 1.0, "fixed, σ = 0.3": 0.3, "learned σ": "learned", "optimal σ": "optimal"}
models, histories = {}, {}
for name, scale in scales.items():
    models[name], histories[name] = trained(scale)

# %% [markdown]
# ## What they make of it
#
# All numbers are nats per image, of the test set, and their elbos may be compared: each is a bound on the log-density
# of the same values. `bits/dim` is that of the importance-sampled evidence, for 256 levels a value. With $\sigma = 1$
# training gives up most of the 50 dimensions. The optimal sigma is the root mean square error of the reconstructions,
# as the theory says, and its elbo is better by thousands of nats. The learned sigma starts at 1 and moves to the same
# value at the pace of the learning rate: about 0.001 in its logarithm for each step.

# %%
print(f"{'':>22} {'sigma':>7} {'RMSE':>7} {'distortion':>11} {'rate':>8} {'elbo':>10} {'bits/dim':>9} {'active':>7}")
for name, vae in models.items():
    found = kv.evaluation.evaluate_vae(vae, test_x, 20, elbo_samples=8, num_levels=256, seed=0)
    error = np.sqrt(np.mean(np.square(vae.reconstruct(test_x) - test_x)))
    numbers = f"{found.distortion:11.1f} {found.rate:8.2f} {found.elbo:10.1f} {found.bits_per_dim:9.3f}"
    sigma = float(vae.likelihood.shared_scale())
    print(f"{name:>22} {sigma:7.3f} {error:7.3f} {numbers} {found.active_units[0]:3} of {latent_dim}")
kv.plots.show(kv.plots.history(histories), options.output / "training.png")

# %% [markdown]
# ## What that looks like
#
# The smaller sigma, the more faithful the reconstructions. Samples are another matter. Drawn faces have no noise, so
# the optimal sigma becomes very small within the first epochs; a nat of rate is then cheap, and codes are made precise
# before they are brought to fill the prior, so that draws from the prior fall between them. The learned sigma, which
# comes down slowly, acts as a warm-up and gives the better samples here. (The noise of photographs keeps sigma up.) A
# better elbo is a better model of the data, in nats; it need not be a prettier one.

# %%
x = test_x[:10]
figure = kv.plots.reconstructions(x, {name: vae.reconstruct(x) for name, vae in models.items()})
kv.plots.show(figure, options.output / "reconstructions.png")
figure = kv.plots.samples({name: vae.generate(20, seed=0) for name, vae in models.items()}, columns=10)
kv.plots.show(figure, options.output / "samples.png")

# %% [markdown]
# Where samples matter more than nats, use a floor for sigma (`minimum_scale`), a beta above 1, or a prior that learns
# where the codes are ([example 6](06_monte_carlo_kl.py)). A sigma for each value of each image
# (`scale="per_dimension"`) goes the other way: flat regions become certain, edges less so. A weight on the mean squared
# error is a sigma too: $w \cdot \mathrm{MSE} + \mathrm{KL}$ is $\sigma^2 = D / (2 w)$. The conversions are in
# [the derivations](../docs/derivations.md#6-weights-on-the-two-terms).
