"""What users hand to a model arrives: nothing is swallowed, and where plain Keras has an answer, it is Keras's."""

import inspect
import logging

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from keras_vae.core import values
from tests.models.conftest import binary, compiled, plain, small_vae
from tests.soaked import soaked

X = binary(48)
LABELS = np.arange(48) % 3
WEIGHTS = np.linspace(0.0, 2.0, 48)
VERBS = (
    "fit",
    "evaluate",
    "predict",
    "train_on_batch",
    "test_on_batch",
    "predict_on_batch",
    "compile",
    "train_step",
    "test_step",
    "predict_step",
)


@pytest.fixture(scope="module")
def vae():
    return compiled()


@pytest.fixture(scope="module")
def loss_of():
    """Return a function that trains a model for an epoch and gives the loss, which depends on all it is handed."""

    def loss_of(*args, **kwargs):
        options = {"batch_size": 16, "shuffle": False, "verbose": 0}
        return compiled().fit(*args, **{**options, **kwargs}).history["loss"][0]

    return loss_of


def data_set(*parts):
    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0]).batch(16)


# ---- signatures and defaults -------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_takes_what_keras_takes_in_keras_order(verb):
    ours, theirs = (list(inspect.signature(getattr(owner, verb)).parameters) for owner in (kv.VAE, keras.Model))
    assert ours == theirs


@pytest.mark.parametrize("verb", ["fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch"])
def test_the_defaults_are_those_of_keras(verb):
    ours, theirs = (inspect.signature(getattr(owner, verb)).parameters for owner in (kv.VAE, keras.Model))
    assert {name: p.default for name, p in ours.items()} == {name: p.default for name, p in theirs.items()}


DEFAULTS = [
    (verb, name, parameter.default)
    for verb in ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "compile")
    for name, parameter in inspect.signature(getattr(kv.VAE, verb)).parameters.items()
    if parameter.default is not parameter.empty and name not in ("x", "validation_data")
]


@pytest.mark.parametrize(("verb", "name", "default"), DEFAULTS)
def test_an_explicit_default_means_the_default(verb, name, default):
    if verb == "compile":
        vae = small_vae()
        vae.compile(**{name: default})
        vae.run_eagerly = True  # one step is not worth a graph
        vae.train_on_batch(X[:4])
        return
    quiet = {} if verb.endswith("batch") or name == "verbose" else {"verbose": 0}
    first = getattr(compiled(), verb)(X, **quiet, **{name: default})
    other = getattr(compiled(), verb)(X, **quiet)
    if verb == "fit":
        first, other = first.history, other.history
    tf.nest.map_structure(lambda one, two: np.testing.assert_allclose(one, two, rtol=1e-5), first, other)


def test_positional_arguments_mean_what_they_mean_in_keras():
    vae = compiled()
    assert vae.predict(X, 32, 0).shape == X.shape
    by_name = vae.evaluate(X, batch_size=16, sample_weight=WEIGHTS, verbose=0)
    np.testing.assert_allclose(vae.evaluate(X, None, 16, 0, WEIGHTS), by_name)
    history = vae.fit(X, None, 16, 2, 0).history
    assert len(history["loss"]) == 2


# ---- kinds of data ----------------------------------------------------------------------------------------------


