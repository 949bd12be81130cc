"""What a training run is made from: each field is an option of `keras-vae train` and a key of its config file."""

import dataclasses
import math
from typing import Annotated, Literal

import typer

from keras_vae_cli.arguments import did_you_mean
from keras_vae_cli.command import flag_of

SCALE_MODES = ("learned", "optimal", "per_dimension")
_DATA, _MODEL, _OBJECTIVE, _TRAINING = "Data", "Model", "Objective", "Training"


# Those that Keras has had since 3.10, and takes by name.
ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish"),
    *("hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid"),
    *("silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax"),
    *("squareplus", "swish", "tanh", "tanh_shrink", "threshold"),
)


def shown(value):
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _finite(value):
    """Refuse infinity and NaN."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


def _positive(value):
    """Refuse what is not a finite number above 0."""
    if _finite(value) is not None and value <= 0:
        raise typer.BadParameter(f"{value:g} is not > 0.")
    return value


def _share(value):
    """Refuse what is not between 0 and 1."""
    if _positive(value) is not None and value >= 1:
        raise typer.BadParameter(f"{value:g} is not < 1.")
    return value


def _one_or_three(value):
    """Refuse numbers of channels that images do not have."""
    if value not in (None, 1, 3):
        raise typer.BadParameter(f"{value} is neither 1 nor 3.")
    return value


def _activation(name):
    """Refuse what Keras does not know."""
    if name not in ACTIVATIONS:
        raise typer.BadParameter(f"{name!r} is not one of Keras's activations.{did_you_mean(name, ACTIVATIONS)}")
    return name


def _integers(text):
    """Read whole numbers above 0, with commas between them."""
    words = text.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise typer.BadParameter(f"{text!r} is not whole numbers above 0 with commas between them, such as 32,64.")
    return tuple(map(int, words))


def _scale_or_mode(text):
    """Read a standard deviation, or how it is found."""
    if text is None or text in SCALE_MODES:
        return text
    try:
        return _positive(float(text))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is neither a number nor one of {', '.join(SCALE_MODES)}.") from error


def _read_start_from(context: typer.Context, model: str | None):
    """Take the options under Model from the run that is started from, where it has a config."""
    if model is not None:
        from keras_vae_cli.config_file import read_model_words  # which needs this module

        context.default_map = read_model_words(model) | (context.default_map or {})
    return model


_COUNT = {"min": 1, "metavar": "<int>"}
_SIZE = {"min": 0.0, "callback": _finite, "metavar": "<float>"}
_LIST = {"parser": _integers, "metavar": "<int,…>"}


def _option(help, *, panel, flag=None, **how):
    return typer.Option(*[flag] * bool(flag), help=help, rich_help_panel=panel, **how)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of `keras-vae train` that make the result; None stands for a default that depends on others.

    Each field's annotation holds its words for `--help`. `keras_vae_cli.resolution.resolved` puts a value in the place
    of each None that has a meaning.
    """

    dataset: Annotated[
        str,
        typer.Argument(
            help="fashion_mnist, mnist, cifar10, digits or cartoon_faces; or a folder of images, such as photos/. Data "
            "sets are looked for in the directory named by the environment variable KERAS_VAE_DATA, then where the "
            "system or Keras keeps them. Folders within the folder, or its table labels.csv with the columns file and "
            "label, give the images' classes.",
            metavar="DATASET",
            show_default=False,
        ),
    ]
    image_size: Annotated[
        tuple | None,
        _option(
            "Size of a folder's images, which are cropped at their centre and resized, or of cartoon_faces: the side "
            "of a square, or height,width.",
            panel=_DATA,
            show_default="64",
            **_LIST,
        ),
    ] = None
    channels: Annotated[
        int | None,
        _option(
            "Channels of a folder's images: 1 for grey, 3 for colour.",
            panel=_DATA,
            metavar="<int>",
            show_default="3",
            callback=_one_or_three,
        ),
    ] = None
    holdout: Annotated[
        float | None,
        _option(
            "Share of a folder's images that is held out for testing, chosen by their names.",
            panel=_DATA,
            show_default="0.1",
            callback=_share,
        ),
    ] = None
    broken_files: Annotated[
        Literal["refuse", "skip"] | None,
        _option(
            "What happens when a folder's image cannot be read: the run ends, or goes without it and says so.",
            panel=_DATA,
            show_default="refuse",
        ),
    ] = None
    max_pixels: Annotated[
        int | None,
        _option(
            "The most pixels that a folder's image file may have; decoding takes up to 12 bytes for each.",
            panel=_DATA,
            show_default="67,108,864, a square of 8192",
            **_COUNT,
        ),
    ] = None
    limit: Annotated[
        int | None,
        _option(
            "Train on the first images only, at most this many. Cartoon faces have no end; the default is 1000.",
            panel=_DATA,
            show_default=False,
            **_COUNT,
        ),
    ] = None
    binarize: Annotated[
        Literal["dynamic", "fixed", "none"] | None,
        _option(
            metavar="<name>",
            help="dynamic: each pixel becomes 0 or 1 afresh in each epoch, the test images once; fixed: once; none: "
            "grey values, with which a Bernoulli's loss is a cross-entropy and no density.",
            panel=_DATA,
            show_default="dynamic for bernoulli, none for others and for folders",
        ),
    ] = None

    latent_dim: Annotated[int, _option("Dimensions of the latent space.", panel=_MODEL, **_COUNT)] = 16
    architecture: Annotated[Literal["conv", "mlp"], _option("Strided convolutions, or dense layers.", panel=_MODEL)] = (
        "conv"
    )
    filters: Annotated[
        tuple | None,
        _option(
            "conv: channels of the encoder's convolutions; the decoder has them backwards.",
            panel=_MODEL,
            **_LIST,
            show_default="32,64",
        ),
    ] = None
    units: Annotated[
        tuple | None,
        _option(
            "mlp: widths of the encoder's layers; the decoder has them backwards.",
            panel=_MODEL,
            **_LIST,
            show_default="500,500",
        ),
    ] = None
    activation: Annotated[
        str, _option("Any activation of Keras, such as relu or tanh.", panel=_MODEL, callback=_activation)
    ] = "relu"
    batch_normalization: Annotated[
        bool, _option("conv: normalise after each convolution.", panel=_MODEL, flag="--batch-normalization")
    ] = False
    likelihood: Annotated[
        Literal["bernoulli", "continuous_bernoulli", "gaussian", "categorical"],
        _option(
            "p(x|z) of a pixel: bernoulli, for 0 or 1; continuous_bernoulli or gaussian, for grey from 0 to 1; or "
            "categorical, for one of some levels.",
            panel=_MODEL,
            metavar="<name>",
        ),
    ] = "bernoulli"
    scale: Annotated[
        str | None,  # a float where it is a number
        _option(
            "gaussian: its standard deviation, a number; or learned, one weight; optimal, from the squared error; or "
            "per_dimension, given by the decoder.",
            panel=_MODEL,
            callback=_scale_or_mode,
            metavar="<scale>",
            show_default="optimal",
        ),
    ] = None
    num_categories: Annotated[
        int | None,
        _option(
            "categorical: levels that the 256 grey values are rounded to.",
            panel=_MODEL,
            show_default="256",
            metavar="<int>",
            min=2,
            max=256,
        ),
    ] = None
    prior: Annotated[
        Literal["standard_normal", "gaussian_mixture", "vamp"],
        _option(
            "p(z): standard_normal; or learned, gaussian_mixture or vamp (the mixture of posteriors of pseudo-inputs).",
            panel=_MODEL,
            metavar="<name>",
        ),
    ] = "standard_normal"
    num_components: Annotated[
        int | None,
        _option(
            "gaussian_mixture, vamp: components of the prior.",
            panel=_MODEL,
            show_default="10 for gaussian_mixture, 500 for vamp",
            **_COUNT,
        ),
    ] = None

    condition: Annotated[
        Literal["none", "labels"],
        _option("labels: the model is given each image's class, and generates by class.", panel=_MODEL),
    ] = "none"

    objective: Annotated[
        Literal["elbo", "iwelbo"], _option("The bound, or the importance-weighted bound.", panel=_OBJECTIVE)
    ] = "elbo"
    num_samples: Annotated[
        int | None,
        _option(
            "Samples of z for each image and step.",
            panel=_OBJECTIVE,
            show_default="1 for elbo, 50 for iwelbo",
            **_COUNT,
        ),
    ] = None
    beta: Annotated[float, _option("Weight of the KL term; 1 is the ELBO.", panel=_OBJECTIVE, **_SIZE)] = 1.0
    beta_schedule: Annotated[
        Literal["constant", "linear", "cyclical", "sigmoid"],
        _option(
            "How beta gets from --beta-start to --beta: constant, not at all; linear, in a line; cyclical, in a line "
            "for half of each cycle; sigmoid, along a logistic curve.",
            panel=_OBJECTIVE,
            metavar="<name>",
        ),
    ] = "constant"
    beta_epochs: Annotated[
        float | None,
        _option(
            "How long the line, a cycle, or the way to the curve's middle takes.",
            panel=_OBJECTIVE,
            show_default=False,
            callback=_positive,
        ),
    ] = None
    beta_steps: Annotated[
        int | None, _option("The same in training steps.", panel=_OBJECTIVE, show_default=False, **_COUNT)
    ] = None
    beta_start: Annotated[
        float | None,
        _option("Where a schedule begins.", panel=_OBJECTIVE, show_default="0", **_SIZE),
    ] = None
    free_bits: Annotated[
        float,
        _option(
            "Nats of KL that each latent dimension may keep: below, it is not pushed down.",
            panel=_OBJECTIVE,
            **_SIZE,
        ),
    ] = 0.0
    kl: Annotated[
        Literal["closed_form", "monte_carlo"] | None,
        _option(
            "elbo: the KL term exactly, closed_form, or from the samples, monte_carlo.",
            panel=_OBJECTIVE,
            metavar="<name>",
            show_default="closed_form for standard_normal, which alone has one",
        ),
    ] = None
    gradient: Annotated[
        Literal["plain", "dreg"] | None,
        _option(
            "iwelbo: the bound's own gradient, or the encoder's doubly reparameterized one.",
            panel=_OBJECTIVE,
            show_default="plain",
        ),
    ] = None

    epochs: Annotated[int, _option("Passes over the training images.", panel=_TRAINING, **_COUNT)] = 20
    batch_size: Annotated[
        int | None,
        _option(
            "Images in a step.",
            panel=_TRAINING,
            show_default="128; of fewer than 1280 images a tenth, but at least 8",
            **_COUNT,
        ),
    ] = None
    patience: Annotated[
        int | None,
        _option(
            "End the training when the test elbo has not risen for this many epochs.",
            panel=_TRAINING,
            show_default="train all --epochs",
            **_COUNT,
        ),
    ] = None
    keep: Annotated[
        Literal["last", "best"],
        _option("Which epoch's model is kept: the last one, or that of the best test elbo.", panel=_TRAINING),
    ] = "last"
    start_from: Annotated[
        str | None,
        _option(
            "Begin with the weights of this model: the directory of a run, or the name of a pretrained model. Its "
            "options under Model are then the defaults.",
            panel=_TRAINING,
            metavar="MODEL",
            show_default="random weights",
            is_eager=True,
            callback=_read_start_from,
        ),
    ] = None
    learning_rate: Annotated[float, _option("Adam's learning rate.", panel=_TRAINING, callback=_positive)] = 1e-3
    precision: Annotated[
        Literal["float32", "mixed_bfloat16", "mixed_float16"],
        _option(
            "Precision of the networks' arithmetic. mixed_…: half precision, with weights, statistics and losses in "
            "float32; bfloat16 for TPUs, new GPUs and some CPUs, float16 for GPUs.",
            panel=_TRAINING,
            metavar="<name>",
        ),
    ] = "float32"
    seed: Annotated[
        int, _option("Seed of all that is random.", panel=_TRAINING, min=0, max=2**31 - 1, metavar="<int>")
    ] = 0

    def differences(self, other):
        """Name the settings in which another run differs, the number of epochs and the patience apart."""
        return [
            f"{flag_of(field.name)} {shown(mine)} and not {shown(theirs)}"
            for field in dataclasses.fields(self)
            if field.name not in ("epochs", "patience")
            and (mine := getattr(self, field.name)) != (theirs := getattr(other, field.name))
        ]


def model_fields():
    """Return the names of the settings that make the model, and with the data its shape."""
    return [
        field.name
        for field in dataclasses.fields(Settings)
        if field.type.__metadata__[0].rich_help_panel == _MODEL or field.name in ("image_size", "channels")
    ]
