"""What conditions bring on Fashion-MNIST, in nats a test image and in shares of images.

- `conditioning`: a convolutional VAE without a condition beside two that are given the label, as channels (what the
  trunks do) and by feature-wise modulation (FiLM, Perez et al. 2018), trained alike.
- `classes`: an independent classifier names the class of generated images; Bayes' rule classifies real ones.
- `completion`: one, two and three quadrants are given and log p(hidden pixels | given pixels) is compared, of a
  conditional VAE, of one VAE of all pixels (log p(all) - log p(given)), and of nearest neighbours.
- `semi_supervised`: the error of q(y|x) with few labels, beside the same network trained on these labels alone, and
  nearest neighbours among them.

All images are drawn binary once. Trainings are short and alike, and of a part of the training images:

    python benchmarks/conditional.py --only conditioning classes
"""

import argparse
import pathlib
import time

import keras
import numpy as np
import protocol

import keras_vae as kv

HERE = pathlib.Path(__file__).parent
SHAPE, FILTERS, LATENT, CLASSES, BATCH = (28, 28, 1), (16, 32), 16, 10, 100
ROWS, COLUMNS = np.mgrid[:28, :28]
# As Pyro's example of the conditional VAE has them: lower left, left half, all but the upper right.
GIVEN = {1: (ROWS >= 14) & (COLUMNS < 14), 2: COLUMNS < 14, 3: (ROWS >= 14) | (COLUMNS < 14)}
LABELS = (100, 600, 1000)


class Film(keras.layers.Layer):
    """Scale and shift the channels of a map by linear functions of a code."""

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(2 * filters, kernel_initializer="zeros")

    def call(self, inputs):
        """Modulate, from `[map, code]`."""
        x, code = inputs
        scale, shift = keras.ops.split(self.dense(code)[:, None, None, :], 2, axis=-1)
        return x * (1.0 + scale) + shift


def film_trunks():
    """Return an encoder and a decoder whose convolutions are modulated by the label."""
    x, c = keras.Input(SHAPE), keras.Input((CLASSES,))
    h = x
    for filters in FILTERS:
        h = keras.layers.Conv2D(filters, 3, strides=2, padding="same")(h)
        h = keras.layers.ReLU()(Film(filters)([h, c]))
    z, label = keras.Input((LATENT,)), keras.Input((CLASSES,))
    g = keras.layers.Dense(7 * 7 * FILTERS[-1], activation="relu")(keras.layers.Concatenate()([z, label]))
    g = keras.layers.Reshape((7, 7, FILTERS[-1]))(g)
    for filters in FILTERS[::-1]:
        g = keras.layers.Conv2DTranspose(filters, 3, strides=2, padding="same")(g)
        g = keras.layers.ReLU()(Film(filters)([g, label]))
    return keras.Model([x, c], h), keras.Model([z, label], g)


def make(seed, *, trunks=None, **parts):
    """Make the convolutional VAE.

    Parameters
    ----------
    seed : int
        Of weights and noise.
    trunks : tuple, optional
        Encoder and decoder, in place of ours.
    **parts
        As `kv.VAE` takes them.
    """
    encoder, decoder = trunks or (kv.networks.ConvEncoder(FILTERS), kv.networks.ConvDecoder(FILTERS[::-1]))
    vae = kv.VAE(
        encoder=encoder,
        posterior=kv.posteriors.DiagonalGaussian(LATENT),
        decoder=decoder,
        likelihood=kv.likelihoods.Bernoulli(SHAPE),
        seed=seed,
        **parts,
    )
    vae.compile(keras.optimizers.Adam(1e-3))
    return vae


def trained(vae, data, epochs):
    """Train on a dictionary of arrays, and return the seconds."""
    start = time.perf_counter()
    vae.fit(data, batch_size=BATCH, epochs=epochs, verbose=2)
    return round(time.perf_counter() - start, 1)


def mean_and_error(values):
    """Return a mean and its standard error over examples."""
    return {"mean": float(np.mean(values)), "standard_error": float(np.std(values, ddof=1) / np.sqrt(len(values)))}


def conditioning(options, data):
    """Train with and without labels, and yield a row for each way."""
    found = {}
    for name in ("none", "channels", "film"):
        keras.utils.set_random_seed(options.seed)
        parts = {} if name == "none" else {"condition": kv.conditions.Labels(CLASSES)}
        vae = make(options.seed, trunks=film_trunks() if name == "film" else None, **parts)
        train, test = ({"x": x} | ({"condition": y} if parts else {}) for x, y in (data["train"], data["test"]))
        seconds = trained(vae, train, options.epochs)
        scores = vae.score(test, num_samples=20, seed=0)
        found[name] = kv.evaluation.log_evidence(vae, test, options.num_samples, seed=0)
        row = {"conditioning": name, "log_evidence": float(found[name].mean()), "seconds": seconds}
        row |= {term: float(scores[term].mean()) for term in ("elbo", "rate", "distortion")}
        row |= {"num_weights": vae.count_params(), "num_samples": options.num_samples}
        if name != "none":
            row["gain"] = mean_and_error(found[name] - found["none"])
        if name == "film":
            row["gain_over_channels"] = mean_and_error(found[name] - found["channels"])
        yield row
        if name == "channels":
            vae.save(options.work / f"channels-{options.seed}.keras")


