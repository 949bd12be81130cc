"""Small models that together hold every posterior, prior and likelihood of the package, and requests to them."""

import keras
import numpy as np
import tensorflow as tf

import keras_vae as kv


def conv():
    """Binary images; batch normalisation in both trunks."""
    return kv.VAE(
        encoder=kv.networks.ConvEncoder((3, 4), batch_normalization=True),
        posterior=kv.posteriors.DiagonalGaussian(3),
        decoder=kv.networks.ConvDecoder((4, 3), batch_normalization=True),
        likelihood=kv.likelihoods.Bernoulli((8, 6, 1)),
        seed=0,
    )


def colour():
    """Colour images between -1 and 1, a learned scale, a mixture of full-covariance posteriors."""
    return kv.VAE(
        encoder=kv.networks.MLPEncoder((8,)),
        posterior=kv.posteriors.FullCovarianceGaussian(2),
        decoder=kv.networks.ConvDecoder((3,)),
        likelihood=kv.likelihoods.Gaussian((5, 4, 3), scale="learned"),
        prior=kv.priors.VampPrior(4, mean=0.0, stddev=0.5, value_range=(-1.0, 1.0)),
        objective=kv.objectives.ELBO(kl="monte_carlo", num_samples=2),
        seed=0,
    )


def hierarchy():
    """Two levels under a VampPrior; sequences, of which there are no image files."""
    return kv.HierarchicalVAE(
        encoders=[kv.networks.JoinedMLP((6,), (6,)), kv.networks.MLPEncoder((6,))],
        posteriors=[kv.posteriors.DiagonalGaussian(3), kv.posteriors.DiagonalGaussian(2)],
        priors=[
            kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((5,))),
            kv.priors.VampPrior(4, mean=0.5, stddev=0.5),
        ],
        decoder=kv.networks.JoinedMLP((6,), (6,)),
        likelihood=kv.likelihoods.ContinuousBernoulli((4, 3)),
        objective=kv.objectives.ELBO(kl="monte_carlo"),
        seed=0,
    )


def categories():
    """Images of 17 grey levels under a mixture of Gaussians, trained by the importance-weighted bound."""
    return kv.VAE(
        encoder=kv.networks.MLPEncoder((8,)),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.MLPDecoder((8,)),
        likelihood=kv.likelihoods.Categorical((4, 4, 1), 17),
        prior=kv.priors.GaussianMixture(3),
        objective=kv.objectives.IWELBO(3),
        seed=0,
    )


def autoencoder():
    """A plain autoencoder of vectors."""
    return kv.VAE(
        encoder=kv.networks.MLPEncoder((8,)),
        posterior=kv.posteriors.Deterministic(2),
        decoder=kv.networks.MLPDecoder((8,)),
        likelihood=kv.likelihoods.Gaussian((6,), scale="optimal"),
        prior=kv.priors.StandardNormal(),
        objective=kv.objectives.Reconstruction(),
        seed=0,
    )


def autoregressive():
    """Binary images whose pixels see those before them."""
    return kv.VAE(
        encoder=kv.networks.MLPEncoder((6,)),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.MLPDecoder((6,)),
        likelihood=kv.likelihoods.AutoregressiveBernoulli((4, 3, 1), window=2, filters=3),
        seed=0,
    )


MODELS = {make.__name__: make for make in (conv, colour, hierarchy, categories, autoencoder, autoregressive)}
ARRAYS = ("serving_default", "reconstruct", "encode", "decode", "generate", "score")
BYTES = ("reconstruct_bytes", "encode_bytes", "score_bytes")
SIGNATURES = {name: ARRAYS + BYTES if name in ("conv", "colour", "categories") else ARRAYS for name in MODELS}
CASES = [(model, signature) for model, signatures in SIGNATURES.items() for signature in signatures]


def make(name):
    """Build a model whose weights are all of some size, moving moments and scales too; the same one each time."""
    keras.utils.set_random_seed(0)
    vae = MODELS[name]()
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
    return {"x": observations(vae, images), "seed": seed, "image_bytes": content, **z}


def answer(vae, signature, given):
    """Return what Keras says to a request, without the export."""
    x, seed = given["x"], tf.constant(given["seed"])
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
        return {"mean": vae.decode(z if len(z) > 1 else z[0])}
    if kind == "score":
        record = vae.infer(x, num_samples=vae.objective.num_samples, seed=seed)
        logs = vae.objective(record, step=0, training=False).logs
        names = {"elbo": "elbo", "rate": "kl_loss", "distortion": "reconstruction_loss", "iwelbo": "iwelbo"}
        return {name: logs[term].numpy() for name, term in names.items() if term in logs}
    raise KeyError(signature)
