"""Arguments that are fixed once an object is made."""

import functools
import inspect

import numpy as np


class Settled:
    """Refuses another value for an argument of the constructor: what training has traced would not see it.

    An argument in `_filled_in` that is None at first is filled in once, by the model around.
    """

    _filled_in: tuple[str, ...] = ()

    _also_settled: tuple[str, ...] = ()  # fixed attributes that are not arguments

    _settled_remedy = "Make a new one and a model with it; the parts that both models share keep their weights."

    def __setattr__(self, name, value):
        if name in _arguments(type(self)):
            old = vars(self).get(name, value)
            is_open = old is None and name in self._filled_in
            if not is_open and old is not value and not np.array_equal(old, value):
                raise AttributeError(
                    f"`{name}` must be given to the constructor of `{type(self).__name__}`: training keeps the value "
                    f"that it has traced. {self._settled_remedy} "
                    f"Received: {name}={_shown(value)} in place of {_shown(old)}"
                )
        super().__setattr__(name, value)


def _shown(value):
    return repr(value) if isinstance(value, (bool, int, float, str, tuple)) else f"{type(value).__name__}(...)"


@functools.cache
def _arguments(owner):
    """Return the names of the constructor's own arguments, in this class and the settled classes above it."""
    names = set()
    for parent in owner.__mro__:
        if issubclass(parent, Settled) and "__init__" in vars(parent):
            parameters = list(inspect.signature(parent.__init__).parameters.values())[1:]
            names |= {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    return frozenset((names | set(owner._also_settled)) - {"name", "dtype", "trainable"})
