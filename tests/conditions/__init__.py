"""Tests of `keras_vae.conditions`."""
