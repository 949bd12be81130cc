"""Keeps pipelines' counts of epochs equal to Keras's."""

import keras


class EpochCounter(keras.callbacks.Callback):
    """Set the `epoch` of pipelines at the start of each epoch, so that order and binarization depend on it alone.

    Without it, a resumed run would begin again with the order of epoch 0.

    Parameters
    ----------
    epochs : sequence of tf.Variable
        The counters of data sets that `keras_vae.data.pipeline` made, for training and for validation.
    """

    def __init__(self, epochs):
        super().__init__()
        self.epochs = tuple(epochs)

    def on_epoch_begin(self, epoch, logs=None):
        """Set the counters."""
        for counter in self.epochs:
            counter.assign(epoch)
