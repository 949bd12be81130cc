"""Where a training looks whether a signal has come."""

import keras

from keras_vae_cli.interruption import heed


class HeedSignals(keras.callbacks.Callback):
    """Heeds signals after each execution of steps, in validation too."""

    takes_executions = True  # of several steps at a time

    def on_train_batch_end(self, batch, logs=None):
        heed()

    def on_test_batch_end(self, batch, logs=None):
        heed()

    def on_predict_batch_end(self, batch, logs=None):
        heed()

    def on_epoch_end(self, epoch, logs=None):
        heed()
