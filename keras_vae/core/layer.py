"""Keras's layer as a type checker must see it."""

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:

    class Layer:
        """Keras has no types: a class derived from its layer would be `Any`, and a prior would pass for a posterior."""

        def __init__(self, **kwargs: Any) -> None: ...
        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
        def __getattr__(self, name: str) -> Any: ...
        def build(self, *args: Any, **kwargs: Any) -> None: ...
        def get_config(self) -> dict[str, Any]: ...
        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any: ...

else:
    Layer = keras.layers.Layer
