"""What the contract is held to: arguments for every registered class, and models in which the layers are used.

A new part needs a row in `ROWS` (arguments for its constructor, together giving each one a value that is not the
default) and, if it is a layer or an objective, a place in one of the `MODELS`.
"""

import keras

import keras_vae as kv

DENSE = {"units": (3, 2), "kernel_initializer": "he_normal"}
CONVOLUTIONS = {"filters": (3, 2), "kernel_size": 5, "strides": 3, "kernel_initializer": "he_normal"}
GATED = {"activation": "tanh", "use_bias": False, "kernel_initializer": "he_normal"}
GATED_CONVOLUTION = {"filters": 3, "kernel_size": 2, "strides": 2, "padding": "same", **GATED}
LATENT = {"latent_dim": 3, "kernel_initializer": "he_normal"}
LIKELIHOOD = {"event_shape": (4, 3), "projection": None, "kernel_initializer": "he_normal"}

ROWS = {
    "AutoregressiveBernoulli": [
        {**LIKELIHOOD, "event_shape": (4, 3, 2), "window": 2, "filters": 5, "depth": 1, "features": 2},
        {**LIKELIHOOD, "event_shape": (4, 6, 2), "window": 1, "filters": 3, "depth": 1, "features": 1, "block": 2},
    ],
    "Bernoulli": [LIKELIHOOD],
    "Categorical": [{**LIKELIHOOD, "num_categories": 5, "encoding": "one_hot"}],
    "ConditionalGaussian": [
        lambda: {
            "trunk": kv.networks.MLPDecoder((3,)),
            "log_var_range": (-6.0, 2.0),
            "kernel_initializer": "he_normal",
        }
    ],
    "ConstantSchedule": [{"constant": 0.5}],
    "ContinuousBernoulli": [LIKELIHOOD],
    "ConvDecoder": [
        {**CONVOLUTIONS, "event_shape": (7, 5, 2), "activation": "tanh", "batch_normalization": True},
        {**CONVOLUTIONS, "gated": True},
    ],
    "ConvEncoder": [
        {**CONVOLUTIONS, "activation": "tanh", "batch_normalization": True},
        {**CONVOLUTIONS, "gated": True},
    ],
    "CyclicalSchedule": [{"start": 0.1, "end": 2.0, "cycle_steps": 9, "ramp_fraction": 0.7, "num_cycles": 4}],
    "Deterministic": [LATENT],
    "DiagonalGaussian": [{**LATENT, "log_var_range": (-6.0, 2.0)}],
    "ELBO": [
        {"beta": 0.5, "free_bits": 0.1, "num_samples": 2},
        {"beta": kv.schedules.LinearSchedule(0.0, 2.0, steps=5), "kl": "monte_carlo"},
    ],
    "FullCovarianceGaussian": [{**LATENT, "log_var_range": (-6.0, 2.0)}],
    "GatedConv2D": [GATED_CONVOLUTION],
    "GatedConv2DTranspose": [GATED_CONVOLUTION],
    "GatedDense": [{"units": 3, **GATED}],
    "GaussianMixture": [{"num_components": 4, "spread": 0.5}],
    "Gaussian": [
        {**LIKELIHOOD, "scale": 0.3, "minimum_scale": 0.01},
        *({**LIKELIHOOD, "projection": "auto", "scale": scale} for scale in ("learned", "optimal", "per_dimension")),
    ],
    "HierarchicalVAE": [
        lambda: {
            "encoders": [kv.networks.JoinedMLP((3,), (3,)), kv.networks.MLPEncoder((3,))],
            "posteriors": [kv.posteriors.DiagonalGaussian(3), kv.posteriors.DiagonalGaussian(2)],
            "priors": [kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((3,))), kv.priors.StandardNormal()],
            "decoder": kv.networks.JoinedMLP((3,), (3,)),
            "likelihood": kv.likelihoods.Gaussian((4,), scale="optimal"),
            "objective": kv.objectives.ELBO(kv.schedules.LinearSchedule(0.0, 2.0, steps=5)),
            "seed": 5,
        }
    ],
    "IWELBO": [{"num_samples": 7, "gradient": "dreg"}],
    "JoinedMLP": [{**DENSE, "branch_units": (4,), "activation": "tanh", "gated": True}],
    "Laplace": [{**LATENT, "log_scale_range": (-3.0, 1.0)}],
    "LinearSchedule": [{"start": 0.1, "end": 2.0, "steps": 9}],
    "MLPDecoder": [{**DENSE, "activation": "tanh", "gated": True}],
    "MLPEncoder": [{**DENSE, "activation": "tanh", "gated": True}],
    "NormScaledAdam": [{"learning_rate": 0.25, "norm_epsilon": 1e-5, "name": "scaled"}],
    "NormScaledMuon": [{"learning_rate": 0.25, "norm_epsilon": 1e-5, "name": "scaled", "exclude_layers": ["prior"]}],
    "Reconstruction": [{}],
    "Sampling": [{"seed": 5}],
    "SigmoidSchedule": [{"start": 0.1, "end": 2.0, "midpoint": 5.0, "width": 3.0}],
    "StandardNormal": [{}],
    "StudentT": [
        {**LIKELIHOOD, "degrees_of_freedom": 2.5, "scale": 0.3, "minimum_scale": 0.01},
        {**LIKELIHOOD, "projection": "auto", "degrees_of_freedom": "learned", "scale": "per_dimension"},
    ],
    "VAE": [
        lambda: {
            "encoder": kv.networks.MLPEncoder((3,)),
            "posterior": kv.posteriors.DiagonalGaussian(2),
            "decoder": kv.networks.MLPDecoder((3,)),
            "likelihood": kv.likelihoods.Gaussian((4,), scale="optimal"),
            "prior": kv.priors.StandardNormal(),
            "objective": kv.objectives.ELBO(kv.schedules.LinearSchedule(0.0, 2.0, steps=5)),
            "seed": 5,
        }
    ],
    "VampPrior": [
        {
            "num_components": 4,
            "learned": False,
            "mean": 0.5,
            "stddev": 0.2,
            "value_range": (-1.0, 1.0),
            "x_shape": (5, 3, 1),
        }
    ],
}


