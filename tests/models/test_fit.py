"""`fit` and `evaluate`: every kind of data, Keras's options and callbacks, and averages that are right."""

import csv
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.again import Again
from tests.models.conftest import binary, small_vae

X = binary(50)
WEIGHT = np.linspace(0.0, 2.0, 50).astype("float32")


@functools.cache
def again():
    vae = small_vae()
    vae.compile("adam")
    return Again(vae)


def compiled():
    """Return a model in its first state, the same one in each call."""
    return again()()


def generator_of(*arrays, repeat=1):
    for _ in range(repeat):
        for start in range(0, 50, 16):
            batch = tuple(array[start : start + 16] for array in arrays)
            yield batch if len(batch) > 1 else batch[0]


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return (X[16 * index : 16 * (index + 1)],)


DATA = {
    "array": lambda: {"x": X, "batch_size": 16},
    "array_with_weights": lambda: {"x": X, "sample_weight": WEIGHT, "batch_size": 16},
    "dataset_x": lambda: {"x": tf.data.Dataset.from_tensor_slices(X).batch(16)},
    "dataset_tuple_x": lambda: {"x": tf.data.Dataset.from_tensor_slices((X,)).batch(16)},
    "dataset_xy": lambda: {"x": tf.data.Dataset.from_tensor_slices((X, np.arange(50))).batch(16)},
    "dataset_xyw": lambda: {"x": tf.data.Dataset.from_tensor_slices((X, np.arange(50), WEIGHT)).batch(16)},
    "dataset_dictionary": lambda: {"x": tf.data.Dataset.from_tensor_slices({"x": X}).batch(16)},
    "pipeline": lambda: {"x": kv.data.pipeline(X, batch_size=16, shuffle=True, seed=1)},
    "pipeline_with_labels": lambda: {"x": kv.data.pipeline(X, batch_size=16, labels=np.arange(50))},
    "generator": lambda: {"x": generator_of(X, repeat=2), "steps_per_epoch": 4},
    "generator_xyw": lambda: {"x": generator_of(X, X, WEIGHT, repeat=2), "steps_per_epoch": 4},
    "py_dataset": lambda: {"x": Batches()},
}


@pytest.mark.parametrize("kind", DATA)
def test_fit_takes_every_kind_of_data(kind):
    vae = compiled()
    before = [weight.numpy() for weight in vae.trainable_variables]
    history = vae.fit(**DATA[kind](), epochs=2, verbose=0).history
    assert np.all(np.isfinite(history["loss"])) and len(history["loss"]) == 2
    assert vae.optimizer.iterations.numpy() == 8
    assert all(np.any(old != new.numpy()) for old, new in zip(before, vae.trainable_variables, strict=True))


@pytest.mark.parametrize("kind", [kind for kind in DATA if "generator" not in kind])
def test_evaluate_takes_every_kind_of_data(kind):
    data = DATA[kind]()
    logs = compiled().evaluate(**data, return_dict=True, verbose=0)
    assert logs["loss"] == pytest.approx(-logs["elbo"], rel=1e-6)


def test_validation_split_takes_the_last_examples_with_their_weights():
    weight = np.r_[np.ones(40), np.zeros(9), 1.0]
    vae = compiled()
    logs = vae.fit(X, sample_weight=weight, validation_split=0.2, epochs=1, batch_size=40, verbose=0).history
    only_last = vae.evaluate(X[-10:], sample_weight=weight[-10:], return_dict=True, verbose=0)
    assert logs["val_elbo"][0] == pytest.approx(only_last["elbo"], rel=1e-5)


@pytest.mark.parametrize("kind", ["array", "tuple", "dataset"])
def test_validation_data_may_be_arrays_or_a_data_set(kind):
    data = {
        "array": X[:20],
        "tuple": (X[:20], np.arange(20), np.ones(20)),
        "dataset": kv.data.pipeline(X[:20], batch_size=7),
    }[kind]
    history = compiled().fit(X, validation_data=data, epochs=1, verbose=0).history
    assert np.isfinite(history["val_elbo"]).all()


def test_log_keys_are_the_keys_of_evaluate():
    vae = compiled()
    history = vae.fit(X, validation_data=X, epochs=1, verbose=0).history
    logs = vae.evaluate(X, return_dict=True, verbose=0)
    assert set(history) == set(logs) | {f"val_{name}" for name in logs}
    assert set(logs) == {"loss", "reconstruction_loss", "kl_loss", "elbo"}
    assert vae.evaluate(X, verbose=0) == [logs[name] for name in vae.metrics_names]


