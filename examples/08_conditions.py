# %% [markdown]
# # 8. Conditions
#
# A VAE draws clothes. How do you ask it for a boot? This example gives the model a *condition*: the class of a garment,
# or a part of its image. It generates by class, asks what a garment would look like in another class, classifies by
# Bayes' rule, learns from few labels, and completes images.
#
# The notebook `08_conditions.ipynb` holds these cells with their results. In Colab, upload it, and in a first cell
# `!git clone` the repository and `%cd` into it. In VS Code, open either file; in a terminal, run
# `python examples/08_conditions.py`.

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

parser = argparse.ArgumentParser(description="Conditional VAEs, and labels for some.", allow_abbrev=False)
parser.add_argument("--fast", action="store_true", help="seconds in place of minutes, and worse pictures")
parser.add_argument("--dataset", default="fashion_mnist", help="fashion_mnist, mnist or digits")
parser.add_argument("--output", default="runs/08_conditions", type=pathlib.Path, help="the folder for the results")
options, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own

# %%
train, test = kv.data.load(options.dataset)
size, epochs, num_classified, num_labels = (1000, 3, 20, 200) if options.fast else (10_000, 15, 300, 600)
train, test = train.first(size), test.first(min(size, 2000))
x, test_x = kv.data.binarize(train.images, 1), kv.data.binarize(test.images, 777)
event_shape, num_classes = x.shape[1:], int(train.labels.max()) + 1
names = train.class_names or tuple(map(str, range(num_classes)))

# %% [markdown]
# ## The model
#
# With a condition $c$, every density is given $c$, and the bound is one on $\log p(x \mid c)$:
#
# $$
# \log p(x \mid c) \ge \mathbb E_{q(z \mid x, c)} [\log p(x \mid z, c)] - \mathrm{KL}[q(z \mid x, c) \Vert p(z \mid c)]
# $$
#
# One argument makes the model conditional. The encoder then gets $[x, c]$ and the decoder $[z, c]$, where $c$ is the
# label's one-hot code.


# %%
def trained(data, **parts):
    """Return a dense VAE, trained on a dictionary of arrays."""
    keras.utils.set_random_seed(0)
    settings = {
        "encoder": kv.networks.MLPEncoder((400,)),
        "posterior": kv.posteriors.DiagonalGaussian(16),
        "decoder": kv.networks.MLPDecoder((400,)),
        "likelihood": kv.likelihoods.Bernoulli(event_shape),
        "seed": 0,
    }
    vae = kv.VAE(**{**settings, **parts})
    vae.compile(keras.optimizers.Adam(1e-3))
    vae.fit(data, batch_size=100, epochs=epochs, verbose=0)
    return vae


labels = kv.conditions.Labels(num_classes, names=names)
plain = trained({"x": x})
vae = trained({"x": x, "condition": train.labels}, condition=labels)

# %% [markdown]
# The label relieves the code: $z$ need not carry the class, and the rate falls. The bound rises, too.
# Of two perfect models the one with the label would gain the information that the label has about the image, at most
# $\log 10 \approx 2.3$ nats on average for ten equally frequent classes. Trained models are not perfect, and the label
# may help them more than that.

# %%
print(f"{'':>14} {'elbo':>9} {'rate':>7} {'distortion':>11}")
for name, model, data in (("no condition", plain, test_x), ("the label", vae, (test_x, test.labels))):
    score = {term: values.mean() for term, values in model.score(data, num_samples=10, seed=0).items()}
    print(f"{name:>14} {score['elbo']:9.2f} {score['rate']:7.2f} {score['distortion']:11.2f}")

# %% [markdown]
# ## Generation by class
#
# `condition=` takes a number, a name, or one for each image. With the same seed each row has the same ten points $z$:
# a column shows what $z$ carries beside the class, such as how wide or bright a garment is. The model assumes that
# $z$ and the class are independent, and training achieves that only in part: where a column of trousers stays slim in
# every class, its $z$ still carries what the class should.

# %%
rows = {name: vae.generate(10, condition=name, seed=0) for name in names}
kv.plots.show(kv.plots.samples(rows, title="The same z in each class"), options.output / "classes.png")

