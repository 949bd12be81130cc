"""Registration with Keras, and the nesting of parts in a model's config."""

import logging

import keras

from keras_vae.core.keras_internals import all_layers, own_weights

_logger = logging.getLogger("keras_vae")

FORMAT_VERSION = 2


def register(part):
    """Make a part loadable from a `.keras` file by a process that has only imported the package: a class decorator.

    Parameters
    ----------
    part : type
        The class; files know it as `keras_vae>` and its name.

    Returns
    -------
    type
        The class.

    Raises
    ------
    ValueError
        If another class has the name: Keras would silently replace it by this one.
    """
    known = keras.saving.get_registered_object(f"keras_vae>{part.__name__}")
    if known is not None and (known.__module__, known.__qualname__) != (part.__module__, part.__qualname__):
        raise ValueError(
            f"A class must have a name of its own to be registered; `keras_vae>{part.__name__}` is "
            f"{known.__module__}.{known.__qualname__}. Received: {part.__module__}.{part.__qualname__}"
        )
    return keras.saving.register_keras_serializable(package="keras_vae")(part)


def serialize(part):
    """Turn a part (a layer, a schedule, an objective, …) into a config; numbers and None stay as they are.

    Parameters
    ----------
    part : object
        A registered Keras object, a number or None.

    Returns
    -------
    dict, float or None
    """
    return keras.saving.serialize_keras_object(part)


def deserialize(config, custom_objects=None):
    """Rebuild a part from what `serialize` made; a part that is already built is returned as it is.

    Parameters
    ----------
    config : dict or object
        A config, or the part itself.
    custom_objects : dict, optional
        Names of classes that are not registered.

    Returns
    -------
    object
    """
    if isinstance(config, dict):
        return keras.saving.deserialize_keras_object(config, custom_objects=custom_objects)
    return config


def check_format_version(version):
    """Refuse a file that a later version of the package wrote.

    Parameters
    ----------
    version : int
        The `format_version` in the file.

    Raises
    ------
    ValueError
        If this package does not know the format yet.
    """
    if version > FORMAT_VERSION:
        raise ValueError(
            f"`format_version` must be <= {FORMAT_VERSION} for this version of keras_vae; a later one wrote the file. "
            f"Upgrade keras_vae. Received: format_version={version}"
        )


def check_restorable(model) -> None:
    """Report, before training or saving, what would not load again.

    Parameters
    ----------
    model : keras.Model
        The model.

    Raises
    ------
    ValueError
        If a layer is a `Lambda` of a Python lambda, whose code no safe file can hold, or within two parts, which a file
        tells apart.
    """
    shared = _shared_layer(model)
    if shared is not None:
        raise ValueError(
            "A layer with weights must be in one part of the model alone to be saved: from a file each part gets a "
            "layer of its own, and only one of them its weights. Give each part its own layers, or save the weights "
            f"alone with `save_weights`. Received: the layer {shared.name!r} in two parts"
        )
    lambdas = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.Lambda)]
    for layer in lambdas:
        if getattr(layer.function, "__name__", "") == "<lambda>":
            raise ValueError(
                "The model must have no `Lambda` layer of a Python lambda to be saved: `load_model` runs no code from "
                "a file. Write a layer of your own, registered by `keras.saving.register_keras_serializable()`, or "
                f"save the weights alone with `save_weights`. Received: the layer {layer.name!r}"
            )
    parts = [type(layer) for layer in all_layers(model)] + [type(model.objective)]
    unknown = sorted(
        {
            part.__name__
            for part in [*parts, *(layer.function for layer in lambdas)]
            if part.__module__.split(".")[0] not in ("keras", "keras_vae")
            and keras.saving.get_registered_name(part) == part.__name__
        }
    )
    if unknown:
        _logger.warning(
            "The file will load with `custom_objects` alone, since these are not registered: %s. Register them with "
            "the decorator `keras.saving.register_keras_serializable()`.",
            ", ".join(unknown),
        )


def _shared_layer(model):
    """Return a layer with weights that is within two parts of a model, or None."""
    owners = {}
    for part in model.layers:
        for layer in all_layers(part):
            if any(own_weights(layer)) and owners.setdefault(id(layer), part) is not part:
                return layer
    return None
