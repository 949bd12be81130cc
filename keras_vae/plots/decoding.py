"""Pictures that a model makes of latent codes."""

import numpy as np

from keras_vae.core import check_instance
from keras_vae.models import LatentVariableModel
from keras_vae.plots.pictures import as_pictures


def check_image_model(vae):
    """Check that a model is one of this package, and that its observations are images."""
    check_instance("vae", vae, LatentVariableModel, "a model of `keras_vae`")
    shape = tuple(vae.event_shape)
    if vae.likelihood.x_shape != shape or len(shape) not in (2, 3) or (*shape, 1)[2] not in (1, 3):
        raise ValueError(
            "`vae` must be a model of images, with an event_shape (height, width), (height, width, 1) or "
            f"(height, width, 3). Received: observations of shape {vae.likelihood.x_shape}"
        )
    return vae


def pictures_of(vae, images):
    """Bring images, as a model takes and makes them, to colour values."""
    return as_pictures("images", images, vae.likelihood.support or (0.0, 1.0))


def decoded_pictures(vae, codes):
    """Decode codes, an array of shape (n, latent_dim) for each level, to colour values."""
    return pictures_of(vae, vae.decode(vae.of_levels(codes)))


def check_ends(vae, start, end):
    """Return the codes of start and end, a tuple of levels each, and the images that were given, or None."""
    found = [_codes_and_images(vae, name, value) for name, value in (("start", start), ("end", end))]
    numbers = [len(codes[0]) for codes, _ in found]
    if numbers[0] != numbers[1]:
        raise ValueError(
            f"`start` and `end` must be as many, a pair for each row. Received: {numbers[0]} and {numbers[1]}"
        )
    return tuple(zip(*found, strict=True))


def _codes_and_images(vae, name, value):
    shape, shapes = tuple(vae.event_shape), vae.latent_shapes
    several = len(shapes) > 1 and isinstance(value, (tuple, list))
    parts = [np.asarray(part) for part in (value if several else [value])]
    # An image wins where both fit: (28, 28) may also be 28 codes of 28 dimensions.
    if len(parts) == 1 and parts[0].shape in (shape, (*parts[0].shape[:1], *shape)):
        images = parts[0].reshape(-1, *shape)
        return vae.as_levels(vae.encode(images)), images
    codes = [part[None] if part.ndim == 1 else part for part in parts]
    if [code.shape for code in codes] != [(len(codes[0]), *one) for one in shapes] or not len(codes[0]):
        wanted = " and ".join(f"(n, {', '.join(map(str, one))})" for one in shapes)
        raise ValueError(
            f"`{name}` must be images of shape {shape} or (n, {', '.join(map(str, shape))}), or codes of shape "
            f"{wanted}{', one array for each level' if len(shapes) > 1 else ''}. "
            f"Received: {' and '.join(str(part.shape) for part in parts)}"
        )
    return tuple(codes), None
