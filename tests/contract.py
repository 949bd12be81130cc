"""What the contract is held to: one row for each registered class, and models in which several parts are used.

To add a part is to add its file, its line in the room's `__init__` and its row here. A row has

- `arguments`, for the constructor: dictionaries, or functions that make parts of their own for each test. Together they
  give each argument a value that is not the default;
- `oracle`, what the part is measured by: a check of tests/contract_oracles.py, or the file of tests that holds it where
  it is long;
- `model`, in which the part is used: the parts of a small VAE that are not the standard ones, or the name of one of the
  `MODELS`, or of the row that has it. Schedules and optimizers have none;
- `exported`, whether that model is exported as well. Likelihoods, posteriors, priors and conditions must be.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras

import keras_vae as kv
from tests import contract_oracles as check


class Row(NamedTuple):
    """All that the contract asks for one class."""

    arguments: list
    oracle: Callable | str
    model: Callable | str | None = None
    exported: bool = False


DENSE = {"units": (3, 2), "kernel_initializer": "he_normal"}
CONVOLUTIONS = {"filters": (3, 2), "kernel_size": 5, "strides": 3, "kernel_initializer": "he_normal"}
GATED = {"activation": "tanh", "use_bias": False, "kernel_initializer": "he_normal"}
GATED_CONVOLUTION = {"filters": 3, "kernel_size": 2, "strides": 2, "padding": "same", **GATED}
LATENT = {"latent_dim": 3, "kernel_initializer": "he_normal"}
LIKELIHOOD = {"event_shape": (4, 3), "projection": None, "kernel_initializer": "he_normal"}


def functional_encoder():
    """An encoder of the user's own, with noise in it."""
    x = keras.Input((4, 3))
    h = keras.layers.Flatten()(x)
    return keras.Model(x, kv.Sampling(seed=1)([keras.layers.Dense(5)(h), keras.layers.Dense(5)(h)]))


def standard_parts():
    """The parts of a model that a row does not name."""
    return {
        "encoder": kv.networks.MLPEncoder((5,)),
        "posterior": kv.posteriors.DiagonalGaussian(2),
        "decoder": kv.networks.MLPDecoder((5,)),
        "likelihood": kv.likelihoods.Bernoulli((4, 3)),
    }


MODELS = {
    # Binary images; batch normalisation in both trunks.
    "conv": lambda: {
        "encoder": kv.networks.ConvEncoder((3, 4), batch_normalization=True),
        "posterior": kv.posteriors.DiagonalGaussian(3),
        "decoder": kv.networks.ConvDecoder((4, 3), batch_normalization=True),
        "likelihood": kv.likelihoods.Bernoulli((8, 6, 1)),
        "prior": kv.priors.StandardNormal(),
    },
    # Colour images between -1 and 1, a learned scale, a mixture of full-covariance posteriors.
    "colour": lambda: {
        "encoder": kv.networks.MLPEncoder((8,)),
        "posterior": kv.posteriors.FullCovarianceGaussian(2),
        "decoder": kv.networks.ConvDecoder((3,)),
        "likelihood": kv.likelihoods.Gaussian((5, 4, 3), scale="learned"),
        "prior": kv.priors.VampPrior(4, mean=0.0, stddev=0.5, value_range=(-1.0, 1.0)),
        "objective": kv.objectives.ELBO(kl="monte_carlo", num_samples=2),
    },
    # Two levels under a VampPrior; sequences, of which there are no image files.
    "hierarchy": lambda: {
        "encoders": [kv.networks.JoinedMLP((6,), (6,)), kv.networks.MLPEncoder((6,))],
        "posteriors": [kv.posteriors.DiagonalGaussian(3), kv.posteriors.DiagonalGaussian(2)],
        "priors": [
            kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((5,))),
            kv.priors.VampPrior(4, mean=0.5, stddev=0.5),
        ],
        "decoder": kv.networks.JoinedMLP((6,), (6,)),
        "likelihood": kv.likelihoods.ContinuousBernoulli((4, 3)),
        "objective": kv.objectives.ELBO(kl="monte_carlo"),
    },
    # Images of 17 grey levels under a mixture of Gaussians, trained by the importance-weighted bound.
    "categories": lambda: {
        "encoder": kv.networks.MLPEncoder((8,)),
        "decoder": kv.networks.MLPDecoder((8,)),
        "likelihood": kv.likelihoods.Categorical((4, 4, 1), 17),
        "prior": kv.priors.GaussianMixture(3),
        "objective": kv.objectives.IWELBO(3),
    },
    # A plain autoencoder of vectors.
    "autoencoder": lambda: {
        "encoder": kv.networks.MLPEncoder((8,)),
        "posterior": kv.posteriors.Deterministic(2),
        "decoder": kv.networks.MLPDecoder((8,)),
        "likelihood": kv.likelihoods.Gaussian((6,), scale="optimal"),
        "objective": kv.objectives.Reconstruction(),
    },
    # Binary images whose pixels see those before them.
    "autoregressive": lambda: {
        "encoder": kv.networks.MLPEncoder((6,)),
        "decoder": kv.networks.MLPDecoder((6,)),
        "likelihood": kv.likelihoods.AutoregressiveBernoulli((4, 3, 1), window=2, filters=3),
    },
    # Gates in both trunks, and a gradient of its own for the encoder.
    "gated": lambda: {
        "encoder": kv.networks.ConvEncoder((3,), gated=True),
        "decoder": kv.networks.ConvDecoder((3,), gated=True),
        "likelihood": kv.likelihoods.Gaussian((5, 3, 1), scale="optimal"),
        "objective": kv.objectives.IWELBO(3, gradient="dreg"),
    },
    # A Keras model and a Keras layer for trunks, a warm-up and free bits.
    "functional": lambda: {
        "encoder": functional_encoder(),
        "decoder": keras.layers.Dense(5),
        "likelihood": kv.likelihoods.Gaussian((4, 3), scale="per_dimension"),
        "objective": kv.objectives.ELBO(kv.schedules.LinearSchedule(0.0, 2.0, steps=5), free_bits=0.01),
    },
}

