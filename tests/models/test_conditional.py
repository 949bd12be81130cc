"""A condition reaches every part through every door, and log p(x|c) is exact where the model is."""

import functools

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

import keras_vae as kv
from tests import oracles
from tests.again import Again
from tests.conditional_gaussian import CLASSES, LATENT, MODEL, OFFSETS, SIZE, conditional_vae, draw, log_evidence

X, LABELS = draw(70)
DICTIONARY = {"x": X, "condition": LABELS}


class Batches(keras.utils.PyDataset):
    """Batches of dictionaries, by their number."""

    def __len__(self):
        return -(-len(X) // 16)

    def __getitem__(self, index):
        rows = slice(16 * index, 16 * index + 16)
        return {"x": X[rows], "condition": LABELS[rows]}


def batches():
    """Yield batches as tuples for ever."""
    while True:
        for start in range(0, len(X), 16):
            yield X[start : start + 16], LABELS[start : start + 16]


DOORS = {
    "y": lambda: {"x": X, "y": LABELS},
    "column_y": lambda: {"x": (X, LABELS)},
    "dictionary": lambda: {"x": DICTIONARY},
    "batch": lambda: {"x": kv.core.Batch(X, LABELS)},
    "data_set_of_tuples": lambda: {"x": tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(16)},
    "data_set_of_dictionaries": lambda: {"x": tf.data.Dataset.from_tensor_slices(DICTIONARY).batch(16)},
    "pipeline": lambda: {"x": kv.data.pipeline(X, labels=LABELS, batch_size=16)},
    "py_data_set": lambda: {"x": Batches()},
    "generator": lambda: {"x": batches(), "steps_per_epoch": 5},
}


def steps_of(door):
    """Return how a door is read once, to its end."""
    made = DOORS[door]()
    return {("steps" if name == "steps_per_epoch" else name): value for name, value in made.items()}


@pytest.fixture(scope="module")
def vae():
    """The model with the exact posterior, for tests that leave its weights alone."""
    vae = conditional_vae()
    vae.compile("adam")
    return vae


@functools.cache
def again():
    vae = conditional_vae(exact=False)
    vae.compile(keras.optimizers.Adam(0.05))
    return Again(vae)


def trained(**data):
    keras.utils.set_random_seed(0)
    vae = again()()
    vae.fit(**data, batch_size=None if hasattr(data["x"], "element_spec") else 16, shuffle=False, epochs=2, verbose=0)
    return vae


@pytest.fixture(scope="module")
def expected():
    return trained(x=X, y=LABELS).get_weights()


@pytest.mark.parametrize("door", DOORS)
def test_every_door_trains_the_same_conditional_model(door, expected):
    for one, other in zip(trained(**DOORS[door]()).get_weights(), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_evaluates_and_predicts_the_same(door, vae):
    np.testing.assert_allclose(
        vae.evaluate(**steps_of(door), batch_size=16, verbose=0), vae.evaluate(X, LABELS, batch_size=16, verbose=0)
    )
    data = steps_of(door)
    if data.pop("y", None) is not None:
        data["x"] = DICTIONARY
    reconstruction = vae.predict(**data, batch_size=16, verbose=0)
    np.testing.assert_allclose(reconstruction, vae.reconstruct(DICTIONARY), rtol=1e-5, atol=1e-5)


def test_the_evidence_is_exact_with_the_exact_posterior(vae):
    exact = log_evidence(X, LABELS)
    np.testing.assert_allclose(kv.evaluation.log_evidence(vae, DICTIONARY, 20, seed=0), exact, atol=2e-4)
    data = tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(16)
    np.testing.assert_allclose(kv.evaluation.log_evidence(vae, data, 20, seed=0), exact, atol=2e-4)
    for method, number, options in (("prior", 20_000, {}), ("ais", 64, {"num_steps": 200})):
        found = kv.evaluation.log_evidence(
            vae, {"x": X[:8], "condition": LABELS[:8]}, number, method, seed=0, **options
        )
        np.testing.assert_allclose(found, exact[:8], atol=0.25)


def test_elbo_plus_gap_is_the_evidence_and_another_label_has_another_one(vae):
    found = kv.evaluation.evaluate_vae(vae, DICTIONARY, 20, elbo_samples=2000, seed=0)
    assert found.log_evidence == pytest.approx(log_evidence(X, LABELS).mean(), abs=1e-3)
    assert abs(found.gap) < 0.02  # q is exact
    others = (LABELS + 1) % CLASSES
    swapped = kv.evaluation.log_evidence(vae, {"x": X, "condition": others}, 5000, seed=0)
    exact = log_evidence(X, others)
    assert np.mean(swapped) == pytest.approx(exact.mean(), abs=0.05)
    assert np.mean(swapped) < found.log_evidence - 1.0


def test_verbs_take_the_condition(vae):
    z = vae.encode(DICTIONARY)
    assert z.shape == (len(X), LATENT)
    np.testing.assert_allclose(vae.decode(z, LABELS), vae.reconstruct((X, LABELS)), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(vae.decode(z, 1), vae.decode(z, np.ones(len(z), int)))
    assert set(vae.score(DICTIONARY, seed=0)) == {"elbo", "rate", "distortion"}
    posterior = vae.posterior_of(DICTIONARY)
    np.testing.assert_allclose(posterior.mean(), z, rtol=1e-5, atol=1e-5)


def test_generated_observations_have_the_moments_of_their_label(vae):
    for label in range(CLASSES):
        x = vae.generate(4000, condition=label, sample=True, seed=1)
        deviation = np.sqrt(np.diag(MODEL.marginal.cov))
        np.testing.assert_array_less(np.abs(x.mean(axis=0) - OFFSETS[label]), 4 * deviation / np.sqrt(len(x)))
        np.testing.assert_allclose(x.std(axis=0), deviation, rtol=0.06)
    each = vae.generate(CLASSES, condition=np.arange(CLASSES), seed=1)
    assert each.shape == (CLASSES, SIZE)


def test_the_condition_says_how_many_are_generated(vae):
    each = vae.generate(condition=range(CLASSES), seed=1)
    np.testing.assert_array_equal(each, vae.generate(CLASSES, condition=[0, 1, 2], seed=1))
    assert vae.generate(condition=2).shape == (1, SIZE)
    assert vae.generate(condition=[2]).shape == (1, SIZE)
    with pytest.raises(ValueError, match="`condition` must have one row for each of 64. Received: 3"):
        vae.generate(64, condition=range(CLASSES))


def test_one_condition_serves_all_examples(vae):
    label = np.full(len(X), 1)
    for one, each in (
        (vae.encode({"x": X, "condition": 1}), vae.encode((X, label))),
        (vae.score({"x": X, "condition": 1}, seed=0)["elbo"], vae.score((X, label), seed=0)["elbo"]),
    ):
        np.testing.assert_array_equal(one, each)
    found = kv.evaluation.log_evidence(vae, {"x": X, "condition": 1}, 20, seed=0)
    np.testing.assert_allclose(found, log_evidence(X, label), atol=2e-4)
    vector = conditional_vae(exact=False, condition=kv.conditions.Vector(CLASSES))
    codes = np.eye(CLASSES)[label]
    np.testing.assert_array_equal(vector.encode({"x": X, "condition": codes[0]}), vector.encode((X, codes)))


def test_a_reconstruction_under_another_condition_keeps_z_and_changes_what_the_condition_explains(vae):
    others = (LABELS + 1) % CLASSES
    shift = OFFSETS[others] - OFFSETS[LABELS]
    factual = vae.reconstruct(DICTIONARY)
    np.testing.assert_allclose(vae.reconstruct(DICTIONARY, others), factual + shift, atol=1e-5)
    np.testing.assert_allclose(vae.reconstruct(DICTIONARY, LABELS), factual, atol=1e-5)
    np.testing.assert_allclose(vae.reconstruct(DICTIONARY, 2), factual - OFFSETS[LABELS] + OFFSETS[2], atol=1e-5)
    with pytest.raises(ValueError, match="`condition` must be left out for this model"):
        vae_of_x().reconstruct(X, 1)


def vae_of_x():
    """Make a model without a condition."""
    return conditional_vae(
        exact=False, condition=None, decoder=keras.layers.Dense(SIZE), encoder=keras.layers.Identity()
    )


def exact_class_posterior(x, prior):
    joint = np.stack([log_evidence(x, np.full(len(x), label)) for label in range(CLASSES)], axis=1) + np.log(prior)
    return scipy.special.softmax(joint, axis=1)


@pytest.mark.parametrize("prior", [None, [0.6, 0.3, 0.1]], ids=["uniform", "given"])
def test_the_class_posterior_is_exact_with_the_exact_posterior(prior, vae):
    exact = exact_class_posterior(X, np.full(CLASSES, 1 / CLASSES) if prior is None else prior)
    for data in (X, DICTIONARY, kv.core.Batch(X, LABELS)):
        np.testing.assert_allclose(kv.evaluation.class_posterior(vae, data, prior, 10, seed=0), exact, atol=2e-4)


def test_the_class_posterior_with_another_q_is_exact_within_its_standard_error():
    vae = conditional_vae()
    kernel, bias = vae.posterior.projection.get_weights()
    bias[LATENT:] += 2 * np.log(1.3)
    kernel[SIZE:, :LATENT] += 0.2 * np.eye(CLASSES, LATENT)  # the same error for each class would cancel
    vae.posterior.projection.set_weights([kernel, bias])
    between = np.argsort(exact_class_posterior(X, np.ones(CLASSES)).max(axis=1))[:6]  # the least certain ones
    found = [kv.evaluation.class_posterior(vae, X[between], num_samples=500, seed=seed) for seed in range(50)]
    oracles.assert_mean_within_standard_errors(found, exact_class_posterior(X[between], np.ones(CLASSES)))


def test_the_class_posterior_of_what_is_observed_is_exact(vae):
    mask = np.ones_like(X)
    mask[:, 2:] = 0
    found = kv.evaluation.class_posterior(vae, {"x": X, "mask": mask}, num_samples=20_000, seed=0)
    marginals = [scipy.stats.multivariate_normal(offset[:2], MODEL.marginal.cov[:2, :2]) for offset in OFFSETS]
    exact = scipy.special.softmax(np.stack([marginal.logpdf(X[:, :2]) for marginal in marginals], axis=1), axis=1)
    np.testing.assert_allclose(found, exact, atol=0.05)


@pytest.mark.parametrize(
    ("make", "options", "error", "message"),
    [
        (vae_of_x, {}, TypeError, "`vae.condition` must be `keras_vae.conditions.Labels`"),
        (conditional_vae, {"prior": [0.5, 0.5]}, ValueError, r"`prior` must be probabilities of shape \(3,\) or"),
        (conditional_vae, {"prior": [0.5, 0.6, 0.5]}, ValueError, "`prior` must be probabilities .* of the sum 1"),
    ],
)
def test_a_class_posterior_that_cannot_be_is_refused(make, options, error, message):
    with pytest.raises(error, match=message):
        kv.evaluation.class_posterior(make(), X, **options)


def test_a_file_and_an_export_answer_as_the_model_does(tmp_path):
    vae = conditional_vae()
    vae.compile("adam")
    vae.save(tmp_path / "model.keras")
    loaded = kv.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.reconstruct(DICTIONARY), vae.reconstruct(DICTIONARY), atol=1e-6)
    served = tf.saved_model.load(kv.export.saved_model(vae, tmp_path / "served")).signatures
    labels = tf.constant(LABELS, tf.int32)
    found = served["reconstruct"](x=tf.constant(X), condition=labels)["reconstruction"]
    np.testing.assert_allclose(found, vae.reconstruct(DICTIONARY), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        served["decode"](z=tf.constant(vae.encode(DICTIONARY)), condition=labels)["mean"],
        vae.reconstruct(DICTIONARY),
        rtol=1e-5,
        atol=1e-5,
    )
    seeds = tf.stack([tf.range(len(X)), tf.range(len(X))], axis=1)
    assert served["generate"](seed=seeds, condition=labels)["mean"].shape == (len(X), SIZE)
    elbo = served["score"](x=tf.constant(X), condition=labels, seed=seeds)["elbo"].numpy()
    assert elbo.mean() == pytest.approx(log_evidence(X, LABELS).mean(), abs=0.5)


def test_a_run_with_a_condition_resumes(tmp_path):
    def run(epochs, checkpoint):
        keras.utils.set_random_seed(3)
        vae = checkpoint.restore()
        if vae is None:
            vae = conditional_vae(exact=False)
            vae.compile(keras.optimizers.Adam(0.05))
        vae.fit(X, LABELS, batch_size=16, epochs=epochs, callbacks=[checkpoint], verbose=0)
        return vae.get_weights()

    uncut = run(4, kv.callbacks.Checkpoint(tmp_path / "uncut"))
    run(2, kv.callbacks.Checkpoint(tmp_path / "cut"))
    for one, other in zip(run(4, kv.callbacks.Checkpoint(tmp_path / "cut")), uncut, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.soak
def test_two_replicas_train_a_conditional_model_as_one():
    def weights(num_replicas):
        devices = [f"CPU:{i}" for i in range(num_replicas)]
        strategy = tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice())
        with strategy.scope():
            keras.utils.set_random_seed(1)
            quiet = kv.posteriors.DiagonalGaussian(LATENT, log_var_range=(-40.0, -39.9))
            vae = conditional_vae(exact=False, posterior=quiet)
            vae.compile(keras.optimizers.SGD(0.01))
        vae.fit(X, LABELS, batch_size=16, epochs=2, verbose=0)
        return vae.get_weights()

    for one, two in zip(weights(1), weights(2), strict=True):
        np.testing.assert_allclose(two, one, atol=2e-5)


def test_callbacks_measure_with_the_condition():
    vae = conditional_vae()
    vae.compile(keras.optimizers.SGD(0.0))
    watch = [kv.callbacks.CollapseMonitor(DICTIONARY), kv.callbacks.KLCrossCheck((X, LABELS), num_samples=100)]
    history = vae.fit(X, LABELS, verbose=0, callbacks=watch).history
    assert history["kl_closed_form"][0] == pytest.approx(history["kl_loss"][0], rel=1e-4)


def test_a_conditional_prior_is_the_one_of_its_condition():
    prior = kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((5,)))
    vae = conditional_vae(exact=False, prior=prior)
    vae.compile("adam")
    vae.fit(X, LABELS, verbose=0)
    record = vae.infer(DICTIONARY, seed=0)
    means = record.latents[0].prior.mean().numpy()  # (batch, latent)
    assert all(np.ptp(means[label == LABELS], axis=0).max() < 1e-6 for label in range(CLASSES))
    assert np.ptp(means, axis=0).min() > 1e-4
    assert vae.generate(6, condition=[0, 1, 2, 0, 1, 2], seed=0).shape == (6, SIZE)
    assert np.isfinite(kv.evaluation.log_evidence(vae, DICTIONARY, 10, seed=0)).all()


def test_the_evidence_under_a_conditional_prior_is_exact():
    means = np.random.default_rng(3).normal(size=(CLASSES, LATENT))
    vae = conditional_vae(prior=kv.priors.ConditionalGaussian(keras.layers.Identity()))
    vae.prior.projection.set_weights([np.hstack([means, np.zeros_like(means)]), np.zeros(2 * LATENT)])
    kernel, bias = vae.posterior.projection.get_weights()
    kernel[SIZE:, :LATENT] += means @ MODEL.posterior_covariance  # p(z|x, c) is drawn to the prior's mean
    vae.posterior.projection.set_weights([kernel, bias])
    shift = (means @ MODEL.weights.T)[LABELS]
    exact = log_evidence(X - shift, LABELS)
    np.testing.assert_allclose(kv.evaluation.log_evidence(vae, DICTIONARY, 10, seed=0), exact, atol=2e-4)
    found = kv.evaluation.log_evidence(vae, {"x": X[:8], "condition": LABELS[:8]}, 64, "ais", num_steps=200, seed=0)
    np.testing.assert_allclose(found, exact[:8], atol=0.25)
    x = vae.generate(4000, condition=1, sample=True, seed=1)
    oracles.assert_mean_within_standard_errors(x, OFFSETS[1] + means[1] @ MODEL.weights.T)


def test_the_evidence_of_a_hierarchy_under_a_condition_is_exact_within_its_standard_error():
    # z_2 ~ N(m_c, 1), z_1 ~ N(a z_2 + n_c, 0.5^2), x ~ N(w z_1 + b_c, 0.7^2 I).
    generator = np.random.default_rng(8)
    m, n, b, w, a = (
        *generator.normal(size=(2, CLASSES)),
        generator.normal(size=(CLASSES, 2)),
        np.array([1.0, -0.6]),
        0.8,
    )
    z_1, z_2, c = keras.Input((1,)), keras.Input((1,)), keras.Input((CLASSES,))
    decoder = keras.Model([z_1, z_2, c], keras.layers.Dense(2)(keras.layers.Concatenate()([z_1, z_2, c])))
    vae = kv.HierarchicalVAE(
        encoders=[kv.networks.JoinedMLP((4,), (4,)), kv.networks.MLPEncoder((4,))],
        posteriors=[kv.posteriors.DiagonalGaussian(1), kv.posteriors.DiagonalGaussian(1)],
        priors=[
            kv.priors.ConditionalGaussian(layer) for layer in (keras.layers.Concatenate(), keras.layers.Identity())
        ],
        decoder=decoder,
        likelihood=kv.likelihoods.Gaussian((2,), scale=0.7, projection=None),
        condition=kv.conditions.Labels(CLASSES),
        seed=0,
    )
    vae.build()
    decoder.set_weights([np.vstack([w, np.zeros(2), b]), np.zeros(2)])
    lower = np.concatenate([[a], n])[:, None]
    vae.priors[0].projection.set_weights([np.hstack([lower, np.zeros_like(lower)]), np.array([0.0, 2 * np.log(0.5)])])
    vae.priors[1].projection.set_weights([np.hstack([m[:, None], np.zeros((CLASSES, 1))]), np.zeros(2)])
    covariance = np.outer(w, w) * (a**2 + 0.25) + 0.49 * np.eye(2)
    x, labels = generator.normal(0.0, 1.5, (9, 2)).astype("float32"), np.arange(9) % CLASSES
    marginals = [scipy.stats.multivariate_normal(w * (a * m[k] + n[k]) + b[k], covariance) for k in range(CLASSES)]
    exact = np.array([marginals[label].logpdf(row) for row, label in zip(x, labels, strict=True)])
    for method in ("prior", "importance"):
        found = [kv.evaluation.log_evidence(vae, (x, labels), 500, method, seed=seed) for seed in range(40)]
        oracles.assert_mean_within_standard_errors(np.exp(np.array(found) - exact), 1.0)  # p(x|c) without bias
    drawn = vae.generate(4000, condition=2, sample=True, seed=0)
    oracles.assert_mean_within_standard_errors(drawn, marginals[2].mean)


@pytest.mark.parametrize("prior", [kv.priors.GaussianMixture(3), None], ids=["mixture", "standard"])
def test_priors_without_the_condition_serve_conditional_models(prior):
    objective = kv.objectives.ELBO(kl="monte_carlo")
    vae = conditional_vae(exact=False, prior=prior, objective=objective)
    vae.compile("adam")
    vae.fit(X, LABELS, verbose=0)
    assert np.isfinite(kv.evaluation.log_evidence(vae, DICTIONARY, 10, seed=0)).all()


def functional(*shapes):
    """Make a model of inputs of these shapes."""
    inputs = [keras.Input(shape) for shape in shapes]
    joined = keras.layers.Concatenate()(inputs) if len(inputs) > 1 else inputs[0]
    return keras.Model(inputs, keras.layers.Dense(SIZE)(joined))


@pytest.mark.parametrize(
    ("name", "network", "takes"),
    [
        ("encoder", functional((SIZE,)), rf"x of shape \(batch, {SIZE}\) and condition of shape \(batch, {CLASSES}\)"),
        ("encoder", functional((SIZE,), (CLASSES + 1,)), "in a list: a functional model of the inputs"),
        ("encoder", keras.layers.Dense(3), "in a list: a functional model of the inputs"),
        ("encoder", keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)]), "in a list"),
        ("decoder", functional((LATENT,)), rf"keras.Input\(\({LATENT},\)\), keras.Input\(\({CLASSES},\)\)"),
        ("decoder", functional((LATENT + 1,), (CLASSES,)), rf"z of shape \(batch, {LATENT}\) and condition"),
    ],
)
def test_a_network_that_does_not_take_the_condition_or_z_is_refused_in_our_words(name, network, takes):
    message = f"`{name}` must take .*{takes}.* Received: the {type(network).__name__} '{network.name}', which says: .+"
    with pytest.raises(ValueError, match=message):
        conditional_vae(exact=False, **{name: network})


