"""Cases that once looked like a normal training: each is held against an oracle, or refused by name."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import keras_vae as kv
from keras_vae.core import values
from tests.conditional_gaussian import conditional_vae, draw
from tests.models.conftest import binary, compiled, hierarchy, small_vae
from tests.soaked import soaked

X = binary(32)


@pytest.mark.parametrize("batch_size", soaked([1, 4, 32], quick=[4]))
def test_a_weight_counts_as_much_in_whatever_batch_its_example_comes_as_in_keras(batch_size):
    # The location of a Gaussian without latents is the weighted mean of the data, for Keras too.
    x = np.tile(np.array([[1.0], [-1.0]], "float32"), (16, 1))
    weights = np.tile([1.0, 0.1], 16)

    class Free(keras.layers.Layer):
        """A decoder that ignores z."""

        def build(self, shape):
            self.location = self.add_weight(shape=(1,), initializer="zeros")

        def call(self, z):
            return 0.0 * z + self.location

    vae = small_vae((1,), 1, decoder=Free(), likelihood=kv.likelihoods.Gaussian((1,), scale=1.0, projection=None))
    vae.encoder.trainable = vae.posterior.trainable = False
    plain = keras.Sequential([keras.Input((1,)), Free()])
    rate = 0.5 if batch_size == 32 else 0.05  # 20 epochs of 1, 8 or 32 steps
    for model, data in ((vae, (x,)), (plain, (x, x))):
        model.compile(keras.optimizers.SGD(rate), **({} if model is vae else {"loss": "mse"}))
        model.fit(*data, sample_weight=weights, batch_size=batch_size, epochs=20, verbose=0)
    expected = np.average(x[:, 0], weights=weights)
    assert float(vae.decoder.location[0]) == pytest.approx(expected, abs=0.06)
    assert float(plain.layers[-1].location[0]) == pytest.approx(expected, abs=0.06)


def test_accumulated_gradients_of_weighted_parts_are_those_of_the_batch():
    weights = np.linspace(0.1, 3.0, 32)
    found = []
    for options, size in (({"gradient_accumulation_steps": 2}, 16), ({}, 32)):
        keras.utils.set_random_seed(0)
        vae = small_vae(posterior=kv.posteriors.DiagonalGaussian(2, log_var_range=(-40.0, -39.9)))
        vae.compile(keras.optimizers.SGD(0.05, **options))
        vae.fit(X, sample_weight=weights, batch_size=size, shuffle=False, verbose=0)
        found.append(vae.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_an_importance_weighted_score_of_more_samples_stays_below_the_evidence():
    vae = compiled(objective=kv.objectives.IWELBO(5))
    found = vae.score(X, num_samples=500, seed=0)
    evidence = kv.evaluation.log_evidence(vae, X, 2000, seed=0)
    assert found["iwelbo"].mean() == pytest.approx(evidence.mean(), abs=0.02)
    few = vae.score(X, num_samples=2, seed=0)
    assert np.all(few["iwelbo"] >= few["elbo"] - 1e-4)


@pytest.mark.parametrize("field", ["sample_weight", "target", "mask"])
def test_a_field_of_another_length_is_refused_by_data_sets_and_by_infer(field):
    fields = {"x": X, field: (X[:1] if field != "sample_weight" else np.ones(1, "float32"))}
    data = tf.data.Dataset.from_tensors(fields)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="must have one row for each"):
        compiled().fit(data, verbose=0)
    with pytest.raises(ValueError, match="must have one row for each of the 32 examples. Received: 1"):
        compiled().infer(fields)


class Odd(kv.objectives.Objective):
    """An objective whose loss or logs have another shape."""

    def __init__(self, kind):
        self.kind = kind

    def __call__(self, record, *, step, training):
        loss = -tf.reduce_mean(record.log_likelihood, axis=0)
        shapes = {"column": loss[:, None], "one": loss[:1], "samples": record.log_likelihood}
        logs = {"mine": shapes[self.kind[5:]]} if self.kind.startswith("logs") else {"mine": loss}
        if self.kind == "named loss":
            logs = {"loss": loss}
        return kv.objectives.Terms(shapes.get(self.kind, loss), logs)

    def get_config(self):
        return {"kind": self.kind}


@pytest.mark.parametrize("kind", ["column", "one", "samples", "logs column", "logs one", "logs samples", "named loss"])
def test_a_loss_or_a_log_that_would_broadcast_is_refused_by_compile(kind):
    with pytest.raises(ValueError, match=r"of Odd must have"):
        compiled(objective=Odd(kind))


def test_a_density_of_single_dimensions_is_refused_by_compile():
    class Factors(kv.priors.StandardNormal):
        def distribution(self, posterior_of=None, condition=None, training=False):
            return tfp.distributions.Normal(tf.zeros(self.latent_dim), 1.0)

    with pytest.raises(ValueError, match="The prior must have a density of shape .*`tfp.distributions.Independent`"):
        compiled(prior=Factors(), objective=kv.objectives.ELBO(kl="monte_carlo"))


def test_a_posteriors_own_term_has_a_name_and_a_shape_of_its_own():
    class Owning(kv.posteriors.DiagonalGaussian):
        term = ("spread", 1)

        def auxiliary(self, parameters, training=False):
            values = tf.reduce_sum(parameters["log_var"], axis=-1)
            return {self.term[0]: values if self.term[1] else tf.reduce_sum(values)}

    vae = compiled(posterior=Owning(2))
    logs = vae.fit(X, verbose=0).history
    assert logs["loss"][0] == pytest.approx(
        logs["reconstruction_loss"][0] + logs["kl_loss"][0] + logs["spread"][0], rel=1e-4
    )
    for term in (("elbo", 1), ("spread", 0)):
        Owning.term = term
        with pytest.raises(ValueError, match="`auxiliary` terms must have names of their own"):
            compiled(posterior=Owning(2))


def test_calling_a_model_hides_what_is_masked():
    vae, mask = compiled(), np.ones_like(X)
    mask[:, :3] = 0.0
    fields = {"x": np.where(mask == 1, X, np.nan).astype("float32"), "mask": mask}
    np.testing.assert_allclose(vae(fields), vae.reconstruct(fields), rtol=1e-5)


def test_boolean_masks_and_weights_of_unknown_width_pass_a_data_set():
    mask = np.random.default_rng(0).random(X.shape) < 0.7
    loss = [
        compiled().fit(tf.data.Dataset.from_tensor_slices({"x": X, "mask": m}).batch(8), verbose=0).history["loss"]
        for m in (mask, mask.astype("float32"))
    ]
    assert loss[0] == loss[1]
    for width in (1, 4):
        spec = {"x": tf.TensorSpec([None, 6]), "sample_weight": tf.TensorSpec([None, None])}
        data = tf.data.Dataset.from_generator(
            lambda width=width: iter([{"x": X, "sample_weight": np.ones((32, width), "float32")}]),
            output_signature=spec,
        )
        if width == 1:
            compiled().fit(data, verbose=0)
        else:
            with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
                compiled().fit(data, verbose=0)


def test_a_stream_whose_batches_have_other_fields_is_refused_where_it_is_collected():
    batches = [{"x": X[:16]}, {"x": X[16:], "mask": np.ones_like(X[16:])}]
    with pytest.raises(ValueError, match="The batches must have the same fields"):
        kv.evaluation.log_evidence(compiled(), iter(batches), 2)


def test_class_weights_are_of_training_alone_as_in_keras():
    labels, classes = np.arange(32) % 2, {"0": 1.0, 1.0: 5.0}
    split = (
        compiled()
        .fit(X, labels, class_weight=classes, validation_split=0.25, batch_size=8, shuffle=False, verbose=0)
        .history
    )
    apart = (
        compiled()
        .fit(
            X[:24],
            labels[:24],
            class_weight={0: 1.0, 1: 5.0},
            validation_data=X[24:],
            batch_size=8,
            shuffle=False,
            verbose=0,
        )
        .history
    )
    assert split == apart


def test_no_steps_an_epoch_end_as_in_keras():
    assert len(compiled().fit(X, steps_per_epoch=0, verbose=0).history["loss"]) == 1
    with pytest.raises(ValueError, match="`steps_per_epoch` must be >= 0"):
        compiled().fit(X, steps_per_epoch=-1, verbose=0)


def test_a_part_of_a_part_that_training_has_traced_refuses_another_value():
    vae = compiled(objective=kv.objectives.ELBO(kv.schedules.LinearSchedule(0.0, 1.0, steps=4)))
    for part, name, value in (
        (vae.objective.beta, "end", 100.0),
        (vae.encoder, "units", (3,)),
        (vae.encoder, "activation", keras.activations.relu),
        (vae.prior, "latent_dim", 7),
        (kv.objectives.IWELBO(3), "num_samples", 7),
    ):
        with pytest.raises(AttributeError, match=f"`{name}` must be given to the constructor"):
            setattr(part, name, value)


def test_weights_are_refused_where_they_would_not_count():
    with pytest.raises(ValueError, match="`sample_weight` must be left out of `evaluate_vae`"):
        kv.evaluation.evaluate_vae(compiled(), {"x": X, "sample_weight": np.ones(32)}, 2)


def test_values_are_looked_at_by_infer_and_posterior_of_too():
    vae = compiled()
    for verb in (vae.infer, vae.posterior_of, vae.latent_posteriors):
        with pytest.raises(ValueError, match=r"`x` must be in \[0, 1\]"):
            verb(255 * X)


def test_a_likelihood_of_dependent_elements_refuses_a_mask_by_itself():
    class Whole(kv.likelihoods.Bernoulli):
        elements = kv.likelihoods.Likelihood.elements

        def distribution(self, parameters):
            return tfp.distributions.Independent(tfp.distributions.Bernoulli(logits=parameters["logits"]), 1)

    vae = small_vae(likelihood=Whole((6,)))
    with pytest.raises(ValueError, match="`mask` must be left out for the likelihood Whole"):
        vae.encode({"x": X, "mask": np.ones_like(X)})


def test_a_mask_of_one_hot_codes_is_one_of_events():
    vae = small_vae(likelihood=kv.likelihoods.Categorical((6,), 3, encoding="one_hot"))
    x = np.eye(3, dtype="float32")[np.random.default_rng(0).integers(0, 3, (8, 6))]
    assert np.isfinite(vae.score({"x": x, "mask": np.ones((8, 6))}, seed=0)["elbo"]).all()
    with pytest.raises(ValueError, match="`mask` must have the shape of an event"):
        vae.encode({"x": x, "mask": np.ones((8, 6, 3))})


def test_keras_exports_a_conditional_model(tmp_path):
    vae = conditional_vae()
    x, labels = draw(5)
    vae.export(tmp_path / "model", verbose=False)
    served = tf.saved_model.load(tmp_path / "model")
    found = served.serve({"x": tf.constant(x), "condition": tf.constant(labels, tf.float32)})
    np.testing.assert_allclose(found, vae.reconstruct((x, labels)), rtol=1e-5, atol=1e-5)


def test_sparse_data_are_refused():
    with pytest.raises(ValueError, match="`x` must be dense"):
        compiled().fit(tf.sparse.from_dense(X), verbose=0)


def test_a_target_of_nearly_the_shape_of_x_is_not_left_out_as_labels():
    vae = small_vae((2, 3, 1))
    vae.compile("adam")
    x = binary(8, (2, 3, 1))
    for y in (x[..., 0], x.reshape(8, 6)):
        with pytest.raises(ValueError, match=r"`y` must have shape \(batch, 2, 3, 1\) to be the target"):
            vae.fit(x, y, verbose=0)


def test_masks_with_and_without_the_channel_axis_go_through_one_model():
    vae = small_vae((2, 3, 1))
    vae.compile("adam")
    x, mask = binary(8, (2, 3, 1)), np.ones((8, 2, 3, 1))
    first = vae.evaluate({"x": x, "mask": mask}, verbose=0)
    for other in (mask[..., 0], mask[:, :, 0, 0], mask[..., 0].astype(bool)):
        assert vae.evaluate({"x": x, "mask": other}, verbose=0) == first


def test_an_answer_of_an_objective_that_is_not_of_terms_is_refused():
    class Bare(Odd):
        def __call__(self, record, *, step, training):
            return -tf.reduce_mean(record.log_likelihood, axis=0)

    with pytest.raises(TypeError, match="The answer of Bare"):
        compiled(objective=Bare("plain"))


def test_whole_numbers_in_the_first_batches_of_a_stream_cut_no_later_fractions():
    likelihood = kv.likelihoods.Gaussian((6,), scale=1.0)
    vae = compiled(likelihood=likelihood)
    parts = [np.ones((4, 6), "int64"), np.ones((4, 6), "int64"), np.full((4, 6), 0.6), np.full((4, 6), 0.9)]
    weights = [np.ones(4, "int64"), np.ones(4, "int64"), np.full(4, 0.5), np.full(4, 0.9)]

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return len(parts)

        def __getitem__(self, index):
            return parts[index], None, weights[index]

    arrays = {"x": np.concatenate(parts), "sample_weight": np.concatenate(weights)}
    expected = vae.evaluate(arrays, batch_size=4, verbose=0)
    for data in (Batches(), (batch for batch in zip(parts, [None] * 4, weights, strict=True))):
        assert vae.evaluate(data, verbose=0) == pytest.approx(expected, rel=1e-6)


def test_what_a_masked_array_hides_is_a_gap_or_refused():
    hidden = np.random.default_rng(0).random(X.shape) < 0.3
    masked = np.ma.masked_array(np.where(hidden, 1.0 - X, X), hidden)
    with pytest.raises(ValueError, match="`x` must be finite"):
        small_vae().score(masked)
    vae = small_vae(missing=True)
    expected = vae.score(np.where(hidden, np.nan, X), seed=0)["elbo"]
    np.testing.assert_allclose(vae.score(masked, seed=0)["elbo"], expected, rtol=1e-6)


def test_arguments_that_are_none_are_as_settled_as_others():
    vae = compiled(likelihood=kv.likelihoods.Bernoulli((16,), projection=None))
    with pytest.raises(AttributeError, match="`projection` must be given to the constructor of `Bernoulli`"):
        vae.likelihood.projection = "auto"
    with pytest.raises(AttributeError, match="`condition` must be given to the constructor of `VAE`"):
        vae.condition = kv.conditions.Labels(2)
    objective = kv.objectives.SemiSupervised(keras.layers.Dense(3))
    with pytest.raises(AttributeError, match="`class_prior` must be given to the constructor of `SemiSupervised`"):
        objective.class_prior = (0.2, 0.3, 0.5)


def test_y_is_a_condition_of_a_row_for_each_example_and_never_of_one_for_all():
    vae = small_vae(condition=kv.conditions.Vector(3))
    vae.compile("adam")
    with pytest.raises(ValueError, match=r"`condition` must have shape \(batch, 3\)"):
        vae.train_on_batch(X[:3], np.array([1.0, 2.0, 3.0]))
    one = vae.evaluate({"x": X[:3], "condition": np.array([1.0, 2.0, 3.0])}, verbose=0)
    assert one == vae.evaluate(X[:3], np.tile([1.0, 2.0, 3.0], (3, 1)), verbose=0)


def test_a_gap_of_the_target_hides_nothing_from_the_encoder():
    vae = small_vae(missing=True)
    target = np.where(np.arange(6) < 3, np.nan, X)
    for verb in (vae.encode, vae.reconstruct):
        np.testing.assert_array_equal(verb((X, target)), verb(X))


def test_whole_weights_and_boolean_masks_pass_data_sets_and_single_batches():
    vae, mask = compiled(missing=True), np.random.default_rng(0).random(X.shape) < 0.7
    fields = {"x": X, "mask": mask, "sample_weight": np.arange(32)}
    expected = vae.evaluate(fields, batch_size=8, verbose=0)
    found = vae.evaluate(tf.data.Dataset.from_tensor_slices(fields).batch(8), verbose=0)
    assert found == pytest.approx(expected, rel=1e-6)
    record = vae.infer({"x": X, "mask": mask}, seed=0)
    np.testing.assert_array_equal(record.batch.x, np.where(mask, X, 0.0))


def test_tensors_of_unknown_rank_are_refused_with_the_remedy():
    data = tf.data.Dataset.from_generator(lambda: iter([X]), output_types=tf.float32)
    with pytest.raises(ValueError, match="`x` must have a known rank.*`output_signature`"):
        compiled().evaluate(data)


def test_no_batch_is_refused_by_each_verb():
    vae = small_vae()
    for verb in (vae.encode, vae.reconstruct, vae.score, vae.impute, kv.evaluation.evaluate_vae):
        arguments = (vae, iter([])) if verb is kv.evaluation.evaluate_vae else (iter([]),)
        with pytest.raises(ValueError, match="at least one example"):
            verb(*arguments)


@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_a_batch_holds_at_least_one_example(size):
    vae = compiled()
    for options in ({"batch_size": size}, {"validation_data": X, "validation_batch_size": size}):
        with pytest.raises((ValueError, TypeError), match="`batch_size` must be"):
            vae.fit(X, verbose=0, **options)


def test_class_weights_are_of_the_numbers_of_classes():
    vae = compiled()
    for key in (0.7, "a"):
        with pytest.raises(ValueError, match=f"`class_weight` must have the numbers of classes as keys.*{key!r}"):
            vae.fit(X, np.zeros(32, int), class_weight={key: 2.0}, verbose=0)


def test_a_misspelt_weight_is_named():
    for key in ("wieght", "weights", "sample_weigth"):
        with pytest.raises(ValueError, match="Did you mean 'sample_weight'"):
            compiled().fit({"x": X, key: np.ones(32)}, verbose=0)


CODES = np.eye(4, dtype="float32")[np.random.default_rng(0).integers(0, 4, (32, 3))]


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("as_data_set", [False, True], ids=["array", "data set"])
def test_one_hot_rows_with_no_one_or_several_are_refused(number, as_data_set):
    vae = small_vae((3,), likelihood=kv.likelihoods.Categorical((3,), 4, encoding="one_hot"))
    vae.compile("adam", run_eagerly=True)
    wrong = CODES.copy()
    wrong[20, 1] = np.arange(4) < number
    data = tf.data.Dataset.from_tensor_slices(wrong).batch(8) if as_data_set else wrong
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="must hold one 1 and zeros along its last"):
        vae.fit(data, verbose=0)
    mask = np.ones((32, 3), "float32")
    mask[20, 1] = 0.0
    data = {"x": wrong, "mask": mask}
    data = tf.data.Dataset.from_tensor_slices(data).batch(8) if as_data_set else data
    assert np.isfinite(vae.fit(data, verbose=0).history["elbo"]).all()


def test_a_layer_within_two_parts_is_refused_before_it_is_saved(tmp_path):
    shared = keras.layers.Dense(6)
    vae = compiled(
        encoder=keras.Sequential([keras.layers.Dense(5), shared]),
        decoder=keras.Sequential([keras.layers.Dense(5), shared]),
    )
    message = f"must be in one part of the model alone to be saved.*Received: the layer '{shared.name}'"
    with pytest.raises(ValueError, match=message):
        vae.fit(X, callbacks=[kv.callbacks.Checkpoint(tmp_path / "run")], verbose=0)
    with pytest.raises(ValueError, match=message):
        vae.save(tmp_path / "model.keras")
    assert list(tmp_path.iterdir()) == []
    vae.train_on_batch(X)  # all the same


def test_a_term_that_is_logged_in_training_alone_is_refused():
    class Talkative(kv.objectives.ELBO):
        def terms(self, batch, infer, *, step, training):
            terms = super().terms(batch, infer, step=step, training=training)
            return terms._replace(logs={**terms.logs, "extra": terms.loss}) if training else terms

    with pytest.raises(
        ValueError, match=r"must log the same terms in training and outside.*Received: also \['extra'\]"
    ):
        compiled(objective=Talkative()).train_on_batch(X)


def test_class_weights_of_a_distributed_data_set_are_refused():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice())
    with strategy.scope():
        vae = compiled(seed=1)
    data = strategy.experimental_distribute_dataset(tf.data.Dataset.from_tensor_slices((X, X[:, 0])).batch(8))
    with pytest.raises(ValueError, match="`class_weight` must be left out for a distributed data set"):
        vae.fit(data, class_weight={0: 0.0, 1: 0.0}, verbose=0)


def test_the_target_counts_in_the_class_posterior_in_each_form():
    vae, (clean, labels) = conditional_vae(), draw(8)
    noisy = clean + np.float32(0.5)
    options = {"num_samples": 20, "seed": 0}
    expected = kv.evaluation.class_posterior(vae, {"x": noisy, "target": clean}, **options)
    for data in ((noisy, clean), ({"x": noisy, "condition": labels}, clean)):
        np.testing.assert_array_equal(kv.evaluation.class_posterior(vae, data, **options), expected)
    assert np.abs(expected - kv.evaluation.class_posterior(vae, (noisy, labels), **options)).max() > 1e-3


def test_options_of_the_evidence_that_would_have_no_effect_are_refused():
    vae = compiled()
    with pytest.raises(ValueError, match='must be left out unless method="ais"'):
        kv.evaluation.log_evidence(vae, X, 5, num_steps=7)
    with pytest.raises(ValueError, match="`sample_weight` must be left out of `rate_distortion`"):
        kv.evaluation.rate_distortion({1.0: vae}, {"x": X, "sample_weight": np.ones(32)})
    with pytest.raises(ValueError, match='`prior` must be left out with method="classifier"'):
        kv.evaluation.class_posterior(conditional_vae(), draw(8)[0], [1.0, 0.0, 0.0], method="classifier")


def test_a_list_of_callbacks_that_keras_made_serves_too():
    vae, seen = compiled(), []
    own = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    vae.fit(X, epochs=2, callbacks=keras.callbacks.CallbackList([own], model=vae), verbose=0)
    assert seen == [0, 1]


def test_uint8_of_zeros_and_ones_is_remarked_on(monkeypatch, caplog):
    monkeypatch.setattr(values, "_REMARKS", set())
    kv.data.binarize(X.astype("uint8"))
    assert "`images` are uint8 from 0 to 1 and are divided by 255" in caplog.text


def test_a_mask_in_the_place_of_a_target_is_refused():
    vae = compiled(missing=True)
    with pytest.raises(ValueError, match="`y` must be a target; a mask has a name"):
        vae.fit(X, X > 0, verbose=0)


def test_a_data_frame_with_empty_cells_of_any_kind_is_an_array_with_gaps():
    pandas = pytest.importorskip("pandas")
    columns = {
        "whole": pandas.array([None, *X[1:, 0].astype(int)], dtype="Int64"),
        "truth": pandas.array([True, None, *(X[2:, 1] > 0)], dtype="boolean"),
        **{str(column): X[:, column] for column in range(2, 6)},
    }
    gappy = X.copy()
    gappy[0, 0] = gappy[1, 1] = np.nan
    gappy[0, 1] = 1.0
    vae = compiled(missing=True)
    np.testing.assert_array_equal(vae.encode(pandas.DataFrame(columns)), vae.encode(gappy))
    with pytest.raises(ValueError, match="must be numeric for the model"):
        vae.encode(pandas.DataFrame({**columns, "2": list("ab" * 16)}))


def test_labels_come_as_numbers_or_by_their_names():
    names = ("Shirt", "Bag", "Ankle boot")  # whose order is not that of the alphabet
    found = []
    labels = np.arange(32) % 3
    words = [names[label].lower() for label in labels]
    for given in (labels, words, np.array(words), np.array(words, object)):
        keras.utils.set_random_seed(0)
        vae = small_vae(condition=kv.conditions.Labels(3, names=names))
        vae.compile(keras.optimizers.SGD(0.05), run_eagerly=True)
        vae.fit(X, given, verbose=0)
        found.append([*vae.get_weights(), vae.encode({"x": X, "condition": given}), vae.encode((X, given))])
    for one in found[1:]:
        for expected, values_of_one in zip(found[0], one, strict=True):
            np.testing.assert_array_equal(values_of_one, expected)
    with pytest.raises(ValueError, match="must be among .* Did you mean 'Shirt'"):
        vae.fit(X, ["shirtt"] * 32, verbose=0)


def test_a_condition_as_large_as_x_needs_its_name():
    vae = small_vae(condition=kv.conditions.Vector(6))
    vae.compile("adam")
    with pytest.raises(ValueError, match="Received: None, for what is as large as x is the target"):
        vae.fit(X, X.copy(), verbose=0)


@pytest.mark.parametrize("last", [keras.layers.Dense(3, "softmax"), keras.layers.Softmax()], ids=["dense", "layer"])
def test_a_classifier_that_ends_in_probabilities_is_refused(last):
    objective = kv.objectives.SemiSupervised(keras.Sequential([keras.layers.Dense(3), last]))
    with pytest.raises(ValueError, match="`classifier` must end in logits.* Received: the activation softmax"):
        compiled(condition=kv.conditions.Labels(3), objective=objective)


def test_a_laplace_posterior_serves_below_the_top_of_a_hierarchy():
    laplace = [kv.posteriors.Laplace(3), kv.posteriors.Laplace(2)]
    vae = hierarchy(posteriors=laplace, objective=kv.objectives.ELBO(kl="monte_carlo", num_samples=3))
    vae.compile("adam", run_eagerly=True)
    assert np.isfinite(vae.fit(X, verbose=0).history["elbo"]).all()
    z = vae.infer(X, num_samples=3, seed=0).latents[0].z
    assert z.shape[-2:] == (32, 3)
    assert len(np.unique(z)) == np.size(z)  # no number is drawn twice


def test_parts_of_a_sequence_cannot_be_put_in_one_by_one():
    vae = hierarchy()
    with pytest.raises(TypeError, match="does not support item assignment"):
        vae.encoders[1] = vae.encoders[0]


def test_layers_that_our_parts_make_are_not_called_unregistered(tmp_path, caplog):
    hierarchy().save(tmp_path / "model.keras")
    assert "not registered" not in caplog.text
