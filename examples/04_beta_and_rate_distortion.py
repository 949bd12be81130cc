# %% [markdown]
# # 4. Beta, rate and distortion
#
# The two terms of the elbo pull in opposite directions. What does a weight on one of them do? This example sweeps the
# weight, draws the curve on which all trained models lie, lets a posterior collapse, keeps it alive with free bits, and
# explains why a beta of 4 in one paper is a beta of 0.08 in another.
#
# The notebook `04_beta_and_rate_distortion.ipynb` holds these cells with their results. In Colab, upload it, and in a
# first cell `!git clone` the repository and `%cd` into it. In VS Code, open either file; in a terminal, run
# `python examples/04_beta_and_rate_distortion.py`.

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

parser = argparse.ArgumentParser(description="A sweep of beta, and the curve it traces.", allow_abbrev=False)
parser.add_argument("--fast", action="store_true", help="seconds in place of minutes, and worse pictures")
parser.add_argument("--dataset", default="fashion_mnist", help="fashion_mnist, mnist or digits")
parser.add_argument("--output", default="runs/04_beta", type=pathlib.Path, help="the folder for the results")
options, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own

# %%
train, test = kv.data.load(options.dataset)
train, test, epochs, betas = train.first(20_000), test.first(2000), 20, (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
if options.fast:
    train, test, epochs, betas = train.first(1000), test.first(200), 3, (1.0, 100.0)
test_x = kv.data.binarize(test.images, 777)
event_shape, latent_dim = train.images.shape[1:], 16

# %% [markdown]
# ## The loss with a weight
#
# $$
# \mathrm{loss}(x) = \Delta(x) + \beta R(x) , \qquad
# \Delta(x) = - \mathbb E_{q(z \mid x)} [\log p(x \mid z)] , \qquad
# R(x) = \mathrm{KL}[q(z \mid x) \Vert p(z)]
# $$
#
# The **rate** $R$ is the information in the code, the **distortion** $\Delta$ the information that it lacks, both in
# nats: an image could be sent as a file of $R$ nats for the code and $\Delta$ nats for the rest. At $\beta = 1$ the
# loss is −elbo. At any other beta it does not bound $-\log p(x)$. In the logs only `loss` contains beta;
# `reconstruction_loss`, `kl_loss` and `elbo` do not, so that runs compare.


# %%
def trained(beta, free_bits=0.0):
    """Return a model trained with this weight; all begin with the same weights and see the same batches."""
    keras.utils.set_random_seed(0)
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((400,)),
        posterior=kv.posteriors.DiagonalGaussian(latent_dim),
        decoder=kv.networks.MLPDecoder((400,)),
        likelihood=kv.likelihoods.Bernoulli(event_shape),
        objective=kv.objectives.ELBO(beta, free_bits=free_bits),
        seed=0,
    )
    vae.compile(keras.optimizers.Adam(1e-3), steps_per_execution=16)
    vae.fit(kv.data.pipeline(train.images, binarize="dynamic", shuffle=True, seed=0), epochs=epochs, verbose=0)
    return vae


models = {beta: trained(beta) for beta in betas}

# %% [markdown]
# ## The curve
#
# Each model is a point. No model of this architecture gets below the curve; beta chooses where on it to be. Along a
# dashed line the elbo is constant. The model of $\beta = 1$ has the best elbo, and its neighbours on the curve are
# hardly worse.
#
# At the optimum $-\beta$ is the slope of the curve, $d \Delta / d R = - \beta$: a nat of rate is bought as long as it
# saves more than $\beta$ nats of distortion. So the slope of the line from one point to the next should lie between
# their betas, as the last column of the table shows.

# %%
points = kv.evaluation.rate_distortion(models, test_x, seed=0)
print(f"{'beta':>8} {'rate':>8} {'distortion':>11} {'elbo':>9} {'slope to the next':>18}")
for point, following in zip(points, [*points[1:], None], strict=True):
    line = f"{point.beta:8g} {point.rate:8.2f} {point.distortion:11.2f} {point.elbo:9.2f}"
    if following is not None:
        line += f" {(point.distortion - following.distortion) / (point.rate - following.rate):18.2f}"
    print(line)
