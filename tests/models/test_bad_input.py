"""What is refused, when, and with which words: before any training starts and before any file is touched."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, compiled, small_vae

X = binary(8)


def with_value(value):
    x = X.copy()
    x[5, 2] = value
    return x


BAD_ARRAYS = {
    "rank": (X[0], r"`x` must have shape \(batch, 6\) .*Add the batch axis.*Received: shape \(6,\)"),
    "size": (X[:, :5], r"`x` must have shape \(batch, 6\) for the likelihood Bernoulli. Received: shape \(8, 5\)"),
    "uint8": ((X * 255).astype("uint8"), r"must be in \[0, 1\] .*Divide 8-bit images by 255.* Received: uint8 values"),
    "range": (with_value(1.5), r"must be in \[0, 1\] for the likelihood Bernoulli.* values from 0 to 1.5"),
    "nan": (with_value(np.nan), r"`x` must be finite. Received: NaN or infinity, first in example 5"),
    "infinity": (with_value(-np.inf), r"`x` must be finite. Received: NaN or infinity, first in example 5"),
    "empty": (X[:0], r"`x` must hold at least one example. Received: an empty array of shape \(0, 6\)"),
    "strings": (X.astype(str), r"`x` must be numeric .* Received: dtype <U"),
}


@pytest.mark.parametrize("verb", ["fit", "evaluate", "predict", "encode", "reconstruct"])
@pytest.mark.parametrize("kind", BAD_ARRAYS)
def test_bad_arrays_are_refused_by_every_verb(kind, verb):
    x, message = BAD_ARRAYS[kind]
    vae = small_vae()
    vae.compile("adam")
    with pytest.raises(ValueError, match=message):
        getattr(vae, verb)(x)
    assert vae.optimizer.iterations.numpy() == 0


@pytest.mark.parametrize(("value", "received"), [(-1.0, "from -1 to 1"), (np.nan, "from nan to nan")])
def test_bad_sample_weights_are_refused_before_the_first_step(value, received):
    vae = small_vae()
    vae.compile("adam")
    weight = np.r_[value, np.ones(7)]
    with pytest.raises(ValueError, match=f"`sample_weight` must be finite and >= 0. Received: values {received}"):
        vae.fit(X, sample_weight=weight, verbose=0)
    assert vae.optimizer.iterations.numpy() == 0


def test_bad_validation_data_are_refused_before_the_first_step():
    vae = small_vae()
    vae.compile("adam")
    with pytest.raises(ValueError, match="Received: NaN or infinity"):
        vae.fit(X, validation_data=with_value(np.nan), verbose=0)
    assert vae.optimizer.iterations.numpy() == 0


STREAMS = {
    "dataset": (lambda x: tf.data.Dataset.from_tensor_slices(x).batch(4), tf.errors.InvalidArgumentError),
    "dataset_xy": (lambda x: tf.data.Dataset.from_tensor_slices((x, x)).batch(4), tf.errors.InvalidArgumentError),
    "generator": (lambda x: ((x[i : i + 4],) for i in (0, 4)), ValueError),
}


# XLA drops assertions; that ours are outside of it is shown by one kind of stream.
@pytest.mark.parametrize(
    ("kind", "jit_compile"),
    [*((kind, False) for kind in STREAMS), pytest.param("dataset", True, marks=pytest.mark.soak)],
)
@pytest.mark.parametrize(("value", "message"), [(np.nan, "must be finite"), (2.0, r"must be in \[0, 1\]")])
def test_bad_values_of_a_stream_are_refused_as_they_are_read(kind, value, message, jit_compile):
    make, error = STREAMS[kind]
    if np.isnan(value) and kind != "generator":
        error = kv.models.DivergenceError  # named with its step, as other NaN is
    vae = compiled()
    if jit_compile:
        vae = small_vae()
        vae.compile("adam", jit_compile=True)
    with pytest.raises(error, match=message):
        vae.fit(make(with_value(value)), verbose=0)
    assert all(np.isfinite(weight).all() for weight in vae.get_weights())


def test_a_streams_shape_is_refused_before_it_is_read():
    read = []

    def note(x):
        tf.py_function(lambda: read.append(1), [], [])
        return x

    vae = small_vae()
    vae.compile("adam")
    with pytest.raises(ValueError, match=r"must have shape \(batch, 6\).*`.batch\(n\)` for a data set"):
        vae.fit(tf.data.Dataset.from_tensor_slices(X).map(note))
    with pytest.raises(ValueError, match=r"`x` must have shape \(batch, 6\).* Received: shape \(\)"):
        vae.fit(3)
    assert not read


def test_the_channel_axis_is_asked_for():
    vae = small_vae((4, 4, 1))
    with pytest.raises(ValueError, match=r"Add the channel axis with `x\[..., None\]`"):
        vae.encode(np.zeros((2, 4, 4)))


def test_fractions_are_refused_for_categories():
    vae = small_vae(likelihood=kv.likelihoods.Categorical((6,), 3))
    with pytest.raises(ValueError, match="`x` must hold whole numbers .* Received: values such as 0.5"):
        vae.encode(np.full((2, 6), 0.5))
    with pytest.raises(ValueError, match=r"`x` must be in \[0, 2\]"):
        vae.encode(np.full((2, 6), 3))


def test_verbs_refuse_latents_and_counts_out_of_range():
    vae = small_vae()
    with pytest.raises(ValueError, match=r"`z` must have shape \(n, 2\). Received: shape \(4, 3\)"):
        vae.decode(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="`num_samples` must be >= 1. Received: num_samples=0"):
        vae.generate(0)
    with pytest.raises(ValueError, match="`num_samples` must be >= 1"):
        vae.infer(X, num_samples=0)
    with pytest.raises(ValueError, match="`condition` must be left out"):
        vae.infer({"x": X, "condition": X})
    with pytest.raises(ValueError, match=r"`x` must have shape \(batch, 6\)"):
        vae.infer(X[:, :3])
    with pytest.raises(ValueError, match=r"`seed` must be < 2\*\*31"):
        vae.generate(1, seed=2**31)


def test_latent_dim_and_beta_out_of_range_are_refused():
    with pytest.raises(ValueError, match="`latent_dim` must be >= 1. Received: latent_dim=0"):
        kv.posteriors.DiagonalGaussian(0)
    with pytest.raises(ValueError, match=r"`beta` must be >= 0. Received: beta=-1.0"):
        kv.objectives.ELBO(beta=-1.0)


def test_an_elbo_of_a_deterministic_code_is_refused():
    with pytest.raises(ValueError, match="`posterior` must have a density .*`Reconstruction.*Received: Deterministic"):
        small_vae(posterior=kv.posteriors.Deterministic(2))


def test_a_decoder_that_does_not_fit_the_likelihood_is_refused_by_compile():
    vae = small_vae(
        likelihood=kv.likelihoods.Bernoulli((6,), projection=None), decoder=keras.Sequential([keras.layers.Dense(5)])
    )
    with pytest.raises(ValueError, match=r"decoder's output must have shape \(batch, 6\).* Received: shape"):
        vae.compile("adam")


def test_a_conflicting_event_shape_is_refused_by_the_constructor():
    with pytest.raises(ValueError, match="must agree with the likelihood's event_shape"):
        small_vae((8, 8, 1), decoder=kv.networks.ConvDecoder((4,), event_shape=(9, 9, 1)))


def test_a_closed_form_that_does_not_exist_is_refused_by_compile():
    @keras.saving.register_keras_serializable("tests")
    class Laplace(kv.priors.Prior):
        def distribution(self, posterior_of=None, condition=None, training=False):
            import tensorflow_probability as tfp

            zeros = tf.zeros([self.latent_dim])
            return tfp.distributions.Independent(tfp.distributions.Laplace(zeros, 1.0), 1)

    with pytest.raises(NotImplementedError, match=r"Independent\(Normal\) and Independent\(Laplace\).*monte_carlo"):
        small_vae(prior=Laplace()).compile("adam")
    vae = small_vae(prior=Laplace(), objective=kv.objectives.ELBO(kl="monte_carlo"))
    vae.compile("adam")
    assert np.isfinite(vae.fit(X, verbose=0).history["elbo"]).all()


@pytest.mark.parametrize("name", ["loss", "metrics", "weighted_metrics", "loss_weights"])
def test_a_loss_and_metrics_are_refused_by_compile(name):
    with pytest.raises(ValueError, match=f"`{name}` must be left out of `compile`.*Received: {name}='mse'"):
        small_vae().compile("adam", **{name: "mse"})


def test_parts_of_the_wrong_kind_are_refused():
    with pytest.raises(TypeError, match="`posterior` must be a `keras_vae.posteriors.Posterior`. Received"):
        small_vae(posterior=keras.layers.Dense(3))
    with pytest.raises(TypeError, match="`encoder` must be a Keras layer or model. Received"):
        small_vae(encoder=lambda x: x)
    with pytest.raises(TypeError, match="`objective` must be a `keras_vae.objectives.Objective`. Received"):
        small_vae(objective="elbo")


def test_calibrate_is_refused_where_nothing_is_to_be_calibrated():
    with pytest.raises(ValueError, match="`calibrate` must be called on a model .* Received: Bernoulli"):
        small_vae().calibrate(X)


def test_training_before_compile_is_refused():
    with pytest.raises(ValueError, match="must call `compile"):
        small_vae().fit(X)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: keras.callbacks.ModelCheckpoint(path / "run" / "model.keras"),
        lambda path: keras.callbacks.ModelCheckpoint(str(path / "run" / "epoch-{epoch:02d}" / "model.keras")),
        lambda path: [keras.callbacks.CSVLogger(str(path / "run" / "history.csv"))],
        lambda path: (keras.callbacks.BackupAndRestore(str(path / "run")),),
        lambda path: keras.callbacks.TensorBoard(str(path / "run")),
    ],
    ids=["checkpoint", "checkpoint_by_epoch", "csv", "backup", "tensorboard"],
)
def test_callbacks_that_could_not_write_are_refused_before_the_first_step(make, tmp_path):
    (tmp_path / "file").write_text("in the way")
    vae = compiled()
    with pytest.raises(
        OSError, match=rf"output directory must be writable. Received: '{tmp_path}/file/run' \(Not a dir"
    ):
        vae.fit(X, callbacks=make(tmp_path / "file"), verbose=0)
    assert vae.optimizer.iterations.numpy() == 0
    vae.fit(X, callbacks=make(tmp_path), verbose=0)
    assert vae.optimizer.iterations.numpy() == 1  # and where they can write, training goes on


def test_another_objective_is_a_model_of_the_same_parts():
    vae = small_vae()
    with pytest.raises(
        AttributeError, match="`objective` must be given to the constructor.*Received: objective=IWELBO"
    ):
        vae.objective = kv.objectives.IWELBO(2)
    vae.build()
    parts = {name: getattr(vae, name) for name in ("encoder", "posterior", "decoder", "likelihood", "prior")}
    tighter = kv.VAE(**parts, objective=kv.objectives.IWELBO(2), seed=0)
    tighter.compile("adam")
    tighter.fit(binary(8), epochs=1, verbose=0)
    np.testing.assert_array_equal(tighter.decoder.get_weights()[0], vae.decoder.get_weights()[0])
