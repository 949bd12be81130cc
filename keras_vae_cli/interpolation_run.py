"""The images of a path through the latent space."""

import keras_vae as kv
from keras_vae_cli.image_sources import load_images, load_rows
from keras_vae_cli.observations import grey_values, observations
from keras_vae_cli.outputs import write_outputs

_NUM_STEPS, _NUM_FRAMES = 10, 24


def ends(vae, start, end, dataset, split):
    """Load the two images.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        The model.
    start, end : str
        Files, or numbers within the data set.
    dataset : str or None
        The name of a data set, or a folder.
    split : {"train", "test"}
        Which part of a data set with a name.

    Returns
    -------
    numpy.ndarray
        Shape (2, *x_shape), as the model takes them.

    Raises
    ------
    ValueError
        If there is no image of this number, or a file is broken.
    """
    if dataset is None:
        images = load_images([start, end], vae.event_shape)
    else:
        images = load_rows(dataset, [int(start), int(end)], vae.event_shape, split=split)
    return observations(vae.likelihood, images)[0]


def write_interpolation(outputs, vae, pair, *, num_steps, method):
    """Write the path between two images in each way asked for.

    Parameters
    ----------
    outputs : sequence of pathlib.Path
        Names that were checked.
    vae : keras_vae.models.LatentVariableModel
        The model.
    pair : numpy.ndarray
        Shape (2, *x_shape).
    num_steps : int or None
        Images on the way.
    method : {"linear", "spherical"}
        The path.
    """
    steps = num_steps or _NUM_STEPS
    for output in outputs:
        if output.suffix.lower() == ".gif":
            kv.plots.interpolation_gif(vae, *pair, output, num_steps=num_steps or _NUM_FRAMES, method=method)
            continue
        write_outputs(
            [output],
            _decoded(vae, pair, steps, method),
            picture=lambda: kv.plots.interpolation(vae, *pair, num_steps=steps, method=method),
        )


def _decoded(vae, pair, num_steps, method):
    codes = vae.encode(pair)
    if not isinstance(codes, tuple):
        path = kv.latents.interpolate(*codes, num_steps=num_steps, method=method)
    else:
        path = tuple(kv.latents.interpolate(*level, num_steps=num_steps, method=method) for level in codes)
    return grey_values(vae.likelihood, vae.decode(path))
