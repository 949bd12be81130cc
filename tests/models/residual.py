"""A trunk as users write them: a subclassed model without `build` and without `compute_output_shape`."""

import keras


@keras.saving.register_keras_serializable("my_trunks")
class Residual(keras.Model):
    """Two dense layers, one around the other."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first = keras.layers.Dense(units, activation="silu")
        self.second = keras.layers.Dense(units)

    def call(self, x):
        hidden = self.first(x)
        return hidden + self.second(hidden)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