def functional_encoder():
    """An encoder of the user's own, with noise in it."""
    x = keras.Input((4, 3))
    h = keras.layers.Flatten()(x)
    return keras.Model(x, kv.Sampling(seed=1)([keras.layers.Dense(5)(h), keras.layers.Dense(5)(h)]))


MODELS = {
    "dense": lambda: kv.VAE(
        encoder=kv.networks.MLPEncoder((5,)),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.MLPDecoder((5,)),
        likelihood=kv.likelihoods.Bernoulli((4, 3)),
        prior=kv.priors.StandardNormal(),
        objective=kv.objectives.ELBO(kv.schedules.LinearSchedule(0.0, 2.0, steps=5)),
        seed=0,
    ),
    "autoregressive": lambda: kv.VAE(
        encoder=kv.networks.MLPEncoder((5,)),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.MLPDecoder((5,)),
        likelihood=kv.likelihoods.AutoregressiveBernoulli((4, 3, 1), window=2, filters=3, depth=1, features=2),
        seed=0,
    ),
    "convolutional": lambda: kv.VAE(
        encoder=kv.networks.ConvEncoder((3,), batch_normalization=True),
        posterior=kv.posteriors.FullCovarianceGaussian(2),
        decoder=kv.networks.ConvDecoder((3,), batch_normalization=True),
        likelihood=kv.likelihoods.ContinuousBernoulli((5, 3, 1)),
        prior=kv.priors.GaussianMixture(3),
        objective=kv.objectives.ELBO(kl="monte_carlo", num_samples=2),
        seed=0,
    ),
    "autoencoder": lambda: kv.VAE(
        encoder=kv.networks.MLPEncoder((5,)),
        posterior=kv.posteriors.Deterministic(2),
        decoder=kv.networks.MLPDecoder((5,)),
        likelihood=kv.likelihoods.Categorical((4, 3), 2),
        objective=kv.objectives.Reconstruction(),
        seed=0,
    ),
    "gated": lambda: kv.VAE(
        encoder=keras.Sequential([keras.layers.Flatten(), kv.layers.GatedDense(5)]),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.ConvDecoder((3,), gated=True),
        likelihood=kv.likelihoods.Gaussian((5, 3, 1), scale="optimal"),
        objective=kv.objectives.IWELBO(3, gradient="dreg"),
        seed=0,
    ),
    "gated_convolution": lambda: kv.VAE(
        encoder=kv.networks.ConvEncoder((3,), gated=True),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=keras.layers.Dense(5),
        likelihood=kv.likelihoods.Gaussian((5, 3, 1), scale="learned"),
        prior=kv.priors.VampPrior(3),
        objective=kv.objectives.ELBO(kl="monte_carlo"),
        seed=0,
    ),
    "hierarchical": lambda: kv.HierarchicalVAE(
        encoders=[kv.networks.JoinedMLP((5,), (5,)), kv.networks.MLPEncoder((5,))],
        posteriors=[kv.posteriors.DiagonalGaussian(3), kv.posteriors.DiagonalGaussian(2)],
        priors=[kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((5,))), kv.priors.StandardNormal()],
        decoder=kv.networks.JoinedMLP((5,), (5,)),
        likelihood=kv.likelihoods.Bernoulli((4, 3)),
        seed=0,
    ),
    "with_a_functional_encoder": lambda: kv.VAE(
        encoder=functional_encoder(),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=keras.layers.Dense(5),
        likelihood=kv.likelihoods.Gaussian((4, 3), scale="per_dimension"),
        objective=kv.objectives.ELBO(free_bits=0.01),
        seed=0,
    ),
}
