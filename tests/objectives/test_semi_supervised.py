"""`SemiSupervised`, on the exact model: there log p(x), with the label summed out, is known."""

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

import keras_vae as kv
from keras_vae.evaluation import class_posterior
from tests.conditional_gaussian import CLASSES, MODEL, OFFSETS, conditional_vae, draw, log_evidence

X, LABELS = draw(40)
PRIOR = np.array([0.5, 0.2, 0.3])
# log p(x, y) of each class, (n, classes)
LOG_JOINT = np.stack([log_evidence(X, np.full(len(X), k)) for k in range(CLASSES)], axis=1) + np.log(PRIOR)
LOG_EVIDENCE = scipy.special.logsumexp(LOG_JOINT, axis=1)
SOME = np.where(np.arange(len(X)) % 2, LABELS, -1)


def classifier(exact=True):
    """Make q(y|x), with the exact logits: the classes share a covariance, so that they are linear in x."""
    layer = keras.layers.Dense(CLASSES)
    layer.build((None, X.shape[1]))
    if exact:
        precision = np.linalg.inv(MODEL.marginal.cov)
        bias = np.log(PRIOR) - 0.5 * np.einsum("ki,ij,kj->k", OFFSETS, precision, OFFSETS)
        layer.set_weights([precision @ OFFSETS.T, bias])
    return layer


def model(exact=True, inner=None, **arguments):
    inner = inner or kv.objectives.ELBO(kl="monte_carlo")  # with the exact q each sample gives log p(x|y)
    objective = kv.objectives.SemiSupervised(classifier(exact), objective=inner, class_prior=PRIOR, **arguments)
    vae = conditional_vae(objective=objective)
    vae.compile(keras.optimizers.SGD(0.01))
    return vae


@pytest.mark.parametrize("inner", [None, kv.objectives.IWELBO(3)], ids=["elbo", "iwelbo"])
@pytest.mark.parametrize("labels", [np.full(len(X), -1), SOME, LABELS], ids=["none", "some", "all"])
def test_the_elbo_is_the_evidence_of_x_however_many_labels_are_known(labels, inner):
    vae = model(inner=inner)
    scores = vae.score((X, labels), seed=0)
    np.testing.assert_allclose(scores["elbo"], LOG_EVIDENCE, atol=1e-3)
    np.testing.assert_allclose(scores["elbo"], -scores["rate"] - scores["distortion"], atol=1e-3)


