"""Loading what MODEL stands for."""

import keras_vae as kv
from keras_vae_cli.model_argument import MODEL_FILE, locate


def path_of(model):
    """Find the file of a model.

    Parameters
    ----------
    model : str
        A file, a run's directory, or the name of a pretrained model.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileNotFoundError
        If there is no pretrained model of this name.
    """
    return locate(model) or kv.pretrained.find(model) / MODEL_FILE


def load_model(model):
    """Load a model.

    Parameters
    ----------
    model : str
        A file, a run's directory, or the name of a pretrained model.

    Returns
    -------
    keras_vae.models.LatentVariableModel
        Not compiled.

    Raises
    ------
    TypeError
        If the file holds another model.
    ValueError
        If the file is no model.
    FileNotFoundError
        If there is no pretrained model of this name.
    """
    return kv.load_model(path_of(model), compile=False)