class Frame:
    """Stands in for a data frame: no array, but something that NumPy makes one of."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)

    def __len__(self):
        return len(self.values)


KINDS = {
    "array": lambda path: X,
    "float64": lambda path: X.astype("float64"),
    "bytes": lambda path: X.astype("uint8"),
    "tensor": lambda path: tf.constant(X),
    "nested lists": lambda path: X.tolist(),
    "a list of one input": lambda path: [X],
    "frame": lambda path: Frame(X),
    "h5py": lambda path: h5py.File(path / "x.h5", "w").create_dataset("x", data=X),
    "dictionary": lambda path: {"x": X},
    "tuple": lambda path: (X,),
    "batch": lambda path: kv.core.Batch(X),
    "data set": lambda path: data_set(X),
    "data set of dictionaries": lambda path: data_set({"x": X}),
}


@pytest.mark.parametrize("kind", soaked(KINDS, quick=("frame", "h5py", "tuple", "data set of dictionaries")))
def test_every_kind_of_data_reaches_every_verb(kind, vae, loss_of, tmp_path):
    def data():
        return KINDS[kind](tmp_path)

    np.testing.assert_allclose(vae.encode(data()), vae.encode(X), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(vae.reconstruct(data()), vae.reconstruct(X), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(vae.predict(data(), verbose=0), vae.reconstruct(X), rtol=1e-5, atol=1e-6)
    size = {} if isinstance(data(), tf.data.Dataset) else {"batch_size": 16}
    np.testing.assert_allclose(
        vae.evaluate(data(), **size, verbose=0), vae.evaluate(X, batch_size=16, verbose=0), rtol=1e-5
    )
    found = kv.evaluation.log_evidence(vae, data(), 10, seed=0)
    np.testing.assert_allclose(found, kv.evaluation.log_evidence(vae, X, 10, seed=0), rtol=1e-5)
    np.testing.assert_allclose(vae.score(data(), seed=0)["elbo"], vae.score(X, seed=0)["elbo"], rtol=1e-4)
    assert loss_of(data()) == pytest.approx(loss_of(X), rel=1e-5)


def test_a_data_set_of_codes_is_decoded():
    vae = compiled()
    z = vae.encode(X)
    np.testing.assert_allclose(vae.decode(data_set(z)), vae.decode(z), rtol=1e-6)


def test_scores_do_not_depend_on_how_many_examples_are_taken_at_a_time():
    vae = compiled()
    np.testing.assert_allclose(
        vae.score(X, seed=1, batch_size=7)["elbo"], vae.score(X, seed=1, batch_size=48)["elbo"], rtol=1e-5
    )


# ---- weights ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(48,), (48, 1)], ids=["vector", "column"])
def test_weights_of_a_column_are_weights(shape, loss_of):
    expected = loss_of(X, sample_weight=WEIGHTS)
    assert expected != pytest.approx(loss_of(X), rel=1e-3)
    given = WEIGHTS.reshape(shape)
    assert loss_of(X, sample_weight=given) == pytest.approx(expected)
    assert loss_of({"x": X, "sample_weight": given}) == pytest.approx(expected)
    assert loss_of((X, None, given)) == pytest.approx(expected)
    assert loss_of(data_set({"x": X, "sample_weight": given})) == pytest.approx(expected)
    assert loss_of(data_set(X, LABELS, given)) == pytest.approx(expected)


def test_what_weighs_nothing_is_not_learned():
    black, white = np.zeros((64, 6), "float32"), np.ones((64, 6), "float32")
    keras.utils.set_random_seed(0)
    vae = small_vae()
    vae.compile(keras.optimizers.Adam(0.01))
    weights = np.r_[np.ones(64), np.zeros(64)][:, None]
    x, weights = (np.tile(part, (40, 1)) for part in (np.concatenate([black, white]), weights))  # forty epochs, as one
    vae.fit(x, sample_weight=weights, verbose=0)
    assert vae.predict(white[:1], verbose=0).mean() < 0.05


@pytest.mark.parametrize("door", [lambda w: (X, None, w), lambda w: data_set({"x": X, "sample_weight": w})])
def test_weights_of_single_elements_are_refused_with_the_mask_as_the_remedy(door):
    with pytest.raises(ValueError, match=r"`sample_weight` must have shape \(batch,\).*`mask`.*Received: shape"):
        compiled().fit(door(np.ones((48, 6))), verbose=0)


def test_class_weights_are_the_weights_of_the_labels_as_in_keras(loss_of):
    classes = {0: 0.0, 1: 1.0, 2: 3.0}
    by_hand = np.array([0.0, 1.0, 3.0])[LABELS]
    expected = loss_of(X, sample_weight=by_hand)
    for labels in (LABELS, LABELS[:, None], np.eye(3)[LABELS]):
        assert loss_of(X, labels, class_weight=classes) == pytest.approx(expected)
        assert loss_of(data_set(X, labels), class_weight=classes) == pytest.approx(expected)
    one = compiled().train_on_batch(X, LABELS, class_weight=classes)
    np.testing.assert_allclose(one, compiled().train_on_batch(X, sample_weight=by_hand), rtol=1e-5)
    with pytest.raises(ValueError, match="`class_weight` must be .* Received: .* no labels"):
        compiled().fit(X, class_weight=classes, verbose=0)
    for model in (compiled(), plain()):
        with pytest.raises(ValueError, match=r"sample_weight.*|class_weight.*"):
            model.fit(X, LABELS, class_weight=classes, sample_weight=WEIGHTS, verbose=0)


# ---- targets and labels -----------------------------------------------------------------------------------------


def test_the_observations_as_targets_are_the_plain_vae(loss_of):
    assert loss_of(X, X) == loss_of(X)
    assert loss_of(X, X.copy()) == pytest.approx(loss_of(X), rel=1e-6)


def test_targets_come_through_every_door(loss_of):
    noisy, clean = binary(48, seed=1), X
    expected = loss_of(noisy, clean)
    assert expected != pytest.approx(loss_of(noisy), rel=1e-3)
    for data in ((noisy, clean), {"x": noisy, "target": clean}):
        assert loss_of(data) == pytest.approx(expected)
    for data in (data_set(noisy, clean), data_set({"x": noisy, "target": clean})):
        assert loss_of(data) == pytest.approx(expected)


def test_targets_train_a_denoiser():
    generator = np.random.default_rng(0)
    cause = generator.normal(size=(512, 2))
    clean = np.tanh(cause @ generator.normal(size=(2, 6))).astype("float32")
    noisy = clean + generator.normal(0.0, 0.7, clean.shape).astype("float32")
    train, test = np.tile(np.arange(448), 40), slice(448, 512)  # forty epochs, as one
    errors = []
    for data in ((noisy[train], clean[train]), noisy[train]):
        keras.utils.set_random_seed(1)
        vae = small_vae(likelihood=kv.likelihoods.Gaussian((6,), scale=0.3))
        vae.compile(keras.optimizers.Adam(0.01))
        vae.fit(data, verbose=0)
        errors.append(np.mean((vae.reconstruct(noisy[test]) - clean[test]) ** 2))
    assert errors[0] < 0.8 * errors[1]


def test_a_corrupted_x_need_not_be_possible_and_a_target_must_be():
    noisy = X + np.random.default_rng(0).normal(size=X.shape)
    compiled().fit(noisy, X, verbose=0)
    with pytest.raises(ValueError, match=r"`target` must be in \[0, 1\]"):
        compiled().fit(X, noisy, verbose=0)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ("nonsense", "`y` must be numeric"),
        (X[:10], "`target` must have one row for each of the 48 examples. Received: 10"),
        (LABELS[:10], "`y` must have one row for each of the 48 examples. Received: 10"),
        (np.array(["a"] * 48), "`y` must be numeric"),
    ],
)
def test_what_is_no_target_and_no_label_is_refused(y, message, vae):
    for verb in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
        with pytest.raises(ValueError, match=message):
            getattr(vae, verb)(X, y)


def test_labels_that_have_no_use_are_left_out_and_the_log_says_so_once(loss_of, caplog, monkeypatch):
    monkeypatch.setattr(values, "_REMARKS", set())
    with caplog.at_level(logging.INFO, "keras_vae"):
        assert loss_of(X, LABELS) == loss_of(X)
        assert loss_of(data_set(X, LABELS)) == pytest.approx(loss_of(X), rel=1e-6)
    assert [record.getMessage().startswith("The labels `y` are left out") for record in caplog.records].count(True) == 1


@pytest.mark.parametrize(("key", "near"), [("sample_weights", "sample_weight"), ("labels", ""), ("traget", "target")])
def test_an_unknown_key_is_refused_with_the_nearest_name(key, near):
    hint = f"Did you mean '{near}'" if near else "no other keys than"
    for data in ({"x": X, key: WEIGHTS}, data_set({"x": X, key: WEIGHTS}), ({"x": X, key: WEIGHTS} for _ in range(2))):
        with pytest.raises(ValueError, match=hint):
            compiled().fit(data, verbose=0)


# ---- streams ----------------------------------------------------------------------------------------------------


def test_an_epoch_of_no_stated_steps_ends():
    assert len(compiled().fit(X, steps_per_epoch=None, verbose=0, epochs=2).history["loss"]) == 2
    assert len(compiled().fit(X, steps_per_epoch=2, batch_size=8, verbose=0, epochs=3).history["loss"]) == 3


@pytest.mark.parametrize(
    "argument",
    [{"validation_split": 0.5}, {"y": LABELS}, {"sample_weight": WEIGHTS}],
    ids=lambda argument: next(iter(argument)),
)
def test_what_keras_refuses_beside_a_data_set_is_refused(argument):
    for model, data in ((compiled(), data_set(X)), (plain(), data_set(X, X))):
        with pytest.raises(ValueError, match=next(iter(argument))):
            model.fit(data, **argument, verbose=0)


def test_a_split_holds_out_the_last_examples_with_all_that_belongs_to_them():
    history = (
        compiled().fit(X, sample_weight=WEIGHTS, validation_split=0.25, batch_size=16, shuffle=False, verbose=0).history
    )
    vae = compiled()
    other = vae.fit(
        X[:36],
        sample_weight=WEIGHTS[:36],
        validation_data=(X[36:], None, WEIGHTS[36:]),
        batch_size=16,
        shuffle=False,
        verbose=0,
    ).history
    assert history == other
    for fraction in (1.0, 1.5, 0.999999):
        with pytest.raises(ValueError, match="`validation_split` must be between 0 and 1"):
            compiled().fit(X, validation_split=fraction, verbose=0)


@pytest.mark.parametrize("form", [X, (X, None, WEIGHTS), [X, None, WEIGHTS], {"x": X}, data_set(X)], ids=str)
def test_validation_data_of_every_form_are_validated(form):
    history = compiled().fit(X, validation_data=form, validation_batch_size=None, verbose=0).history
    assert np.isfinite(history["val_elbo"][0])


@pytest.mark.parametrize("verb", ["fit", "encode", "evaluate"])
def test_ragged_data_are_refused_with_padding_as_the_remedy(verb):
    ragged = tf.ragged.constant([[1.0, 0.0], [1.0]])
    for data in (ragged, tf.data.Dataset.from_tensors(ragged)):
        with pytest.raises(ValueError, match="must be a rectangular array: pad it.*`mask`"):
            getattr(compiled(), verb)(data)


# ---- values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["train_on_batch", "test_on_batch", "predict_on_batch", "encode", "fit", "score"])
def test_bytes_are_refused_by_every_door(verb):
    with pytest.raises(ValueError, match=r"must be in \[0, 1\].*Divide 8-bit images by 255"):
        getattr(compiled(), verb)(255 * X)


def test_values_from_minus_one_get_their_own_remedy():
    with pytest.raises(ValueError, match=r"Take `\(x \+ 1\) / 2` of values from -1 to 1"):
        compiled().fit(2 * X - 1, verbose=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Take `\(x \+ 1\) / 2`"):
        compiled().fit(data_set(2 * X - 1), verbose=0)


@pytest.mark.parametrize("door", [lambda x: x, data_set, lambda x: (x[i : i + 16] for i in (0, 16, 32))])
def test_data_out_of_all_proportion_to_the_scale_are_remarked_on_with_the_figures(door, caplog, monkeypatch):
    monkeypatch.setattr(values, "_REMARKS", set())
    vae = compiled(likelihood=kv.likelihoods.Gaussian((6,), scale=1.0))
    with caplog.at_level(logging.WARNING, "keras_vae"):
        vae.fit(door(255 * X), verbose=0)
        vae.fit(door(X), verbose=0)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 1
    assert "values from 0 to 255" in messages[0] and "a scale of 1" in messages[0]


def test_a_discrete_observation_is_generated_and_decoded_as_one():
    vae = compiled(likelihood=kv.likelihoods.Categorical((6,), 4))
    for x in (vae.generate(50, seed=0), vae.generate(50, sample=True, seed=0), vae.decode(np.zeros((3, 2)))):
        assert set(np.unique(x)) <= {0.0, 1.0, 2.0, 3.0}
        vae.encode(x)
    drawn = small_vae().generate(200, sample=True, seed=0)
    assert set(np.unique(drawn)) == {0.0, 1.0}


def test_draws_of_x_have_the_likelihoods_own_spread():
    vae = compiled(likelihood=kv.likelihoods.Gaussian((6,), scale=0.5))
    drawn, mean = vae.generate(4000, sample=True, seed=3), vae.generate(4000, seed=3)
    deviation = (drawn - mean).std()
    assert deviation == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(2 * drawn.size))
