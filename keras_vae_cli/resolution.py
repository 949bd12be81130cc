"""Settings that depend on others: their defaults, and what contradicts itself."""

import dataclasses

from keras_vae_cli.arguments import check_dataset, is_folder, locate, pretrained_models
from keras_vae_cli.command import Mistake, flag_of
from keras_vae_cli.options import MAX_PIXELS
from keras_vae_cli.settings import shown


def resolved(settings):
    """Put a value in the place of each None that has a meaning."""
    settings = dataclasses.replace(settings, dataset=check_dataset(settings.dataset))
    if settings.start_from is not None and settings.start_from not in pretrained_models():
        # So that it is found from everywhere.
        settings = dataclasses.replace(settings, start_from=str(locate(settings.start_from).resolve()))
    from_folder, is_binary = is_folder(settings.dataset), settings.likelihood == "bernoulli"
    has_mixture, is_elbo = settings.prior != "standard_normal", settings.objective == "elbo"
    is_scheduled = settings.beta_schedule != "constant"
    # Where each of them has a meaning, in words and as a truth value, and its default there.
    rules = {
        "image_size": (
            "a folder or cartoon_faces",
            from_folder or settings.dataset == "cartoon_faces",
            (64,),
        ),
        "channels": ("a folder", from_folder, 3),
        "holdout": ("a folder", from_folder, 0.1),
        "broken_files": ("a folder", from_folder, "refuse"),
        "max_pixels": ("a folder", from_folder, MAX_PIXELS),
        "limit": ("a data set with a name", not from_folder, None),
        "binarize": ("--likelihood bernoulli and a data set with a name", is_binary and not from_folder, "dynamic"),
        "filters": ("--architecture conv", settings.architecture == "conv", (32, 64)),
        "units": ("--architecture mlp", settings.architecture == "mlp", (500, 500)),
        "scale": ("--likelihood gaussian", settings.likelihood == "gaussian", "optimal"),
        "num_categories": ("--likelihood categorical", settings.likelihood == "categorical", 256),
        "num_components": (
            "--prior gaussian_mixture or vamp",
            has_mixture,
            500 if settings.prior == "vamp" else 10,
        ),
        "num_samples": ("an objective", True, 1 if is_elbo else 50),
        "kl": ("--objective elbo", is_elbo, "monte_carlo" if has_mixture else "closed_form"),
        "gradient": ("--objective iwelbo", not is_elbo, "plain"),
        "beta_start": ("a --beta-schedule", is_scheduled, 0.0),
        "beta_epochs": ("a --beta-schedule", is_scheduled, None),
        "beta_steps": ("a --beta-schedule", is_scheduled, None),
    }
    values = {name: _value(settings, name, *rule) for name, rule in rules.items()}
    settings = dataclasses.replace(settings, **values)
    _check_combinations(settings, has_mixture, is_elbo, is_scheduled)
    return settings


def _value(settings, name, where, applies, default):
    value = getattr(settings, name)
    if applies:
        return default if value is None else value
    neutral = "none" if name == "binarize" else None
    if value not in (None, neutral):
        raise Mistake(f"`{flag_of(name)}` must be left out except for {where}. Received: {shown(value)}")
    return neutral


def _check_combinations(settings, has_mixture, is_elbo, is_scheduled):
    if len(settings.image_size or ()) > 2:
        raise Mistake(f"`--image-size` must be a side, or height,width. Received: {shown(settings.image_size)}")
    if settings.dataset == "cartoon_faces" and len(set(settings.image_size)) > 1:
        raise Mistake(f"`--image-size` must be a square's for cartoon_faces. Received: {shown(settings.image_size)}")
    if settings.condition != "none" and settings.prior == "vamp":
        raise Mistake("`--prior` vamp must be left out with --condition: its pseudo-inputs have no class.")
    if settings.batch_normalization and settings.architecture != "conv":
        raise Mistake("`--batch-normalization` must be left out except for --architecture conv.")
    if not is_elbo and (settings.beta != 1 or is_scheduled or settings.free_bits):
        raise Mistake("`--beta`, `--beta-schedule` and `--free-bits` must be left out with --objective iwelbo.")
    if is_scheduled and (settings.beta_epochs is None) == (settings.beta_steps is None):
        received = "neither" if settings.beta_epochs is None else "both"
        raise Mistake(
            f"`--beta-schedule` {settings.beta_schedule} must come with one of --beta-epochs and --beta-steps. "
            f"Received: {received}"
        )
    if has_mixture and settings.kl == "closed_form":
        raise Mistake(
            f"`--kl` must be monte_carlo for --prior {settings.prior}: there is no closed form. Received: closed_form"
        )
    if settings.free_bits and settings.kl == "monte_carlo":
        raise Mistake(
            "`--free-bits` must be left out with --kl monte_carlo: it needs the KL of each dimension. "
            f"Received: {settings.free_bits:g}"
        )
