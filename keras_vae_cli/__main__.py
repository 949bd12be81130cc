"""Lets `python -m keras_vae_cli` stand for `keras-vae`."""

import sys

from keras_vae_cli.app import main

sys.exit(main())
