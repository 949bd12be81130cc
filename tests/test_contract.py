"""One contract for every registered class, found by discovery; tests/contract.py has a row for each."""

import abc
import importlib
import inspect
import json
import pathlib
import pkgutil

import keras
import numpy as np
import pytest

import keras_vae as kv
from keras_vae import core
from keras_vae.core import keras_internals
from keras_vae.likelihoods.causal_network import CausalNetwork
from tests.contract import ALL_MODELS, EXPORTED, ROWS, build, model_of
from tests.soaked import soaked
from tests.violations import assert_none

REGISTERED = {
    name.removeprefix("keras_vae>"): found
    for name, found in sorted(keras.saving.get_custom_objects().items())
    if name.startswith("keras_vae>") and found.__module__.startswith("keras_vae.")
}
MODULES = [
    importlib.import_module(module.name) for module in pkgutil.walk_packages(kv.__path__, prefix=f"{kv.__name__}.")
]
INNER = {CausalNetwork}  # made by a part from the part's own arguments, and never saved by itself

CASES = [
    pytest.param(name, given, id=f"{name}-{i}") for name, row in ROWS.items() for i, given in enumerate(row.arguments)
]
cases = pytest.mark.parametrize(("name", "given"), CASES)
models = pytest.mark.parametrize("model", soaked(ALL_MODELS, quick=list(ALL_MODELS)[::2]))
DISTRIBUTIONS = (kv.likelihoods.Likelihood, kv.posteriors.Posterior, kv.priors.Prior, kv.conditions.Condition)


def parameters_of(part):
    """Return the parameters of a constructor, of those that it passes `**kwargs` on to as well, up to Keras's own."""
    found = {}
    for owner in part.__mro__:
        if owner.__module__.startswith("keras_vae.") and "__init__" in vars(owner):
            for name, parameter in list(inspect.signature(owner.__init__).parameters.items())[1:]:
                if parameter.kind is not parameter.VAR_KEYWORD:
                    found.setdefault(name, parameter)
    return found


def arguments_in(given):
    """Return a constructor's arguments; a function makes parts of its own for each test."""
    return given() if callable(given) else given


def as_json(config):
    return json.loads(json.dumps(config))


def observations(vae, n=6):
    """Draw a batch, with the condition where the model has one."""
    generator = np.random.default_rng(0)
    x = generator.integers(0, 2, (n, *vae.likelihood.x_shape)).astype("float32")
    return x if vae.condition is None else {"x": x, "condition": raw_values(vae.condition, n)}


def raw_values(condition, n):
    """Draw raw values of a condition: labels from 0 to 2, or what else it takes."""
    return np.random.default_rng(1).integers(0, 3, (n, *condition.value_shape))


def test_every_registered_class_has_a_row_and_every_row_a_class():
    assert set(REGISTERED) == set(ROWS)


def used_in(vae):
    vae.ensure_built()
    return {type(layer) for layer in keras_internals.all_layers(vae)} | {type(vae), type(vae.objective)}


def test_every_row_has_a_model_that_uses_the_part():
    used = {model: used_in(build(model)) for model in ALL_MODELS}
    violations = []
    for name, part in REGISTERED.items():
        model = model_of(name)
        if model is None:
            is_free = issubclass(part, (kv.schedules.Schedule, keras.optimizers.Optimizer))
            violations += [] if is_free else [f"{name} has no model"]
        elif part not in used[model]:
            violations.append(f"{name} is not in the model {model}")
    assert_none(violations)


def test_every_distribution_and_condition_is_exported_with_its_model():
    parts = [name for name, part in REGISTERED.items() if issubclass(part, DISTRIBUTIONS)]
    assert_none(name for name in parts if not ROWS[name].exported or model_of(name) not in EXPORTED)


def test_every_row_has_an_oracle():
    violations = []
    for name, row in ROWS.items():
        if isinstance(row.oracle, str):
            file = pathlib.Path(__file__).parent / row.oracle
            if issubclass(REGISTERED[name], DISTRIBUTIONS):
                violations.append(f"{name} brings no density")
            elif not file.is_file() or name not in file.read_text(encoding="utf-8"):
                violations.append(f"{name} is not in {row.oracle}")
    assert_none(violations)


def test_every_part_is_registered():
    kinds = (keras.layers.Layer, kv.objectives.Objective, kv.schedules.Schedule)
    defined = {
        found
        for module in MODULES
        for found in vars(module).values()
        if inspect.isclass(found) and found.__module__ == module.__name__ and issubclass(found, kinds)
    }
    parents = {parent for part in defined for parent in part.__mro__[1:]}
    leaves = {part for part in defined - parents if not part.__name__.startswith("_")}
    assert leaves - set(REGISTERED.values()) == INNER