def exact_terms(vae, x):
    """Average each example's terms under the posterior mean, one example at a time: no batch, no noise."""
    terms = []
    for row in x:
        record = vae.infer(row[None], seed=0)
        mean = record.latents[0].posterior.mean().numpy()
        probability = vae.decode(mean)[0]
        bernoulli = np.log(np.where(row == 1, probability, 1 - probability)).sum()
        kl = kv.divergences.closed_form_kl(record.latents[0].posterior, record.latents[0].prior)
        terms.append([-bernoulli, kl.numpy()[0]])
    return np.array(terms)


def test_a_short_last_batch_does_not_bias_evaluate():
    vae = compiled()
    # The last example is unlike the others: an average of batch means would count it as 16.
    x = np.concatenate([np.zeros((16, 6), "float32"), np.ones((1, 6), "float32")])
    kl = exact_terms(vae, x)[:, 1]
    logs = vae.evaluate(x, batch_size=16, return_dict=True, verbose=0)
    assert logs["kl_loss"] == pytest.approx(kl.mean(), rel=1e-5)
    biased = (kl[:16].mean() + kl[16]) / 2
    assert abs(biased - kl.mean()) > 1e-3 * abs(kl.mean())


def test_sample_weights_weigh_each_example_and_zero_leaves_it_out():
    vae = compiled()
    kl = exact_terms(vae, X)[:, 1]
    logs = vae.evaluate(X, sample_weight=WEIGHT, batch_size=16, return_dict=True, verbose=0)
    assert logs["kl_loss"] == pytest.approx(np.average(kl, weights=WEIGHT), rel=1e-5)

    settings = {"batch_size": 50, "shuffle": False, "epochs": 1, "verbose": 0}
    halves, alone = small_vae(), small_vae()
    alone.build()
    halves.build()
    alone.set_weights(halves.get_weights())
    for model in (halves, alone):
        model.compile(keras.optimizers.SGD(0.1))
    # The noise of the first 25 rows is that of the first rows of a larger draw only if both draws are as large.
    halves.fit(X, sample_weight=np.r_[np.ones(25), np.zeros(25)], **settings)
    alone.fit(np.r_[X[:25], X[:25]], sample_weight=np.r_[np.ones(25), np.zeros(25)], **settings)
    for one, other in zip(halves.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-7)