def test_the_loss_is_of_x_and_y_where_the_label_is_known_and_of_x_where_it_is_missing():
    vae = model(classification_weight=3.0)
    rows, known = np.arange(len(X)), SOME >= 0
    log_q = LOG_JOINT - LOG_EVIDENCE[:, None]  # the classifier is exact
    expected = np.where(known, -LOG_JOINT[rows, LABELS] - 3.0 * log_q[rows, LABELS], -LOG_EVIDENCE)
    found = vae.evaluate(X, SOME, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(expected.mean(), abs=1e-3)
    assert found["classification_loss"] == pytest.approx(np.mean(-log_q[rows, LABELS] * known), abs=1e-4)
    np.testing.assert_allclose(class_posterior(vae, X, method="classifier"), np.exp(log_q), atol=1e-5)


def test_with_another_classifier_the_bound_lacks_its_divergence_from_the_class_posterior():
    vae = model(exact=False)
    q, exact = class_posterior(vae, X, method="classifier"), np.exp(LOG_JOINT - LOG_EVIDENCE[:, None])
    gap = np.sum(scipy.special.rel_entr(q, exact), axis=1)
    assert gap.min() > 0
    np.testing.assert_allclose(vae.score((X, SOME), seed=0)["elbo"], LOG_EVIDENCE - gap, atol=1e-3)


def test_weights_weigh_examples_and_not_their_classes():
    vae = model(inner=kv.objectives.ELBO(kl="monte_carlo", num_samples=2))
    weights = np.arange(len(X)) / 7
    found = vae.evaluate(X, SOME, sample_weight=weights, verbose=0, return_dict=True)
    assert found["elbo"] == pytest.approx(np.average(LOG_EVIDENCE, weights=weights), abs=1e-3)


def test_an_optimal_scale_counts_each_class_by_its_share():
    likelihood = kv.likelihoods.Gaussian((X.shape[1],), scale="optimal", projection=None)
    objective = kv.objectives.SemiSupervised(classifier(), class_prior=PRIOR)
    quiet = kv.posteriors.DiagonalGaussian(2, log_var_range=(-40.0, -39.9))
    vae = conditional_vae(objective=objective, likelihood=likelihood, posterior=quiet)
    vae.compile(keras.optimizers.SGD(0.0))
    vae.fit(X, SOME, batch_size=len(X), verbose=0)
    errors = np.stack([np.square(X - vae.reconstruct({"x": X, "condition": k})) for k in range(CLASSES)])
    shares = np.where(SOME[:, None] >= 0, np.eye(CLASSES)[SOME], class_posterior(vae, X, method="classifier"))
    assert float(vae.likelihood.average) / float(vae.likelihood.average_weight) == pytest.approx(
        np.einsum("knd,nk->", errors, shares) / X.size, rel=1e-4
    )


def test_training_learns_the_classes_from_few_labels():
    x, labels = draw(600, seed=3)
    some = np.where(np.arange(600) < 30, labels, -1)
    keras.utils.set_random_seed(1)
    objective = kv.objectives.SemiSupervised(classifier(exact=False), classification_weight=10.0)
    vae = conditional_vae(exact=False, objective=objective)
    vae.compile(keras.optimizers.Adam(0.02))
    vae.fit(np.tile(x, (15, 1)), np.tile(some, 15), batch_size=50, verbose=0)
    test_x, test_labels = draw(1000, seed=4)
    marginals = np.stack([log_evidence(test_x, np.full(1000, k)) for k in range(CLASSES)], axis=1)
    best = np.mean(marginals.argmax(axis=1) == test_labels)  # Bayes's own rate
    assert np.mean(class_posterior(vae, test_x, method="classifier").argmax(axis=1) == test_labels) > best - 0.03


def test_a_file_brings_the_classifier_back(tmp_path):
    vae = model(exact=False)
    vae.fit(X, SOME, verbose=0)
    vae.save(tmp_path / "model.keras")
    loaded = kv.load_model(tmp_path / "model.keras")
    found = [class_posterior(one, X, method="classifier") for one in (loaded, vae)]
    np.testing.assert_array_equal(*found)
    assert loaded.evaluate(X, SOME, verbose=0) == pytest.approx(vae.evaluate(X, SOME, verbose=0))
    np.testing.assert_array_equal(loaded.trainable_variables[-1], vae.trainable_variables[-1])


def test_an_exported_score_takes_missing_labels(tmp_path):
    vae = model()
    served = tf.saved_model.load(kv.export.saved_model(vae, tmp_path / "served")).signatures
    given = {"x": tf.constant(X), "seed": tf.zeros([len(X), 2], tf.int32)}
    found = served["score"](condition=tf.constant(SOME, tf.int32), **given)
    np.testing.assert_allclose(found["elbo"], LOG_EVIDENCE, atol=1e-3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`condition` must be in"):
        served["encode"](x=given["x"], condition=tf.constant(SOME, tf.int32))


@pytest.mark.soak
def test_two_replicas_train_as_one():
    def weights(num_replicas):
        devices = [f"CPU:{i}" for i in range(num_replicas)]
        strategy = tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice())
        with strategy.scope():
            keras.utils.set_random_seed(1)
            quiet = kv.posteriors.DiagonalGaussian(2, log_var_range=(-40.0, -39.9))
            objective = kv.objectives.SemiSupervised(keras.layers.Dense(CLASSES), classification_weight=2.0)
            vae = conditional_vae(exact=False, posterior=quiet, objective=objective)
            vae.compile(keras.optimizers.SGD(0.01))
        vae.fit(X, SOME, batch_size=16, epochs=2, verbose=0)
        return vae.get_weights()

    for one, two in zip(weights(1), weights(2), strict=True):
        np.testing.assert_allclose(two, one, atol=2e-5)


def test_a_data_set_with_missing_labels_trains():
    vae = model(exact=False)
    data = tf.data.Dataset.from_tensor_slices((X, SOME)).batch(8)
    history = vae.fit(data, validation_data=(X, SOME), verbose=0).history
    assert set(history) >= {"loss", "elbo", "classification_loss", "val_elbo"}


REFUSED = {
    "encode": (lambda vae: vae.encode((X, SOME)), r"`condition` must be in \[0, 2\] for the condition Labels"),
    "predict": (lambda vae: vae.predict({"x": X, "condition": SOME}, verbose=0), r"`condition` must be in \[0, 2\]"),
    "evidence": (lambda vae: kv.evaluation.log_evidence(vae, (X, SOME), 2), r"`condition` must be in \[0, 2\]"),
    "two below": (lambda vae: vae.fit(X, SOME - 1, verbose=0), r"`condition` must be in \[-1, 2\]"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_verbs_want_every_label(case):
    call, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        call(model())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: kv.objectives.SemiSupervised(
                keras.layers.Dense(3), objective=kv.objectives.IWELBO(gradient="dreg")
            ),
            ValueError,
            "`objective` must be one that judges each example alone.* Received: IWELBO",
        ),
        (
            lambda: kv.objectives.SemiSupervised(keras.layers.Dense(3), class_prior=(0.5, 0.6)),
            ValueError,
            "`class_prior` must hold positive numbers of the sum 1",
        ),
        (lambda: kv.objectives.SemiSupervised("dense"), TypeError, "`classifier` must be a Keras layer"),
        (
            lambda: conditional_vae(objective=kv.objectives.SemiSupervised(keras.layers.Dense(4))),
            ValueError,
            r"`classifier` must end in 3 logits.* Received: features of shape \('batch', 4\)",
        ),
        (
            lambda: conditional_vae(
                objective=kv.objectives.SemiSupervised(keras.layers.Dense(3), class_prior=(0.5, 0.5))
            ),
            ValueError,
            "`class_prior` must hold 3 numbers. Received: 2",
        ),
        (
            lambda: conditional_vae(
                condition=kv.conditions.Vector(3), objective=kv.objectives.SemiSupervised(keras.layers.Dense(3))
            ),
            TypeError,
            "`condition` must be `keras_vae.conditions.Labels` for `SemiSupervised`",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
