"""The exported models of the contract, which hold every distribution of the package, and requests to them."""

import keras
import numpy as np
import tensorflow as tf

import keras_vae as kv
from tests import contract

MODELS = contract.EXPORTED
ARRAYS = ("serving_default", "reconstruct", "encode", "decode", "generate", "score")
BYTES = ("reconstruct_bytes", "encode_bytes", "score_bytes")
SIGNATURES = {name: ARRAYS + BYTES if name in ("conv", "colour", "categories", "Image") else ARRAYS for name in MODELS}
CASES = [(model, signature) for model, signatures in SIGNATURES.items() for signature in signatures]


def make(name):
    """Build a model whose weights are all of some size, moving moments and scales too; the same one each time."""
    keras.utils.set_random_seed(0)
    vae = contract.build(name)
    vae.build()
    generator = np.random.default_rng(0)
    for weight in vae.weights:
        if weight.dtype == "float32":
            value = weight.numpy() + 0.2 * generator.normal(size=weight.shape)
            weight.assign(np.abs(value) if "moving_variance" in weight.path or "average" in weight.path else value)
    return vae


def pixels(vae, n, seed=0):
    """Draw n 8-bit images of the model's shape; for binary ones black and white."""
    generator = np.random.default_rng(seed)
    shape = (n, *vae.event_shape)
    if isinstance(vae.likelihood, (kv.likelihoods.Bernoulli, kv.likelihoods.AutoregressiveBernoulli)):
        return (255 * generator.integers(0, 2, shape)).astype("uint8")
    return generator.integers(0, 256, shape).astype("uint8")


def observations(vae, images):
    """Scale 8-bit images to what the model takes."""
    if vae.likelihood.integer_valued:
        return np.round(images * ((vae.likelihood.num_categories - 1) / 255)).astype("float32")
    if isinstance(vae.likelihood, kv.likelihoods.Gaussian):  # exported so
        return images.astype("float32") / np.float32(127.5) - 1
    return images.astype("float32") / np.float32(255)


def request(vae, n):
    """Make n rows of every input that a signature may have."""
    generator = np.random.default_rng(1)
    images = pixels(vae, n)
    sizes = vae.latent_dim if isinstance(vae.latent_dim, tuple) else (vae.latent_dim,)
    names = ["z"] if len(sizes) == 1 else [f"z_{level + 1}" for level in range(len(sizes))]
    z = {name: generator.normal(size=(n, size)).astype("float32") for name, size in zip(names, sizes, strict=True)}
    seed = generator.integers(-(2**31), 2**31, (n, 2)).astype("int32")
    is_image = images.ndim == 4
    content = [tf.io.encode_png(image).numpy() for image in images] if is_image else []
    given = {"x": observations(vae, images), "seed": seed, "image_bytes": content, **z}
    if vae.condition is not None:
        values = generator.integers(0, 3, (n, *vae.condition.value_shape))
        given["condition"] = values.astype("int32" if vae.condition.integer_valued else "float32")
    return given


def answer(vae, signature, given):
    """Return what Keras says to a request, without the export."""
    x, seed, condition = given["x"], tf.constant(given["seed"]), given.get("condition")
    x = x if condition is None else {"x": x, "condition": condition}
    kind = signature.removesuffix("_bytes").replace("serving_default", "reconstruct")
    if kind == "reconstruct":
        return {"reconstruction": vae.reconstruct(x)}
    if kind == "encode":
        means, posteriors = vae.encode(x), vae.latent_posteriors(x)
        if not isinstance(means, tuple):
            return {"mean": means, "scale": posteriors[0].stddev().numpy()}
        scales = {f"scale_{level + 1}": posterior.stddev().numpy() for level, posterior in enumerate(posteriors)}
        return {**{f"mean_{level + 1}": mean for level, mean in enumerate(means)}, **scales}
    if kind == "decode":
        z = [given[name] for name in sorted(given) if name.startswith("z")]
        return {"mean": vae.decode(z if len(z) > 1 else z[0], condition)}
    if kind == "score":
        record = vae.infer(x, num_samples=vae.objective.num_samples, seed=seed)
        logs = vae.objective(record, step=0, training=False).logs
        names = {"elbo": "elbo", "rate": "kl_loss", "distortion": "reconstruction_loss", "iwelbo": "iwelbo"}
        return {name: logs[term].numpy() for name, term in names.items() if term in logs}
    raise KeyError(signature)