def classes(options, data):
    """Name the classes of generated images by a classifier, and those of real images by Bayes' rule; yield one row."""
    keras.utils.set_random_seed(options.seed)
    vae = kv.load_model(options.work / f"channels-{options.seed}.keras")
    layers = [keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu") for filters in (32, 64)]
    dense = [keras.layers.Flatten(), keras.layers.Dropout(0.3), keras.layers.Dense(128, activation="relu")]
    judge = keras.Sequential([keras.Input(SHAPE), *layers, *dense, keras.layers.Dense(CLASSES)])
    judge.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    judge.fit(*data["train"], batch_size=BATCH, epochs=options.epochs, verbose=2)
    x, y = data["test"]
    each = np.repeat(np.arange(CLASSES), options.num_generated // CLASSES)
    drawn = vae.generate(condition=each, sample=True, seed=0)
    named = judge.predict(drawn, verbose=0).argmax(-1)
    rows = slice(0, options.num_classified)
    probabilities = kv.evaluation.class_posterior(vae, x[rows], num_samples=options.class_samples, seed=0)
    yield {
        "judge_accuracy": float(np.mean(judge.predict(x, verbose=0).argmax(-1) == y)),
        "generated_named_right": float(np.mean(named == each)),
        "generated_named_right_of_class": [float(np.mean(named[each == k] == k)) for k in range(CLASSES)],
        "num_generated": len(each),
        "judge_accuracy_same_images": float(np.mean(judge.predict(x[rows], verbose=0).argmax(-1) == y[rows])),
        "bayes_accuracy": float(np.mean(probabilities.argmax(1) == y[rows])),
        "bayes_calibration_error": kv.evaluation.expected_calibration_error(probabilities, y[rows]),
        "num_classified": len(probabilities),
        "num_samples": options.class_samples,
    }


def nearest(train, test, given, held_out=500):
    """Return log p of hidden pixels by the means of neighbours in the given pixels, smoothed, (n,); k by held-out rows.

    Parameters
    ----------
    train, test : numpy.ndarray
        Binary images.
    given : numpy.ndarray
        Which pixels are given.
    held_out : int
        How many of the training images choose the number of neighbours and the smoothing.
    """
    train, test = (x.reshape(len(x), -1) for x in (train, test))
    given = given.ravel()

    def score(rows, bank, number, smoothing):
        a, b = rows[:, given], bank[:, given]
        distance = a.sum(1)[:, None] + b.sum(1)[None] - 2 * a @ b.T
        neighbours = np.argpartition(distance, number, axis=1)[:, :number]
        p = (bank[neighbours][:, :, ~given].sum(1) + smoothing) / (number + 2 * smoothing)
        hidden = rows[:, ~given]
        return np.sum(hidden * np.log(p) + (1 - hidden) * np.log1p(-p), axis=1)

    choices = [(number, smoothing) for number in (10, 20, 50, 100) for smoothing in (0.1, 0.3, 1.0)]
    best = max(choices, key=lambda choice: score(train[-held_out:], train[:-held_out], *choice).mean())
    return score(test, train, *best), best


def completion(options, data):
    """Complete images from their quadrants, and yield a row for each number of given ones."""
    x, test = data["train"][0], data["test"][0][: options.num_completed]
    masks = {0: np.ones((28, 28), bool), **GIVEN}
    keras.utils.set_random_seed(options.seed)
    joint = make(options.seed)
    kinds = np.random.default_rng(options.seed).integers(0, 4, len(x))
    observed = np.stack([masks[kind] for kind in range(4)])[kinds].astype("float32")[..., None]
    joint_seconds = trained(joint, {"x": x, "mask": observed}, options.epochs)

    def log_joint(kind):
        batch = {"x": test, "mask": np.broadcast_to(masks[kind][..., None], test.shape).astype("float32")}
        return kv.evaluation.log_evidence(joint, batch, options.num_samples, seed=0)

    log_all = log_joint(0)
    for quadrants, given in GIVEN.items():
        hidden = (~given)[..., None].astype("float32")

        def batch(x, hidden=hidden):
            mask = np.broadcast_to(hidden, x.shape)
            return {"x": x, "condition": np.where(mask > 0, -1.0, x).astype("float32"), "mask": mask}

        keras.utils.set_random_seed(options.seed)
        prior = kv.priors.ConditionalGaussian(kv.networks.MLPEncoder((256,)))
        vae = make(options.seed, condition=kv.conditions.Image(SHAPE), prior=prior)
        seconds = trained(vae, batch(x), options.epochs)
        neighbours, choice = nearest(x, test, given)
        found = {
            "conditional": kv.evaluation.log_evidence(vae, batch(test), options.num_samples, seed=0),
            "joint": log_all - log_joint(quadrants),
            "neighbours": neighbours,
        }
        gains = {f"gain_over_{name}": mean_and_error(found["conditional"] - found[name]) for name in [*found][1:]}
        yield {
            "quadrants": quadrants,
            "hidden_pixels": int(hidden.sum()),
            **{name: float(values.mean()) for name, values in found.items()},
            **gains,
            "num_neighbours": choice[0],
            "smoothing": choice[1],
            "num_samples": options.num_samples,
            "num_test": len(test),
            "seconds": seconds,
            "joint_seconds": joint_seconds,
        }


def classifier():
    """Return q(y|x): what is trained on few labels, alone or as a part of the VAE."""
    return keras.Sequential([kv.networks.MLPEncoder((256,)), keras.layers.Dropout(0.3), keras.layers.Dense(CLASSES)])


def semi_supervised(options, data):
    """Classify with few labels, and yield a row for each number of them."""
    (x, y), (test_x, test_y) = data["train"], data["test"]
    x, y = x[: options.num_unlabelled], y[: options.num_unlabelled]
    flat, test_flat = (images.reshape(len(images), -1) for images in (x, test_x))
    for count in LABELS:
        order = np.random.default_rng(options.seed).permutation(len(y))
        known = np.concatenate([order[y[order] == k][: count // CLASSES] for k in range(CLASSES)])
        some = np.full(len(y), -1)
        some[known] = y[known]

        distance = flat[known].sum(1) - 2 * test_flat @ flat[known].T
        error = {"neighbour": np.mean(y[known][distance.argmin(1)] != test_y)}

        keras.utils.set_random_seed(options.seed)
        alone = classifier()
        alone.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        steps = options.semi_epochs * len(x) // BATCH
        alone.fit(x[known], y[known], batch_size=BATCH, epochs=-(-steps // -(-count // BATCH)), verbose=0)
        error["supervised"] = np.mean(alone.predict(test_x, verbose=0).argmax(-1) != test_y)

        keras.utils.set_random_seed(options.seed)
        weight = 0.1 * len(x)  # as Kingma et al. 2014 have it
        vae = kv.VAE(
            encoder=kv.networks.MLPEncoder((256,)),
            posterior=kv.posteriors.DiagonalGaussian(LATENT),
            decoder=kv.networks.MLPDecoder((256,)),
            likelihood=kv.likelihoods.Bernoulli(SHAPE),
            condition=kv.conditions.Labels(CLASSES),
            objective=kv.objectives.SemiSupervised(classifier(), classification_weight=weight),
            seed=options.seed,
        )
        vae.compile(keras.optimizers.Adam(1e-3))
        seconds = trained(vae, {"x": x, "condition": some}, options.semi_epochs)
        probabilities = kv.evaluation.class_posterior(vae, test_x, method="classifier")
        error["semi_supervised"] = np.mean(probabilities.argmax(1) != test_y)
        yield {
            "labels": count,
            "error": {name: float(value) for name, value in error.items()},
            "calibration_error": kv.evaluation.expected_calibration_error(probabilities, test_y),
            "elbo": float(vae.evaluate(test_x, test_y, verbose=0, return_dict=True)["elbo"]),
            "classification_weight": weight,
            "num_train": len(x),
            "num_test": len(test_x),
            "epochs": options.semi_epochs,
            "seconds": seconds,
        }


PARTS = {part.__name__: part for part in (conditioning, classes, completion, semi_supervised)}


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--num-train", type=int, default=10_000)
    parser.add_argument("--semi-epochs", type=int, default=10)
    parser.add_argument("--num-unlabelled", type=int, default=5000)
    parser.add_argument("--quick", action="store_true", help="the whole path on few images; its rows say so")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "conditional.json")
    parser.add_argument("--work", type=pathlib.Path, default=HERE.parent / "runs" / "conditional")
    options = parser.parse_args(arguments)
    sizes = {"num_test": 500, "num_samples": 100, "num_generated": 1000}
    sizes |= {"num_classified": 200, "class_samples": 50, "num_completed": 500}
    if options.quick:
        sizes = {name: max(20, size // 50) for name, size in sizes.items()} | {
            "num_train": 1200,
            "num_unlabelled": 1200,
        }
        options.epochs = options.semi_epochs = 1
    vars(options).update(sizes)
    options.work.mkdir(parents=True, exist_ok=True)

    train, test = kv.data.load("fashion_mnist")
    data = {
        "train": (kv.data.binarize(train.images[: options.num_train], 1), train.labels[: options.num_train]),
        "test": (kv.data.binarize(test.images, 777), test.labels),
    }
    short = {**data, "test": tuple(part[: options.num_test] for part in data["test"])}
    for name in (name for name in PARTS if name in options.only):
        for row in PARTS[name](options, data if name == "semi_supervised" else short):
            shared = {"part": name, "seed": options.seed, "quick": options.quick, "machine": protocol.machine()}
            if name != "semi_supervised":
                shared |= {"num_train": options.num_train, "epochs": options.epochs}
            row = protocol.append_row(options.output, {**shared, **row})
            print({name: value for name, value in row.items() if name not in ("versions", "machine")}, flush=True)


if __name__ == "__main__":
    main()
