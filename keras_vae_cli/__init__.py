"""The command `keras-vae`.

It lies beside the package and not within it: `import keras_vae` starts TensorFlow, which takes seconds, and `--help`, a
mistyped option or a shell's completion must not wait for that.
"""

from keras_vae_cli.app import main

__all__ = ["main"]