@pytest.mark.parametrize("scale", [0.5, "optimal"])
def test_a_batch_whose_weights_are_all_zero_teaches_nothing(scale):
    vae = small_vae(likelihood=kv.likelihoods.Gaussian((6,), scale=scale))
    vae.compile(keras.optimizers.SGD(0.1))
    before = vae.get_weights()
    vae.train_on_batch(X[:16], sample_weight=np.zeros(16))
    for old, new in zip(before, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    history = vae.fit(X, sample_weight=np.r_[np.zeros(16), np.ones(34)], batch_size=16, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_evaluate_draws_the_same_noise_each_time():
    vae = compiled()
    assert vae.evaluate(X, verbose=0) == vae.evaluate(X, verbose=0)


def test_every_way_of_running_a_step_gives_the_same_training():
    histories = []
    for options in ({}, {"jit_compile": True}, {"steps_per_execution": 7}, {"run_eagerly": True}):
        keras.utils.set_random_seed(0)
        # XLA draws other numbers from a seed than TensorFlow does, so the noise is held small.
        vae = small_vae(posterior=kv.posteriors.DiagonalGaussian(2, log_var_range=(-20.0, -19.9)))
        vae.compile(keras.optimizers.SGD(0.05), **options)
        histories.append(vae.fit(X, batch_size=16, epochs=2, verbose=0).history)
    for history in histories[1:]:
        for name, values in histories[0].items():
            np.testing.assert_allclose(history[name], values, rtol=1e-4, err_msg=name)


def test_regularizers_and_added_losses_count_in_the_loss_and_in_the_gradient():
    class Priced(keras.layers.Dense):
        def call(self, inputs):
            self.add_loss(keras.ops.convert_to_tensor(3.0))
            return super().call(inputs)

    encoder = keras.Sequential([Priced(16, kernel_regularizer=keras.regularizers.L2(0.5))])
    vae = small_vae(encoder=encoder)
    vae.compile(keras.optimizers.SGD(0.0))
    kernel = encoder.layers[0].kernel.numpy()
    logs = vae.evaluate(X, return_dict=True, verbose=0)
    assert logs["loss"] == pytest.approx(-logs["elbo"] + 3.0 + 0.5 * (kernel**2).sum(), rel=1e-5)
    history = vae.fit(X, epochs=1, verbose=0).history
    assert history["loss"][0] == pytest.approx(-history["elbo"][0] + 3.0 + 0.5 * (kernel**2).sum(), rel=1e-5)

    plain = small_vae(encoder=keras.Sequential([keras.layers.Dense(16)]))
    plain.build()
    plain.set_weights(vae.get_weights())
    steps = []
    for model in (vae, plain):
        model.compile(keras.optimizers.SGD(0.01))
        model.train_on_batch(X)
        steps.append(model.encoder.layers[0].kernel.numpy() - kernel)
    np.testing.assert_allclose(steps[0] - steps[1], -0.01 * kernel, atol=1e-6)


def test_a_scheduled_beta_moves_during_fit_and_survives_a_reload(tmp_path):
    schedule = kv.schedules.LinearSchedule(0.0, 1.0, steps=16)
    vae = small_vae(objective=kv.objectives.ELBO(beta=schedule))
    vae.compile("adam")
    history = vae.fit(X, batch_size=16, epochs=2, verbose=0).history
    np.testing.assert_allclose(history["beta"], [np.mean([0, 1, 2, 3]) / 16, np.mean([4, 5, 6, 7]) / 16], rtol=1e-6)
    vae.save(tmp_path / "half.keras")
    again = keras.models.load_model(tmp_path / "half.keras")
    history = again.fit(X, batch_size=16, epochs=1, verbose=0).history
    np.testing.assert_allclose(history["beta"], [np.mean([8, 9, 10, 11]) / 16], rtol=1e-6)


def test_keras_callbacks_work(tmp_path):
    vae = compiled()
    callbacks = [
        keras.callbacks.EarlyStopping("val_elbo", mode="max", patience=1, min_delta=1e9, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_elbo", mode="max", save_best_only=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=1e9, cooldown=0),
        keras.callbacks.TensorBoard(tmp_path / "logs"),
        keras.callbacks.CSVLogger(tmp_path / "history.csv"),
    ]
    history = vae.fit(X, validation_data=X, epochs=10, callbacks=callbacks, verbose=0).history
    assert len(history["loss"]) == 2  # stopped early
    assert float(vae.optimizer.learning_rate) == pytest.approx(5e-4)
    best = keras.models.load_model(tmp_path / "best.keras")
    assert best.evaluate(X, return_dict=True, verbose=0)["elbo"] == pytest.approx(max(history["val_elbo"]), rel=1e-6)
    assert list((tmp_path / "logs").rglob("events.out.*"))
    rows = list(csv.DictReader((tmp_path / "history.csv").read_text().splitlines()))
    assert float(rows[-1]["elbo"]) == history["elbo"][-1]


def test_backup_and_restore_goes_on_where_the_run_was_cut(tmp_path):
    class Cut(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def run(callbacks, weights):
        vae = compiled()
        vae.set_weights(weights)
        vae.fit(X, epochs=4, batch_size=16, callbacks=callbacks, verbose=0)
        return vae.get_weights()

    weights = compiled().get_weights()
    whole = run([], weights)
    with pytest.raises(KeyboardInterrupt):
        run([keras.callbacks.BackupAndRestore(tmp_path / "backup"), Cut()], weights)
    resumed = run([keras.callbacks.BackupAndRestore(tmp_path / "backup")], weights)
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(one, other)


def test_gradient_accumulation_draws_new_noise_for_each_part():
    vae = small_vae()
    vae.compile(keras.optimizers.Adam(gradient_accumulation_steps=4))
    seeds = []
    original = vae._noise_seed
    vae._noise_seed = lambda stream, step: seeds.append(original(stream, step)) or seeds[-1]
    vae.run_eagerly = True
    vae.fit(X[:48], batch_size=12, epochs=1, verbose=0)
    assert len({tuple(seed.numpy()) for seed in seeds}) == 4


def test_float64_is_kept_throughout():
    vae = small_vae(dtype="float64")
    vae.compile(keras.optimizers.Adam(0.01))
    history = vae.fit(X, epochs=20, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    record = vae.infer(X.astype("float64"), seed=0)
    assert {
        record.batch.x.dtype,
        record.latents[0].z.dtype,
        record.likelihood.dtype,
        vae.decode([[0, 0]]).dtype.name,
    } == {
        tf.float64,
        "float64",
    }
