"""Training that starts over: the state of a model before its first step, put back without another trace."""


class Again:
    """A compiled model that begins anew at each call, as a model that was just made would.

    Noise is a function of the seed, the epoch and the step, so that the same data give the same training.
    """

    def __init__(self, model):
        model.ensure_built()
        model.optimizer.build(model.trainable_variables)
        self.model = model
        self._state = [(variable, variable.numpy()) for variable in [*model.variables, *model.optimizer.variables]]

    def __call__(self):
        for variable, value in self._state:
            variable.assign(value)
        self.model.reset_metrics()
        return self.model