figure = kv.plots.rate_distortion(points, title=f"{options.dataset}: {latent_dim} latent dimensions, test images")
kv.plots.show(figure, options.output / "rate_distortion.png")

# %% [markdown]
# ## What the numbers look like
#
# Much rate: faithful reconstructions. But samples get worse, because the codes of real images no longer fill the
# prior: the rate is $I(x; z) + \mathrm{KL}[q(z) \Vert p(z)]$, and a cheap rate lets the second part grow too. Little
# rate: the decoder learns at best the kind of garment, and draws the average of its kind. No rate: the average of all.

# %%
rows = np.unique(test.labels, return_index=True)[1]
reconstructed = {f"β = {beta:g}": vae.reconstruct(test_x[rows]) for beta, vae in models.items()}
figure = kv.plots.reconstructions(test.images[rows], reconstructed, title="Reconstructions")
kv.plots.show(figure, options.output / "reconstructions.png")
generated = {f"β = {beta:g}": vae.generate(10, seed=1) for beta, vae in models.items()}
figure = kv.plots.samples(generated, title="Samples: the same 10 points z of the prior for each model")
kv.plots.show(figure, options.output / "samples.png")

# %% [markdown]
# ## Collapse
#
# The rate is a sum over latent dimensions. Training gives up a dimension that saves less than $\beta$ times its rate:
# $q(z_j \mid x)$ becomes the prior for every $x$, and the decoder learns to ignore $z_j$. At $\beta = 1$ this is
# economical, and happens to some dimensions of many. When all dimensions go, the posterior has *collapsed*. This
# happens at large beta, early in training before the decoder has learned to use the code, and with decoders that do not
# need it.
#
# **Free bits** charge each dimension at least $\lambda$ nats, on the batch's average, whether it uses them or not:
# $\overline \Delta + \beta \sum_j \max(\lambda, \overline{R_j})$. The model then uses the nats that it pays for anyway.

# %%
strong, floor = betas[-1], 0.25
cases = {
    "beta_1": (f"β = {1:g}", models[1.0]),
    "collapsed": (f"β = {strong:g}", models[strong]),
    "free_bits": (f"β = {strong:g} with {floor:g} free nats a dimension", trained(strong, free_bits=floor)),
}
for name, (title, vae) in cases.items():
    found = kv.evaluation.evaluate_vae(vae, test_x[:500], 100, seed=0)
    print(f"{title}: elbo {found.elbo:.2f}, rate {found.rate:.2f} nats. {found.posterior_collapse}")
    kv.plots.show(kv.plots.kl_per_dimension(found.kl_per_dimension, title=title), options.output / f"kl_{name}.png")

# %% [markdown]
# A gentler cure is a warm-up, in which beta grows from zero while the decoder learns:
# `ELBO(kv.schedules.LinearSchedule(0.0, 1.0, steps=5000))`.
#
# ## Why beta differs between papers
#
# The table above is for **sums**, over all $D$ pixels and all $d$ latent dimensions: then $\beta = 1$ is the bound.
# Many scripts average instead, because that is what `keras.losses` do. Dividing both terms alters the weight between
# them:
#
# $$
# \frac \Delta D + \beta_{\mathrm{norm}} \frac R d \propto \Delta + \beta R
# \quad \text{with} \quad \beta_{\mathrm{norm}} = \beta \frac d D
# $$
#
# (Higgins et al. 2017 report $\beta_{\mathrm{norm}}$). A script that averages over pixels, sums or averages the KL
# term, and adds the two without a weight, has chosen a beta without saying so:

# %%
size = {"latent_dim": latent_dim, "event_shape": event_shape}
print("beta on sums -> beta_norm on averages")
for beta in betas:
    print(f"{beta:8g} -> {kv.objectives.normalized_beta(beta, **size):.4f}")
by_average = kv.objectives.beta_from_normalized(1.0, **size)
print(f"mean over pixels + mean over latent dimensions is beta = {by_average:g}")
print(f"mean over pixels + sum over latent dimensions is beta = {latent_dim * by_average:g}: collapse")
print(f"1000 times the mean over pixels + sum over latent dimensions is beta = {latent_dim * by_average / 1000:g}")
