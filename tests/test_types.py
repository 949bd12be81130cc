"""Types: mypy accepts a user's right calls, refuses wrong ones, and knows what comes back."""

import importlib
import inspect
import os
import pathlib
import re
import subprocess
import sys
import types

import pytest

import keras_vae as kv
from tests.violations import assert_none

ROOT = pathlib.Path(kv.__file__).parents[1]

# Behind each line what mypy says of it: an error's code, or in `-> ...` the type that it reveals; nothing else.
PROGRAM = """
import numpy as np

import keras_vae as kv
from keras_vae.callbacks import Checkpoint
from keras_vae.evaluation import ais_sandwich, evaluate_vae, log_evidence, rate_distortion

x = np.zeros((32, 28, 28, 1), np.float32)


def make(posterior: kv.posteriors.Posterior, prior: kv.priors.Prior | None = None) -> kv.VAE:
    return kv.VAE(
        encoder=kv.networks.ConvEncoder((32, 64)),
        posterior=posterior,
        decoder=kv.networks.ConvDecoder((64, 32)),
        likelihood=kv.likelihoods.Bernoulli((28, 28, 1)),
        prior=prior,
        objective=kv.objectives.ELBO(beta=kv.schedules.LinearSchedule(0.0, 1.0, steps=1000)),
        condition=kv.conditions.Labels(10),
    )


vae = make(kv.posteriors.DiagonalGaussian(16, log_var_range=(-6, 2)), kv.priors.GaussianMixture(10))
hierarchy = kv.HierarchicalVAE(
    encoders=[kv.networks.JoinedMLP((8,), (8,)), kv.networks.MLPEncoder((8,))],
    posteriors=[kv.posteriors.DiagonalGaussian(3), kv.posteriors.FullCovarianceGaussian(2)],
    priors=[kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((8,))), kv.priors.VampPrior.from_data(x, 5)],
    decoder=kv.networks.JoinedMLP((8,), (8,)),
    likelihood=kv.likelihoods.Gaussian((28, 28, 1), scale="learned"),
)
vae.compile("adam")
vae.fit({"x": x, "condition": np.zeros(32)}, epochs=3, callbacks=[Checkpoint("runs", mode="max")])
vae.fit(kv.data.pipeline(x, batch_size=8, binarize="dynamic"))

reveal_type(vae.encode(x))  # -> ndarray
reveal_type(hierarchy.encode(x))  # -> tuple[ndarray, ...]
reveal_type(vae.reconstruct(x))  # -> ndarray
reveal_type(vae.generate(4, seed=0))  # -> ndarray
reveal_type(vae.score(x))  # -> dict[str, ndarray]
reveal_type(vae.latent_dim)  # -> int
reveal_type(hierarchy.latent_dim)  # -> tuple[int, ...]
reveal_type(vae.levels[0].prior)  # -> Prior
reveal_type(log_evidence(vae, x, method="ais", num_steps=100))  # -> ndarray
reveal_type(evaluate_vae(vae, x))  # -> Evaluation
reveal_type(evaluate_vae(vae, x).bits_per_dim)  # -> float | None
reveal_type(ais_sandwich(vae).lower)  # -> ndarray
reveal_type(rate_distortion({1.0: vae}, x)[0].rate)  # -> float
reveal_type(kv.load_model("model.keras"))  # -> LatentVariableModel
reveal_type(kv.load_pretrained("digits"))  # -> LatentVariableModel
reveal_type(Checkpoint("runs").restore())  # -> LatentVariableModel | None
reveal_type(kv.export.saved_model(vae, "served"))  # -> Path
reveal_type(kv.priors.VampPrior.from_data(x, 5))  # -> VampPrior
with kv.export.RestClient("http://localhost:8501", "digits") as client:
    reveal_type(client)  # -> RestClient
    reveal_type(client.predict("encode", x=x))  # -> dict[str, ndarray]

kv.posteriors.DiagonalGaussian("two")  # arg-type
kv.posteriors.DiagonalGaussian()  # call-arg
kv.posteriors.Posterior(2)  # abstract
make(kv.priors.StandardNormal())  # arg-type
make(vae.posterior, kv.posteriors.DiagonalGaussian(2))  # arg-type
make(vae.posterior, "standard_normal")  # arg-type
kv.likelihoods.Bernoulli(784)  # arg-type
kv.likelihoods.Gaussian((4,), scale="fixed")  # arg-type
kv.likelihoods.Categorical((4,), 3, encoding="onehot")  # arg-type
kv.objectives.ELBO(kl="exact")  # arg-type
kv.objectives.ELBO(1.0, "closed_form")  # call-arg
kv.priors.GaussianMixture(2.5)  # arg-type
kv.conditions.Labels("ten")  # arg-type
vae.fit(x, epochs="3")  # arg-type
vae.encode(x, batch_size=None)  # arg-type
vae.generate("four")  # arg-type
log_evidence(vae.posterior, x)  # arg-type
log_evidence(vae, x, method="importance sampling")  # arg-type
log_evidence(vae, x, samples=100)  # call-arg
evaluate_vae(vae, x, progress="yes")  # arg-type
kv.export.saved_model(vae)  # call-arg
kv.data.pipeline(x, binarize="always")  # arg-type
Checkpoint("runs", mode="least")  # arg-type
"""

