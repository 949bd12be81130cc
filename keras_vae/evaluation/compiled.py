"""Functions compiled once for each model."""

import weakref

import tensorflow as tf

_FUNCTIONS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def compiled(vae, make, *key, signature=None):
    """Return a compiled function of a model, the same one in each call with the same key.

    Without XLA: on the CPU, where it runs on one core, it took twice the time.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        The model. Its functions go when it goes.
    make : callable
        From the model, or what stands for it, to a function of tensors.
    *key : hashable
        What the function depends on beside the model.
    signature : sequence of tf.TensorSpec, optional
        What the function takes; sizes that vary are None.

    Returns
    -------
    callable
    """
    functions = _FUNCTIONS.setdefault(vae, {})
    arguments, key = key, (make, *key, str(signature))
    if key not in functions:
        # A function that held the model would keep it in memory for ever.
        functions[key] = tf.function(make(weakref.proxy(vae), *arguments), input_signature=signature)
    return functions[key]