def test_a_registered_class_is_exported_by_its_room():
    violations = []
    for name, part in REGISTERED.items():
        room = importlib.import_module(".".join(part.__module__.split(".")[:2]))
        if name not in room.__all__ or getattr(room, name) is not part:
            violations.append(f"{room.__name__}.{name}")
    assert_none(violations)


def test_constructors_are_keyword_only_after_the_first_two_arguments():
    positional = {
        name: [p.name for p in parameters_of(part).values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        for name, part in REGISTERED.items()
    }
    assert_none(f"{name}: {found}" for name, found in positional.items() if len(found) > 2)


def test_the_rows_of_a_class_give_every_argument_a_value_that_is_not_the_default():
    violations = []
    for name, row in ROWS.items():
        rows = [arguments_in(given) for given in row.arguments]
        for argument, parameter in parameters_of(REGISTERED[name]).items():
            values = [row[argument] for row in rows if argument in row]
            if not any(value is not parameter.default and value != parameter.default for value in values):
                violations.append(f"{name}: {argument}")
    assert_none(violations)


@cases
def test_every_argument_is_an_attribute_and_in_the_config(name, given):
    arguments = arguments_in(given)
    part = REGISTERED[name](**arguments)
    config = part.get_config()
    for argument in parameters_of(REGISTERED[name]):
        assert hasattr(part, argument), argument
        assert argument in config, argument
    for argument, value in arguments.items():
        # what is resolved from a string (an activation, an initializer) is compared in the config
        resolved = config[argument]["class_name"] if isinstance(config[argument], dict) else config[argument]
        held = getattr(part, argument)
        held = list(held) if isinstance(value, list) else held
        assert held == value or resolved in (value, "HeNormal"), argument


@cases
def test_a_config_survives_json(name, given):
    config = as_json(REGISTERED[name](**arguments_in(given)).get_config())
    assert as_json(REGISTERED[name].from_config(config).get_config()) == config


@cases
def test_a_part_is_serialized_by_its_registered_name_and_rebuilt(name, given):
    serialized = as_json(keras.saving.serialize_keras_object(REGISTERED[name](**arguments_in(given))))
    assert serialized["registered_name"] == f"keras_vae>{name}"
    rebuilt = keras.saving.deserialize_keras_object(serialized)
    assert type(rebuilt) is REGISTERED[name]
    assert as_json(keras.saving.serialize_keras_object(rebuilt)) == serialized


ORACLES = [case for case in CASES if callable(ROWS[case.values[0]].oracle)]


@pytest.mark.parametrize(("name", "given"), ORACLES)
def test_a_part_agrees_with_its_oracle(name, given):
    precision = {"dtype": "float64"} if issubclass(REGISTERED[name], keras.layers.Layer) else {}
    ROWS[name].oracle(REGISTERED[name](**arguments_in(given), **precision))


def test_a_second_registration_is_harmless_and_another_class_of_the_name_is_refused():
    for name, part in REGISTERED.items():
        assert core.register(part) is part
        with pytest.raises(ValueError, match=f"`keras_vae>{name}` is {part.__module__}"):
            core.register(abc.ABCMeta(name, (), {}))
        assert keras.saving.get_registered_object(f"keras_vae>{name}") is part


@models
def test_a_trained_model_comes_back_from_its_file(model, tmp_path):
    vae = build(model)
    vae.compile("adam", run_eagerly=True)
    x = observations(vae)
    vae.train_on_batch(x)
    vae.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")

    assert as_json(loaded.get_config()) == as_json(vae.get_config())
    for one, other in zip(vae.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(loaded.optimizer.iterations) == 1
    for one, other in zip(vae.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)

    record, again = (each.infer(x, num_samples=2, seed=3) for each in (vae, loaded))
    for one, other in zip(record.latents, again.latents, strict=True):
        np.testing.assert_allclose(other.z, one.z, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(again.log_likelihood, record.log_likelihood, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(loaded.reconstruct(x), vae.reconstruct(x), rtol=1e-6, atol=1e-6)


def own_trunk(layer, trunk):
    """Return a layer of ours, which takes a list of inputs too, or a trunk of ours in its place."""
    return layer if type(layer).__module__.startswith("keras_vae.") else trunk


@models
def test_a_conditional_model_of_the_parts_trains_a_step(model):
    parts, labels = build(model), kv.conditions.Labels(3)
    changes = {"decoder": own_trunk(parts.decoder, kv.networks.MLPDecoder((5,))), "condition": labels}
    if "encoder" in parts.part_names:
        changes["encoder"] = own_trunk(parts.encoder, kv.networks.MLPEncoder((5,)))
    if parts.levels[-1].prior.needs_posterior:
        with pytest.raises(
            ValueError, match=f"`{type(parts.levels[-1].prior).__name__}` must be .* without a condition"
        ):
            build(model, **changes).build()
        top = kv.priors.StandardNormal()
        changes |= {"priors": [*parts.priors[:-1], top]} if "priors" in parts.sequence_names else {"prior": top}
        changes |= {"decoder": type(parts.decoder).from_config(parts.decoder.get_config())}
    vae = build(model, **changes)
    vae.compile("adam", run_eagerly=True)
    before, batch = vae.get_weights(), observations(vae)
    assert assert_trained(vae, vae.train_on_batch(batch, return_dict=True), before) > 0
    assert vae.generate(2, condition=[0, 2]).shape == (2, *vae.likelihood.x_shape)
    assert vae.reconstruct(batch).shape == batch["x"].shape


@models
def test_a_model_of_the_parts_trains_a_step_on_gaps_and_fills_them_in(model):
    def changes():
        parts = build(model)
        own = "encoder" in parts.part_names and own_trunk(parts.encoder, kv.networks.MLPEncoder((5,)))
        return {"missing": True, **({"encoder": own} if own else {})}

    likelihood = build(model).likelihood
    if not likelihood.scores_elements:
        with pytest.raises(ValueError, match=f"`missing` must be False .* {type(likelihood).__name__}"):
            build(model, **changes())
        return
    results = []
    for hidden in (np.nan, 1.0):
        keras.utils.set_random_seed(0)
        vae = build(model, **changes())
        vae.compile("adam", run_eagerly=True)
        before, batch = vae.get_weights(), observations(vae)
        batch = batch if isinstance(batch, dict) else {"x": batch}
        mask = np.arange(np.prod(vae.event_shape)).reshape(vae.event_shape) % 3 > 0
        x = np.where(mask.reshape(mask.shape + (1,) * (batch["x"].ndim - mask.ndim - 1)), batch["x"], hidden)
        batch |= {"x": x} if np.isnan(hidden) else {"x": x, "mask": np.tile(mask, (len(x), *[1] * mask.ndim))}
        assert assert_trained(vae, vae.train_on_batch(batch, return_dict=True), before) > 0
        results.append(vae.get_weights())
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
    if all(level.posterior.is_distribution for level in vae.levels):
        filled = vae.impute(batch, num_samples=3, seed=0)
        assert filled.shape == x.shape and np.isfinite(filled).all()
        np.testing.assert_array_equal(np.where(mask, filled - x, 0.0), np.zeros_like(x))


@models
def test_nothing_moves_but_in_training(model):
    vae = build(model)
    vae.compile("adam", run_eagerly=True)
    x, before = observations(vae), vae.get_weights()
    vae.evaluate(x, verbose=0)
    vae.test_on_batch(x)
    vae.encode(x), vae.reconstruct(x), vae.predict(x, verbose=0)
    vae.generate(2, condition=None if vae.condition is None else raw_values(vae.condition, 2))
    vae.infer(x, num_samples=2)
    if not vae.objective.couples_examples:
        vae.score(x)
    for old, new in zip(before, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    frozen = [weight for weight in vae.non_trainable_variables if "seed" not in weight.path]
    values = [weight.numpy() for weight in frozen]
    vae.train_on_batch(x)
    for weight, old in zip(frozen, values, strict=True):
        assert not np.array_equal(weight, old), f"{weight.path} stays as it was in training"


def assert_trained(vae, logs, before):
    assert set(logs) == {tracker.name for tracker in vae.metrics}
    assert all(np.isfinite(value) for value in logs.values()), logs
    after = vae.get_weights()
    assert all(np.all(np.isfinite(weight)) for weight in after)
    return sum(not np.array_equal(old, new) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("model", soaked(ALL_MODELS, quick=["functional"]))
def test_a_step_compiles_with_xla(model):
    vae = build(model)
    vae.compile("sgd", jit_compile=True)  # whose update compiles sooner than Adam's
    before = vae.get_weights()
    history = vae.fit(observations(vae), batch_size=6, verbose=0).history
    assert assert_trained(vae, {name: values[0] for name, values in history.items()}, before) > 0
    assert int(vae.optimizer.iterations) == 1


@models
@pytest.mark.parametrize("policy", soaked(("mixed_float16", "mixed_bfloat16"), quick=("mixed_float16",)))
def test_a_step_in_mixed_precision_is_finite_and_weights_stay_in_float32(model, policy):
    keras.config.set_dtype_policy(policy)
    vae = build(model)
    vae.compile("adam", run_eagerly=True)
    before = vae.get_weights()
    changed = 0
    for _ in range(16):  # the loss scale begins high, and halves where a gradient overflows
        logs = vae.train_on_batch(observations(vae), return_dict=True)
        changed = changed or assert_trained(vae, logs, before)
        if changed:
            break
    assert changed
    assert {variable.dtype for variable in vae.trainable_variables} == {"float32"}
