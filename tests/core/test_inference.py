"""The record."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Inference, Latent


def test_a_record_has_room_for_what_only_some_models_have():
    record = Inference(x=0, likelihood=1, latents=(Latent(z=1, posterior=2, prior=3),))
    assert (record.condition, record.sample_weight, record.auxiliary) == (None, None, {})
    assert record.latents[0].z == 1


def test_a_record_may_leave_a_compiled_function():
    @tf.function
    def infer(x):
        normal = tfp.distributions.Normal(x, 1.0)
        return Inference(x=x, likelihood=normal, latents=(Latent(z=x, posterior=normal, prior=normal),))

    record = infer(tf.constant([1.0, 2.0]))
    assert type(record) is Inference
    assert type(record.latents[0]) is Latent
    assert record.likelihood.mean().numpy().tolist() == [1.0, 2.0]