def test_a_functional_model_of_x_and_the_condition_trains():
    vae = conditional_vae(exact=False, encoder=functional((SIZE,), (CLASSES,)))
    vae.compile("adam")
    assert np.isfinite(vae.fit(X, LABELS, verbose=0).history["loss"][0])


REFUSED = {
    "no condition": (lambda vae: vae.fit(X, verbose=0), "`condition` must be given for the condition Labels"),
    "no condition in a data set": (
        lambda vae: vae.evaluate(tf.data.Dataset.from_tensor_slices(X).batch(8), verbose=0),
        "`condition` must be given",
    ),
    "encode": (lambda vae: vae.encode(X), "`condition` must be given"),
    "generate": (lambda vae: vae.generate(3), "`condition` must be given"),
    "decode": (lambda vae: vae.decode(np.zeros((3, LATENT))), "`condition` must be given"),
    "evidence": (lambda vae: kv.evaluation.log_evidence(vae, X, 2), "`condition` must be given"),
    "a class too many": (lambda vae: vae.fit(X, LABELS + 1, verbose=0), r"`condition` must be in \[0, 2\]"),
    "half a class": (lambda vae: vae.fit(X, LABELS + 0.5, verbose=0), "`condition` must be in|whole numbers"),
    "too few": (lambda vae: vae.fit(X, LABELS[:9], verbose=0), "must have one row for each of the 70 examples"),
    "given twice": (
        lambda vae: vae.fit(DICTIONARY, LABELS, verbose=0),
        "`condition` must be given once",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_condition_that_does_not_fit_is_refused_before_anything(case):
    vae = conditional_vae()
    vae.compile("adam")
    before = vae.get_weights()
    call, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        call(vae)
    assert int(vae.optimizer.iterations) == 0
    for one, other in zip(vae.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_class_out_of_range_in_a_data_set_is_refused_as_it_is_read():
    vae = conditional_vae()
    vae.compile("adam")
    data = tf.data.Dataset.from_tensor_slices((X, LABELS + 1)).batch(16)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`condition` must be in \[0, 2\]"):
        vae.fit(data, verbose=0)
