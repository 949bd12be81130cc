"""A model that chooses how its steps are run, when it knows what it will train on."""

import contextlib
import logging

import keras

from keras_vae.models.execution import choose_execution, follow_batches

_logger = logging.getLogger("keras_vae")


class ChosenExecution(keras.Model):
    """Remembers what `compile` was asked for, and has the rest chosen by `choose_execution`.

    Parameters
    ----------
    **kwargs
        Passed to `keras.Model`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._wanted = {}

    def get_compile_config(self):
        """Return what `compile` was given, so that a loaded model chooses anew on the device that it finds."""
        config = super().get_compile_config()
        return config and {**config, **self._wanted}

    def make_test_function(self, force=False):
        """Make what evaluates batches; without XLA, unless it was asked for."""
        with self._without_chosen_xla():
            super().make_test_function(force)

    def make_predict_function(self, force=False):
        """Make what predicts batches; without XLA, unless it was asked for."""
        with self._without_chosen_xla():
            super().make_predict_function(force)

    def _settle(self, run):
        """Choose how the steps of a run are run, and say so."""
        execution = choose_execution(self, run, **self._wanted)
        self._run_by(execution.jit_compile, execution.steps_per_execution)
        if "auto" in self._wanted.values():
            _logger.info("Training steps run %s", execution)

    def _settle_for_evaluation(self, limit, callbacks):
        """Take single steps where several were chosen that would go beyond a limit, or that a callback would miss."""
        if self._wanted.get("steps_per_execution") != "auto":
            return
        if (limit or 0) % self.steps_per_execution or follow_batches(callbacks):
            self._run_by(self.jit_compile, 1)

    def _run_by(self, jit_compile, steps_per_execution):
        if (jit_compile, steps_per_execution) != (self.jit_compile, self.steps_per_execution):
            self.jit_compile, self.steps_per_execution = jit_compile, steps_per_execution
            self.train_function = self.test_function = self.predict_function = None

    @contextlib.contextmanager
    def _without_chosen_xla(self):
        """Keep XLA, whose noise is another one, out of what must not depend on a choice."""
        chosen = self.jit_compile
        self.jit_compile = chosen and self._wanted.get("jit_compile") != "auto"
        try:
            yield
        finally:
            self.jit_compile = chosen
