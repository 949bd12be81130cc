"""Models of data with gaps: what is missing is never seen, through whatever door it comes."""

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

import keras_vae as kv
from tests.again import Again
from tests.linear_gaussian import LinearGaussian, linear_vae, randomize_posterior
from tests.models.conftest import binary, hierarchy, small_vae
from tests.soaked import soaked

MODEL = LinearGaussian.draw()
X = MODEL.sample(37, seed=0).astype("float32")
OBSERVED = np.random.default_rng(1).random(X.shape) < 0.6
OBSERVED[0], OBSERVED[1] = True, False
MASK = OBSERVED.astype("float32")
GAPPY = np.where(OBSERVED, X, np.float32(np.nan))
SIZE = X.shape[1]


def hidden(value):
    """Return x with another value where it is not observed."""
    return np.where(OBSERVED, X, np.float32(value))


def gaussian_vae(make=small_vae, **parts):
    """Make a small model of vectors with gaps."""
    keras.utils.set_random_seed(0)
    likelihood = kv.likelihoods.Gaussian((SIZE,), scale="optimal")
    return make(event_shape=(SIZE,), likelihood=likelihood, missing=True, **parts)


class Batches(keras.utils.PyDataset):
    """Batches of dictionaries, by their number."""

    def __init__(self, fields):
        super().__init__()
        self.fields = fields

    def __len__(self):
        return -(-len(X) // 16)

    def __getitem__(self, index):
        return {name: values[16 * index : 16 * index + 16] for name, values in self.fields.items()}


def generator(fields):
    """Yield batches for ever."""
    while True:
        for start in range(0, len(X), 16):
            yield {name: values[start : start + 16] for name, values in fields.items()}


HALF = OBSERVED | (np.arange(SIZE) < 2)
DOORS = {
    "NaN": lambda: {"x": GAPPY},
    "NaN of 64 bits": lambda: {"x": GAPPY.astype("float64")},
    "mask": lambda: {"x": {"x": hidden(77.0), "mask": MASK}},
    "mask over NaN": lambda: {"x": {"x": GAPPY, "mask": OBSERVED}},
    "NaN here, mask there": lambda: {"x": {"x": np.where(HALF, hidden(5.0), np.nan), "mask": OBSERVED | ~HALF}},
    "batch": lambda: {"x": kv.core.Batch(hidden(-3.0), mask=MASK)},
    "tuple": lambda: {"x": (GAPPY,)},
    "targets": lambda: {"x": GAPPY, "y": GAPPY},
    "gaps of the target": lambda: {"x": hidden(9.0), "y": GAPPY},
    "data set": lambda: {"x": tf.data.Dataset.from_tensor_slices(GAPPY).batch(16)},
    "data set with a mask": lambda: {
        "x": tf.data.Dataset.from_tensor_slices({"x": hidden(np.nan), "mask": OBSERVED}).batch(16)
    },
    "py data set": lambda: {"x": Batches({"x": GAPPY})},
    "generator": lambda: {"x": generator({"x": hidden(4.0), "mask": MASK}), "steps_per_epoch": 3},
}


def once(door):
    """Return a door's arguments for a verb that reads it once, to its end."""
    return {("steps" if name == "steps_per_epoch" else name): value for name, value in DOORS[door]().items()}


def trained(**data):
    vae = gaussian_vae()
    vae.compile(keras.optimizers.Adam(0.05), run_eagerly=True)
    size = {} if hasattr(data["x"], "element_spec") else {"batch_size": 16}
    vae.fit(
        **data, **size, shuffle=False, epochs=2, validation_data=once("mask")["x"], validation_batch_size=16, verbose=0
    )
    return vae


@pytest.fixture(scope="module")
def model():
    return trained(**DOORS["NaN"]())


@pytest.mark.parametrize("door", soaked(DOORS, quick=("mask", "targets", "data set with a mask")))
def test_every_door_trains_and_evaluates_the_same_model(door, model):
    vae = trained(**DOORS[door]())
    for one, other in zip(vae.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    for name, values in model.history.history.items():
        np.testing.assert_allclose(vae.history.history[name], values, rtol=1e-5, err_msg=name)
    expected = model.evaluate(GAPPY, batch_size=16, verbose=0)
    np.testing.assert_allclose(model.evaluate(**once(door), batch_size=16, verbose=0), expected, rtol=1e-5)
    data = {name: value for name, value in once(door).items() if name != "y"}
    if "target" not in door and "generator" not in door:
        np.testing.assert_allclose(model.predict(**data, verbose=0), model.reconstruct(GAPPY), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(model.encode(data["x"]), model.encode(GAPPY), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(model.reconstruct(data["x"]), model.reconstruct(GAPPY), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            model.score(data["x"], seed=0)["elbo"], model.score(GAPPY, seed=0)["elbo"], rtol=1e-5
        )
        found = kv.evaluation.log_evidence(model, data["x"], 10, seed=0)
        np.testing.assert_allclose(found, kv.evaluation.log_evidence(model, GAPPY, 10, seed=0), rtol=1e-5, atol=1e-6)


both = pytest.mark.parametrize("make", soaked([small_vae, hierarchy], quick=[small_vae]), ids=["flat", "hierarchical"])


@both
def test_training_does_not_depend_on_what_is_missing(make):
    vae = gaussian_vae(make)
    vae.compile(keras.optimizers.Adam(1e-2))
    again = Again(vae)

    def answers(value):
        data = {"x": hidden(value), "mask": MASK}
        again()
        watch = [kv.callbacks.CollapseMonitor(data)]
        history = vae.fit(data, epochs=2, batch_size=16, callbacks=watch, validation_data=data, verbose=0).history
        return [history, watch[0].history, vae.train_on_batch(data), vae.get_weights()]

    expected = answers(0.0)
    for value in (77.0, np.nan):
        tf.nest.map_structure(np.testing.assert_array_equal, expected, answers(value))


@both
def test_nothing_depends_on_what_is_missing(make):
    vae = gaussian_vae(make)
    vae.compile("adam")

    def answers(value):
        data = {"x": hidden(value), "mask": MASK}
        found = [vae.evaluate(data, verbose=0), vae.predict(data, verbose=0)]
        found += [vae.evaluate(tf.data.Dataset.from_tensor_slices(data).batch(16), verbose=0)]
        found += [vae.test_on_batch(data), vae.predict_on_batch(data)]
        found += [vae.encode(data), vae.reconstruct(data), vae.score(data, seed=0)]
        found += [vae.posterior_of(data).mean().numpy(), vae.infer(data, seed=0).log_likelihood.numpy()]
        found += [kv.evaluation.log_evidence(vae, data, 5, method, seed=0) for method in ("importance", "prior")]
        found += [kv.evaluation.log_evidence(vae, data, 2, "ais", num_steps=3, seed=0)]
        evaluation = kv.evaluation.evaluate_vae(vae, data, 5, elbo_samples=2, seed=0).to_dict()
        found += [[number for number in evaluation.values() if isinstance(number, float)]]
        draws = [vae.impute(data, num_samples=9, sample=sample, seed=0) for sample in (False, True)]
        vae.calibrate(data)
        return [*found, vae.likelihood.get_weights(), [np.where(OBSERVED, 0.0, imputed) for imputed in draws]]

    vae.calibrate(GAPPY)
    expected = answers(0.0)
    for value in (77.0, np.nan):
        tf.nest.map_structure(np.testing.assert_array_equal, expected, answers(value))


def test_the_encoder_gets_zeros_in_the_gaps_and_the_mask_as_channels():
    vae = linear_vae(MODEL, kv.posteriors.DiagonalGaussian, missing=True)
    assert vae.seen_shape == (2 * SIZE,)
    for channels, expected in ((slice(0, 3), np.where(OBSERVED, X, 0.0)), (slice(SIZE, SIZE + 3), MASK)):
        kernel = np.zeros((2 * SIZE, 6))
        kernel[channels, :3] = np.eye(3)
        vae.posterior.projection.set_weights([kernel, np.zeros(6)])
        np.testing.assert_allclose(vae.encode(GAPPY), expected[:, :3], rtol=1e-6)


SHAPES = {
    "image": (kv.likelihoods.Bernoulli, (4, 3, 1), {}, (4, 3, 2)),
    "colours": (kv.likelihoods.Gaussian, (4, 3, 3), {}, (4, 3, 6)),
    "one-hot codes": (kv.likelihoods.Categorical, (4, 3), {"num_categories": 5, "encoding": "one_hot"}, (4, 3, 6)),
    "categories": (kv.likelihoods.Categorical, (4, 3), {"num_categories": 5}, (4, 6)),
}


@pytest.mark.parametrize("case", SHAPES)
def test_the_mask_has_a_channel_for_each_element(case):
    likelihood, shape, options, seen = SHAPES[case]
    vae = small_vae(likelihood=likelihood(shape, **options), missing=True)
    assert vae.seen_shape == seen
    x = np.zeros((6, *vae.likelihood.x_shape), "float32")
    if "one-hot" in case:
        x[..., 1] = 1.0
    x[2, 1] = np.nan
    record = vae.infer(x, seed=0)
    assert record.batch.mask.shape == (6, *shape)
    np.testing.assert_array_equal(np.argwhere(record.batch.mask.numpy() == 0)[:, :2], [[2, 1]] * np.prod(shape[1:]))
    assert np.isfinite(record.log_likelihood).all()


def test_a_gap_of_a_one_hot_code_is_the_whole_element():
    likelihood = kv.likelihoods.Categorical((4,), 3, encoding="one_hot")
    vae = small_vae(likelihood=likelihood, missing=True)
    x = np.tile(np.eye(3, dtype="float32")[[0, 1, 2, 0]], (2, 1, 1))
    one, whole = x.copy(), x.copy()
    one[1, 2, 0], whole[1, 2] = np.nan, np.nan
    np.testing.assert_array_equal(vae.encode(one), vae.encode(whole))
    np.testing.assert_array_equal(vae.infer(one).batch.mask, [[1, 1, 1, 1], [1, 1, 0, 1]])


def test_whole_numbers_have_gaps_as_floats_and_integers_have_none():
    vae = small_vae(likelihood=kv.likelihoods.Categorical((SIZE,), 4), missing=True)
    levels = np.random.default_rng(0).integers(0, 4, X.shape)
    np.testing.assert_array_equal(vae.encode(levels), vae.encode(levels.astype("float32")))
    gappy = np.where(OBSERVED, levels, np.nan)
    np.testing.assert_array_equal(vae.encode(gappy), vae.encode({"x": levels, "mask": OBSERVED}))
    with pytest.raises(ValueError, match=r"`x` must be in \[0, 3\]"):
        vae.encode(np.where(OBSERVED, 7.0, np.nan))


@pytest.mark.parametrize("objective", ["elbo", "iwelbo"])
def test_the_bound_is_of_what_is_observed(objective):
    made = kv.objectives.ELBO(num_samples=3) if objective == "elbo" else kv.objectives.IWELBO(50)
    vae = linear_vae(MODEL, kv.posteriors.DiagonalGaussian, objective=made, missing=True)
    randomize_posterior(vae, seed=2)
    record = vae.infer(GAPPY, num_samples=made.num_samples, seed=0)
    z, mean = record.latents[0].z.numpy(), record.parameters["mean"].numpy()
    log_p = np.where(OBSERVED, scipy.stats.norm(mean, MODEL.scale).logpdf(np.where(OBSERVED, X, 0.0)), 0.0).sum(-1)
    np.testing.assert_allclose(record.log_likelihood, log_p, rtol=1e-6)
    weights = log_p + scipy.stats.norm.logpdf(z).sum(-1) - record.latents[0].posterior.log_prob(z).numpy()
    np.testing.assert_allclose(record.log_weights(), weights, rtol=1e-6, atol=1e-6)
    terms = vae.objective(record, step=0, training=True)
    exact = MODEL.log_evidence_observed(X, OBSERVED)
    if objective == "iwelbo":  # MIWAE (Mattei & Frellsen 2019, equation 4)
        bound = scipy.special.logsumexp(weights, axis=0) - np.log(50)
        np.testing.assert_allclose(terms.loss, -bound, rtol=1e-6, atol=1e-6)
    # On average over the noise; the bound with few samples scatters about its mean.
    assert np.mean(terms.logs[objective]) < exact.mean() + 0.1


@pytest.mark.parametrize("method", soaked(["importance", "prior", "ais"], quick=["importance"]))
def test_the_evidence_is_that_of_what_is_observed(method):
    vae = linear_vae(MODEL, kv.posteriors.DiagonalGaussian, missing=True)
    vae.posterior.set_weights([np.zeros(weight.shape) for weight in vae.posterior.weights])  # q is the prior
    number, options = (64, {"num_steps": 200}) if method == "ais" else (50_000, {})
    found = kv.evaluation.log_evidence(vae, GAPPY[:12], number, method, seed=0, **options)
    np.testing.assert_allclose(found, MODEL.log_evidence_observed(X, OBSERVED)[:12], atol=0.25)


def test_pseudo_inputs_have_no_gaps():
    keras.utils.set_random_seed(0)
    prior = kv.priors.VampPrior(4, mean=0.0, stddev=1.0, value_range=None)
    vae = gaussian_vae(prior=prior, objective=kv.objectives.ELBO(kl="monte_carlo"))
    vae.compile("adam")
    vae.fit(GAPPY, verbose=0)
    components = vae.prior_of(0).components_distribution
    np.testing.assert_allclose(components.mean(), vae.encode(prior.pseudo_inputs.numpy()), rtol=1e-5)
    assert vae.impute(GAPPY, num_samples=5, seed=0).shape == X.shape


def test_a_file_keeps_what_it_is_for_and_older_ones_have_no_gaps(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = kv.load_model(tmp_path / "model.keras")
    assert loaded.missing
    np.testing.assert_array_equal(loaded.encode(GAPPY), model.encode(GAPPY))
    config = small_vae().get_config()
    assert not config.pop("missing")
    assert not kv.VAE.from_config(config).missing


@pytest.mark.parametrize("form", ["saved_model", "keras", "litert", "onnx"])
def test_exports_take_nan_for_gaps(form, model, tmp_path):
    path = tmp_path / "served"
    expected = model.encode(GAPPY)
    if form == "saved_model":
        served = tf.saved_model.load(kv.export.saved_model(model, path)).signatures
        x, seed = tf.constant(GAPPY), tf.zeros([len(X), 2], tf.int32)
        np.testing.assert_allclose(served["encode"](x=x)["mean"], expected, rtol=1e-5, atol=1e-6)
        found = served["reconstruct"](x=x)["reconstruction"]
        np.testing.assert_allclose(found, model.reconstruct(GAPPY), rtol=1e-5, atol=1e-6)
        elbo = served["score"](x=x, seed=seed)["elbo"].numpy()
        assert np.isfinite(elbo).all()
        with pytest.raises(tf.errors.InvalidArgumentError, match="`x` must be finite"):
            served["encode"](x=tf.constant(np.where(OBSERVED, X, np.inf)))
    elif form == "keras":
        model.export(path, verbose=False)
        served = tf.saved_model.load(path)  # kept, and its variables with it
        found = served.serve(tf.constant(GAPPY))
        np.testing.assert_allclose(found, model.reconstruct(GAPPY), rtol=1e-5, atol=1e-6)
    elif form == "litert":
        from ai_edge_litert.interpreter import Interpreter

        kv.export.litert(model, path)
        found = Interpreter(str(path / "encoder.tflite")).get_signature_runner()(x=GAPPY)
        np.testing.assert_allclose(found["mean"], expected, rtol=1e-4, atol=1e-5)
    else:
        with pytest.raises(
            ValueError, match="`vae` must be a model without `missing=True` for ONNX. Received: missing=Tr"
        ):
            kv.export.onnx(model, path)


def test_without_it_nan_is_refused_and_the_message_says_what_helps():
    vae = small_vae((SIZE,), likelihood=kv.likelihoods.Gaussian((SIZE,)))
    vae.compile("adam")
    message = (
        r"`x` must be finite. Received: NaN or infinity, first in example 1. .* make the model with `missing=True`"
    )
    for verb in (vae.fit, vae.evaluate, vae.predict, vae.encode, vae.score, vae.train_on_batch):
        with pytest.raises(ValueError, match=message):
            verb(GAPPY)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`missing=True`"):
        vae.evaluate(tf.data.Dataset.from_tensor_slices(GAPPY).batch(8), verbose=0)
    with pytest.raises(ValueError, match="first in example 1$"):
        vae.encode(np.where(OBSERVED, X, np.inf))


def test_infinity_is_no_gap():
    with pytest.raises(ValueError, match="`x` must be finite where the mask is 1. Received: NaN or infinity"):
        gaussian_vae().encode(np.where(OBSERVED, X, np.inf))


def test_likelihoods_that_do_not_score_single_elements_refuse_gaps_by_name():
    likelihood = kv.likelihoods.AutoregressiveBernoulli((2, 3, 1), window=1, filters=2)
    with pytest.raises(ValueError, match="`missing` must be False for the likelihood AutoregressiveBernoulli"):
        small_vae(likelihood=likelihood, missing=True)
    with pytest.raises(ValueError, match="`x` must be finite. Received: NaN or infinity, first in example 0$"):
        small_vae(likelihood=likelihood).encode(np.full((2, 2, 3, 1), np.nan))


def test_a_data_set_of_gaps_alone_trains_on_nothing_and_stays_finite():
    vae = gaussian_vae()
    vae.compile("adam")
    history = vae.fit(np.full_like(X, np.nan), epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert np.abs(history["reconstruction_loss"]).max() == 0.0


# ---- how it is run ------------------------------------------------------------------------------------------------


def test_a_run_resumes_bit_for_bit(tmp_path):
    def run(epochs, folder):
        checkpoint = kv.callbacks.Checkpoint(tmp_path / folder)
        vae = checkpoint.restore()
        if vae is None:
            vae = gaussian_vae()
            vae.compile(keras.optimizers.Adam(0.05))
        vae.fit(GAPPY, batch_size=16, epochs=epochs, callbacks=[checkpoint], verbose=0)
        return vae.get_weights()

    uncut = run(4, "uncut")
    run(2, "cut")
    for one, other in zip(run(4, "cut"), uncut, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.soak
def test_two_replicas_train_as_one():
    def weights(num_replicas):
        keras.utils.set_random_seed(0)
        devices = [f"CPU:{i}" for i in range(num_replicas)]
        with tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice()).scope():
            quiet = kv.posteriors.DiagonalGaussian(2, log_var_range=(-40.0, -39.9))
            vae = gaussian_vae(posterior=quiet)
            vae.compile(keras.optimizers.SGD(0.01))
        vae.fit(GAPPY, batch_size=16, epochs=2, verbose=0)
        return vae.get_weights()

    for one, two in zip(weights(1), weights(2), strict=True):
        np.testing.assert_allclose(two, one, atol=2e-5)


@pytest.mark.soak
def test_a_compiled_step_takes_the_same_gaps():
    weights = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        quiet = kv.posteriors.DiagonalGaussian(2, log_var_range=(-40.0, -39.9))  # XLA has other noise
        vae = gaussian_vae(posterior=quiet)
        vae.compile(keras.optimizers.SGD(0.01), jit_compile=jit_compile)
        vae.fit(GAPPY, batch_size=16, shuffle=False, verbose=0)
        weights.append(vae.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_agrees_with_float32(policy):
    def logs(policy):
        keras.config.set_dtype_policy(policy)
        vae = gaussian_vae()
        vae.compile("adam", run_eagerly=True)
        return vae.test_on_batch(GAPPY, return_dict=True)

    expected, found = logs("float32"), logs(policy)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=3e-2), name


# ---- denoising ----------------------------------------------------------------------------------------------------


def test_binary_vectors_with_gaps_learn_from_what_is_there():
    x = binary(256, (16,))
    gappy = np.where(np.random.default_rng(0).random(x.shape) < 0.5, x, np.nan)
    keras.utils.set_random_seed(0)
    vae = small_vae((16,), missing=True)
    vae.compile(keras.optimizers.Adam(0.01))
    vae.fit(np.tile(gappy, (40, 1)), verbose=0)  # forty epochs, as one
    missing = np.isnan(gappy)
    error = np.mean((vae.impute(gappy, num_samples=20, seed=0) - x)[missing] ** 2)
    # Who knew the cause of each vector would come to 0.79 of the mean's error.
    assert 0.75 < error / np.mean((x.mean() - x)[missing] ** 2) < 0.9