ROWS = {
    "AutoregressiveBernoulli": Row(
        [
            {**LIKELIHOOD, "event_shape": (3, 2, 2), "window": 2, "filters": 5, "depth": 1, "features": 2},
            {**LIKELIHOOD, "event_shape": (2, 4, 1), "window": 1, "filters": 3, "depth": 1, "features": 1, "block": 2},
        ],
        check.of_whole_images,
        "autoregressive",
        exported=True,
    ),
    "Bernoulli": Row([LIKELIHOOD], check.of_elements(check.bernoulli), "conv", exported=True),
    "Categorical": Row(
        [{**LIKELIHOOD, "num_categories": 5, "encoding": encoding} for encoding in ("one_hot", "integer")],
        check.of_elements(check.categorical),
        "categories",
        exported=True,
    ),
    "ConditionalGaussian": Row(
        [
            lambda: {
                "trunk": kv.networks.MLPDecoder((3,)),
                "log_var_range": (-6.0, 2.0),
                "kernel_initializer": "he_normal",
            }
        ],
        check.of_prior(check.conditional_gaussian),
        "hierarchy",
        exported=True,
    ),
    "ConstantSchedule": Row([{"constant": 0.5}], check.of_steps(lambda schedule, step: schedule.constant)),
    "ContinuousBernoulli": Row([LIKELIHOOD], check.of_elements(check.continuous_bernoulli), "hierarchy", exported=True),
    "ConvDecoder": Row(
        [
            {**CONVOLUTIONS, "event_shape": (7, 5, 2), "activation": "tanh", "batch_normalization": True},
            {**CONVOLUTIONS, "gated": True},
        ],
        "networks/test_conv.py",
        "conv",
    ),
    "ConvEncoder": Row(
        [
            {**CONVOLUTIONS, "activation": "tanh", "batch_normalization": True},
            {**CONVOLUTIONS, "gated": True},
        ],
        "networks/test_conv.py",
        "conv",
    ),
    "CyclicalSchedule": Row(
        [{"start": 0.1, "end": 2.0, "cycle_steps": 9, "ramp_fraction": 0.7, "num_cycles": 4}],
        check.of_steps(check.cyclical),
    ),
    "Deterministic": Row([LATENT], check.of_a_point, "autoencoder", exported=True),
    "DiagonalGaussian": Row(
        [{**LATENT, "log_var_range": (-6.0, 2.0)}],
        check.of_codes(check.diagonal_gaussian),
        "conv",
        exported=True,
    ),
    "ELBO": Row(
        [
            {"beta": 0.5, "free_bits": 0.1, "num_samples": 2},
            {"beta": kv.schedules.LinearSchedule(0.0, 2.0, steps=5), "kl": "monte_carlo"},
        ],
        check.of_terms(check.elbo),
        "functional",
    ),
    "Embedded": Row(
        [
            lambda: {"layer": keras.layers.Embedding(7, 3), "shape": (), "value_dtype": "int32"},
            lambda: {"layer": keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)]), "shape": (4, 2)},
        ],
        check.of_codes_of_a_layer,
        lambda: {"condition": kv.conditions.Embedded(keras.layers.Embedding(3, 2), (), value_dtype="int32")},
        exported=True,
    ),
    "FullCovarianceGaussian": Row(
        [{**LATENT, "log_var_range": (-6.0, 2.0)}],
        check.of_codes(check.marginals_of_gaussian, check.correlated_gaussian),
        "colour",
        exported=True,
    ),
    "GatedConv2D": Row([GATED_CONVOLUTION], "layers/test_gated.py", "gated"),
    "GatedConv2DTranspose": Row([GATED_CONVOLUTION], "layers/test_gated.py", "gated"),
    "GatedDense": Row([{"units": 3, **GATED}], "layers/test_gated.py", "gated"),
    "Gaussian": Row(
        [
            {**LIKELIHOOD, "scale": 0.3, "minimum_scale": 0.01},
            *(
                {**LIKELIHOOD, "projection": "auto", "scale": scale}
                for scale in ("learned", "optimal", "per_dimension")
            ),
        ],
        check.of_elements(check.gaussian),
        "colour",
        exported=True,
    ),
    "GaussianMixture": Row(
        [{"num_components": 4, "spread": 0.5, "log_var_range": (-6.0, 2.0)}],
        check.of_prior(check.gaussian_mixture),
        "categories",
        exported=True,
    ),
    "HierarchicalVAE": Row(
        [
            lambda: {
                "encoders": [kv.networks.JoinedMLP((3,), (3,)), kv.networks.MLPEncoder((3,))],
                "posteriors": [kv.posteriors.DiagonalGaussian(3), kv.posteriors.DiagonalGaussian(2)],
                "priors": [kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((3,))), kv.priors.StandardNormal()],
                "decoder": kv.networks.JoinedMLP((3,), (3,)),
                "likelihood": kv.likelihoods.Gaussian((4,), scale="optimal"),
                "objective": kv.objectives.ELBO(kv.schedules.LinearSchedule(0.0, 2.0, steps=5)),
                "condition": kv.conditions.Labels(3),
                "missing": True,
                "seed": 5,
            }
        ],
        "models/test_hierarchical_vae.py",
        "hierarchy",
        exported=True,
    ),
    "IWELBO": Row([{"num_samples": 7, "gradient": "dreg"}], check.of_terms(check.iwelbo), "gated"),
    "Image": Row(
        [{"shape": (3, 2, 1)}],
        check.of_codes_as_they_are,
        lambda: {
            "encoder": kv.networks.ConvEncoder((3,)),
            "decoder": kv.networks.ConvDecoder((3,)),
            "likelihood": kv.likelihoods.Bernoulli((5, 4, 1)),
            "condition": kv.conditions.Image((3, 6, 2)),
        },
        exported=True,
    ),
    "JoinedMLP": Row(
        [{**DENSE, "branch_units": (4,), "activation": "tanh", "gated": True}],
        "networks/test_mlp.py",
        "hierarchy",
    ),
    "Labels": Row(
        [{"num_classes": 4, "names": ("a", "b", "c", "d")}],
        check.of_codes_of_labels,
        lambda: {
            "likelihood": kv.likelihoods.Gaussian((4, 3), scale="per_dimension"),
            "prior": kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((5,))),
            "condition": kv.conditions.Labels(3),
        },
        exported=True,
    ),
    "Laplace": Row(
        [{**LATENT, "log_scale_range": (-3.0, 1.0)}],
        check.of_codes(check.laplace),
        lambda: {
            "posterior": kv.posteriors.Laplace(2),
            "likelihood": kv.likelihoods.StudentT((4, 3), scale="learned", degrees_of_freedom="per_dimension"),
            "objective": kv.objectives.ELBO(free_bits=0.01),
        },
        exported=True,
    ),
    "LinearSchedule": Row([{"start": 0.1, "end": 2.0, "steps": 9}], check.of_steps(check.linear)),
    "MLPDecoder": Row([{**DENSE, "activation": "tanh", "gated": True}], "networks/test_mlp.py", "categories"),
    "MLPEncoder": Row([{**DENSE, "activation": "tanh", "gated": True}], "networks/test_mlp.py", "categories"),
    "NormScaledAdam": Row(
        [{"learning_rate": 0.25, "norm_epsilon": 1e-5, "name": "scaled"}], "optimizers/test_norm_scaled_adam.py"
    ),
    "NormScaledMuon": Row(
        [{"learning_rate": 0.25, "norm_epsilon": 1e-5, "name": "scaled", "exclude_layers": ["prior"]}],
        "optimizers/test_norm_scaled_muon.py",
    ),
    "Reconstruction": Row([{}], check.of_terms(check.reconstruction), "autoencoder"),
    "Sampling": Row([{"seed": 5}], "layers/test_sampling.py", "functional"),
    "SemiSupervised": Row(
        [
            lambda: {
                "classifier": keras.layers.Dense(3),
                "objective": kv.objectives.IWELBO(2),
                "classification_weight": 2.0,
                "class_prior": (0.5, 0.25, 0.25),
            }
        ],
        "objectives/test_semi_supervised.py",
        lambda: {
            "condition": kv.conditions.Labels(3),
            "objective": kv.objectives.SemiSupervised(
                keras.Sequential([kv.networks.MLPEncoder((4,)), keras.layers.Dense(3)])
            ),
        },
    ),
    "SigmoidSchedule": Row([{"start": 0.1, "end": 2.0, "midpoint": 5.0, "width": 3.0}], check.of_steps(check.sigmoid)),
    "StandardNormal": Row([{}], check.of_prior(check.standard_normal), "conv", exported=True),
    "StudentT": Row(
        [
            {**LIKELIHOOD, "degrees_of_freedom": 2.5, "scale": 0.3, "minimum_scale": 0.01},
            {**LIKELIHOOD, "projection": "auto", "degrees_of_freedom": "learned", "scale": "per_dimension"},
        ],
        check.of_elements(check.student_t),
        "Laplace",
        exported=True,
    ),
    "VAE": Row(
        [
            lambda: {
                "encoder": kv.networks.MLPEncoder((3,)),
                "posterior": kv.posteriors.DiagonalGaussian(2),
                "decoder": kv.networks.MLPDecoder((3,)),
                "likelihood": kv.likelihoods.Gaussian((4,), scale="optimal"),
                "prior": kv.priors.StandardNormal(),
                "objective": kv.objectives.ELBO(kv.schedules.LinearSchedule(0.0, 2.0, steps=5)),
                "condition": kv.conditions.Labels(3),
                "missing": True,
                "seed": 5,
            }
        ],
        "linear_gaussian.py",
        "conv",
        exported=True,
    ),
    "VampPrior": Row(
        [
            {
                "num_components": 4,
                "learned": False,
                "mean": 0.5,
                "stddev": 0.2,
                "value_range": (-1.0, 1.0),
                "x_shape": (5, 3, 1),
            }
        ],
        check.of_prior(check.vamp_prior),
        "colour",
        exported=True,
    ),
    "Vector": Row(
        [{"size": 3}],
        check.of_codes_as_they_are,
        lambda: {
            "likelihood": kv.likelihoods.Gaussian((4, 3)),
            "prior": kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((5,))),
            "condition": kv.conditions.Vector(2),
        },
        exported=True,
    ),
}

ALL_MODELS = {**MODELS, **{name: row.model for name, row in ROWS.items() if callable(row.model)}}


def model_of(name):
    """Return the name of the model in which a part is used."""
    model = ROWS[name].model
    return name if callable(model) else model


EXPORTED = tuple(
    model for model in ALL_MODELS if any(row.exported and model_of(name) == model for name, row in ROWS.items())
)


def build(model, **changes):
    """Build a model by its name, with some parts changed."""
    parts = ALL_MODELS[model]()
    if "encoders" in parts:
        return kv.HierarchicalVAE(**{"seed": 0, **parts, **changes})
    return kv.VAE(**{"seed": 0, **standard_parts(), **parts, **changes})