ANNOTATED = (
    *("posteriors", "priors", "likelihoods", "objectives", "divergences", "conditions"),
    *("evaluation", "export", "callbacks", "pretrained"),
)


def mypy(folder, *arguments):
    """Run mypy on a user's project that has this package installed: its own faults are not the user's."""
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    command = [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=silent", "--no-error-summary"]
    done = subprocess.run(
        [*command, f"--cache-dir={folder / 'cache'}", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout.splitlines()


def plain(revealed):
    """Shorten a type that mypy reveals: no modules, and no shapes and dtypes of arrays."""
    revealed = re.sub(r"numpy\.ndarray\[tuple\[Any, \.\.\.\], numpy\.dtype\[.*?\]\]", "ndarray", revealed)
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", revealed)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What mypy says of the program, by the number of the line."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "program.py").write_text(PROGRAM)
    said = {}
    for line in mypy(folder, "--strict", "program.py"):
        number, kind, text = re.fullmatch(r"program\.py:(\d+): (\w+): (.*)", line).groups()
        if revealed := re.fullmatch(r'Revealed type is "(.*)"', text):
            said.setdefault(int(number), []).append("-> " + plain(revealed[1]))
        elif kind == "error":
            said.setdefault(int(number), []).append(re.search(r"\[([\w-]+)\]$", text)[1])
    return said


def test_mypy_accepts_right_calls_refuses_wrong_ones_and_knows_what_comes_back(found):
    violations = []
    for number, line in enumerate(PROGRAM.splitlines(), start=1):
        expected = line.split("  # ")[1:]
        if found.get(number, []) != expected:
            violations.append(f"{line!r}: {found.get(number, [])}")
    assert_none(violations)


def test_the_marker_of_types_is_beside_the_package():
    assert (ROOT / "keras_vae" / "py.typed").is_file()


def signatures(owner):
    """Yield the public functions of a class, or the function itself, by name."""
    if inspect.isfunction(owner):
        yield owner.__name__, owner, False
        return
    for parent in owner.__mro__:
        for name, member in vars(parent).items() if parent.__module__.startswith("keras_vae.") else ():
            function = getattr(member, "fget", None) or getattr(member, "__func__", member)
            is_ours = isinstance(function, types.FunctionType) and function.__module__ == parent.__module__
            if is_ours and (name in ("__init__", "__call__") or not name.startswith("_")):
                yield f"{parent.__name__}.{name}", function, not isinstance(member, staticmethod)


def test_what_these_rooms_export_is_annotated():
    violations = set()
    for room in ANNOTATED:
        module = importlib.import_module(f"keras_vae.{room}")
        for exported in (getattr(module, name) for name in module.__all__):
            for name, function, has_self in signatures(exported):
                signature = inspect.signature(function)
                bare = [each.name for each in list(signature.parameters.values())[has_self:]]
                bare = [each for each in bare if each not in function.__annotations__]
                if "return" not in function.__annotations__ and function.__name__ != "__init__":
                    bare.append("return")
                if bare:
                    violations.add(f"{room}: {name} has no types for {bare}")
    assert_none(sorted(violations))
