"""The record."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Batch, Inference, Latent


def test_a_record_has_room_for_what_only_some_models_have():
    record = Inference(Batch(0), {}, likelihood=1, log_likelihood=2, latents=(Latent(z=1, posterior=2, prior=3),))
    assert (record.batch.condition, record.batch.mask, record.batch.sample_weight, record.auxiliary) == (
        *[None] * 3,
        {},
    )
    assert record.latents[0].z == 1


def test_a_record_may_leave_a_compiled_function():
    @tf.function
    def infer(x):
        normal = tfp.distributions.Normal(x, 1.0)
        latents = (Latent(z=x, posterior=normal, prior=normal),)
        return Inference(Batch(x), {}, normal, normal.log_prob(x), latents)

    record = infer(tf.constant([1.0, 2.0]))
    assert type(record) is Inference
    assert type(record.latents[0]) is Latent
    assert record.likelihood.mean().numpy().tolist() == [1.0, 2.0]
