"""Keeps a pipeline's count of epochs equal to Keras's."""

import keras


class EpochCounter(keras.callbacks.Callback):
    """Set a pipeline's `epoch` at the start of each epoch, so that order and binarization depend on it alone.

    Without it, a resumed run would begin again with the order of epoch 0.

    Parameters
    ----------
    epoch : tf.Variable
        The counter of a data set that `keras_vae.data.pipeline` made.
    """

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        """Set the counter."""
        self.epoch.assign(epoch)