# %% [markdown]
# ## The same garment in another class
#
# `reconstruct(x, condition=...)` infers $z$ from an image and its own class, and decodes it under another one. It is
# the model's answer to *what if*, as good as the assumption that $z$ and the class are independent.

# %%
some = np.unique(test.labels, return_index=True)[1]
shown = {"x": test_x[some], "condition": test.labels[some]}
others = {f"as {names[k]}": vae.reconstruct(shown, condition=k) for k in range(0, num_classes, 3)}
figure = kv.plots.reconstructions(test.images[some], {"as it is": vae.reconstruct(shown), **others})
kv.plots.show(figure, options.output / "counterfactuals.png")

# %% [markdown]
# ## Classification by Bayes' rule
#
# A model of $p(x \mid c)$ is a classifier, too: $p(c \mid x) \propto p(x \mid c) \, p(c)$. Each $p(x \mid c)$ is
# estimated by importance sampling. Are its probabilities true? The calibration error compares how sure it is with how
# often it is right.

# %%
probabilities = kv.evaluation.class_posterior(vae, test_x[:num_classified], num_samples=50, seed=0)
accuracy = np.mean(probabilities.argmax(axis=1) == test.labels[:num_classified])
error = kv.evaluation.expected_calibration_error(probabilities, test.labels[:num_classified])
print(f"Bayes' rule: accuracy {accuracy:.3f}, calibration error {error:.3f}, of {num_classified} images")

# %% [markdown]
# ## Labels for some
#
# Labels cost work; images are cheap. `SemiSupervised` (model M2 of Kingma et al. 2014) trains on both: where a label is
# missing, written as −1, all classes are tried and summed out with the weights $q(c \mid x)$ of a classifier. That
# classifier learns from the images without labels as well. Beside it, the same network that sees the labelled images
# alone.


# %%
def network():
    """Return a classifier that ends in logits."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(256, "relu"), keras.layers.Dropout(0.3)]
    return keras.Sequential([*layers, keras.layers.Dense(num_classes)])


few = train.labels.copy()
few[num_labels:] = -1
images = x[: 10 * num_labels]
objective = kv.objectives.SemiSupervised(network(), classification_weight=0.1 * len(images))
semi = trained({"x": images, "condition": few[: len(images)]}, condition=labels, objective=objective)

alone = network()
alone.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
alone.fit(x[:num_labels], few[:num_labels], epochs=10 * epochs, verbose=0)

probabilities = kv.evaluation.class_posterior(semi, test_x, method="classifier")
found = {"labels alone": alone.predict(test_x, verbose=0), "all images": probabilities}
for name, scores in found.items():
    print(f"{num_labels} labels, {name}: accuracy {np.mean(scores.argmax(axis=1) == test.labels):.3f}")

# %% [markdown]
# ## Completion
#
# A condition may be an image. Here it is the left half, with −1 for what is hidden; the mask says that the hidden half
# is what the model learns to draw. The prior depends on the condition: which codes are likely follows from the known
# half.

# %%
hidden = np.zeros(event_shape, "float32")
hidden[:, event_shape[1] // 2 :] = 1.0


def half(images):
    """Return images as a batch whose right half the model draws."""
    mask = np.broadcast_to(hidden, images.shape)
    return {"x": images, "condition": np.where(mask == 1, -1.0, images).astype("float32"), "mask": mask}


prior = kv.priors.ConditionalGaussian(kv.networks.MLPEncoder((200,)))
completing = trained(half(x), condition=kv.conditions.Image(event_shape), prior=prior)

# %%
given = half(test_x[some])["condition"]
log_p = kv.evaluation.log_evidence(completing, half(test_x[:100]), 50, seed=0).mean()
print(f"log p(right half | left half) = {log_p:.2f} nats an image")
pictures = {"given": np.where(given < 0, 0.5, given)}
for number in range(1, 5):
    drawn = completing.generate(condition=given, seed=number)
    pictures[f"completed, {number}"] = np.where(given < 0, drawn, given)
figure = kv.plots.reconstructions(test_x[some], pictures, title="The left half given, four draws of the rest")
kv.plots.show(figure, options.output / "completions.png")
