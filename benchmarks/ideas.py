"""What each idea brings to log p(x) of Fashion-MNIST: short trainings that differ from one baseline in one thing.

The baseline is the published table's VAE with the Gaussian prior. All train for the same epochs, in steps of 250
images, the learning rate from 2e-3 to 0 (where the last quarter has another bound, from 1e-3 to 0 in it), unless that
is the idea. Numbers are those of validation images, and so no choice by them spoils the test. A run resumes where it
was cut:

    python benchmarks/ideas.py
    python benchmarks/ideas.py --only baseline vamp --quick

A gain's standard error is that over images, of these two trained models; what another seed would change is not in it.
"""

import argparse
import collections.abc
import dataclasses
import pathlib

import numpy as np
import protocol
import published_fashion_mnist as table

import keras_vae as kv

HERE = pathlib.Path(__file__).parent
BATCH_SIZE, LEARNING_RATE, TUNING_RATE = 250, 2e-3, 1e-3
LOG_VAR = table.GAUSSIAN["log_var_range"]
BASELINE = "baseline"


@dataclasses.dataclass(frozen=True)
class Idea:
    """One change to the baseline.

    Attributes
    ----------
    text : str
        For the table.
    model, prior : str
        As in the published table.
    parts : callable
        From the published table's model to the parts that are replaced.
    compiled : bool
        Whether XLA compiles the step; on CPUs it makes convolutions slower.
    tuned : bool
        Whether the last quarter of the epochs is on the importance-weighted bound of 8 samples.
    weight_decay : float, optional
        Of the optimizer: each step takes that times the learning rate off each weight.
    batch_size : int
        Images in a step.
    learning_rate : float
        At the start.
    muon : bool
        Whether the optimizer is Muon for the convolutions by which pixels see those before them.
    ema_momentum : float
        Of a running average of the weights, which takes their place at the end; 0 for none.
    """

    text: str
    model: str = "vae"
    prior: str = "standard_normal"
    parts: collections.abc.Callable = lambda vae: {}
    compiled: bool = True
    tuned: bool = False
    weight_decay: float | None = None
    batch_size: int = BATCH_SIZE
    learning_rate: float = LEARNING_RATE
    muon: bool = False
    ema_momentum: float = 0.0


def trunks(*units, **options):
    """Return both dense trunks."""
    options = table.GATED if not options else {"kernel_initializer": "he_normal", **options}
    return {"encoder": kv.networks.MLPEncoder(units, **options), "decoder": kv.networks.MLPDecoder(units, **options)}


def convolutions(vae):
    """Return both convolutional trunks."""
    return {
        "encoder": kv.networks.ConvEncoder((32, 64), **table.GATED),
        "decoder": kv.networks.ConvDecoder((32, 16), **table.GATED),
    }


def free_bits(vae):
    """Return the objective with what it charges at least for each latent dimension."""
    return {"objective": kv.objectives.ELBO(beta=vae.objective.beta, free_bits=0.1)}


def look_back(vae, **options):
    """Return the likelihood whose pixels see those before them."""
    options = {"window": 5, "filters": 32, "kernel_initializer": "he_normal"} | options
    return {"likelihood": kv.likelihoods.AutoregressiveBernoulli(vae.likelihood.event_shape, **options)}


def look_back_deep(vae):
    """Return that likelihood with three residual convolutions."""
    return look_back(vae, features=4, depth=3, **table.HALF)


def look_back_in_squares(vae):
    """Return that likelihood with convolutions over squares of 2 x 2 pixels, a quarter as many places."""
    return look_back(vae, features=4, depth=3, block=2, window=3, filters=64, **table.HALF)


SMALL_BATCH = {"batch_size": 125, "learning_rate": 4e-3}


IDEAS = {
    BASELINE: Idea("gated layers of 300, Gaussian prior, each pixel for itself"),
    "silu": Idea(
        "SiLU in place of gates, layers of 500",
        parts=lambda vae: trunks(500, 500, activation="silu"),
    ),
    "wide": Idea("layers of 600", parts=lambda vae: trunks(600, 600)),
    "convolutions": Idea("gated convolutions of 32 and 64, 32 and 16 channels", parts=convolutions, compiled=False),
    "weight_decay": Idea("weight decay 0.1", weight_decay=0.1),
    "free_bits": Idea("0.1 nats free in each latent dimension, closed-form KL", parts=free_bits),
    "full_covariance": Idea(
        "posterior with full covariance",
        parts=lambda vae: {"posterior": kv.posteriors.FullCovarianceGaussian(table.LATENT_DIM, log_var_range=LOG_VAR)},
    ),
    "iwelbo": Idea("last quarter of the epochs on the bound of 8 samples (DReG)", tuned=True),
    "vamp": Idea("VampPrior of 500 pseudo-inputs", prior="vamp"),
    "hvae": Idea("two levels of 40 latent dimensions", model="hvae"),
    "look_back": Idea("pixels see a window of 5 before them", parts=look_back, compiled=False),
    "features": Idea(
        "… and 4 numbers of each place, made from z", parts=lambda vae: look_back(vae, features=4), compiled=False
    ),
    "features_wide": Idea(
        "… and layers of 64 in place of 32 look back",
        parts=lambda vae: look_back(vae, features=4, filters=64),
        compiled=False,
    ),
    "features_vamp": Idea(
        "4 numbers of each place, layers of 32, and VampPrior",
        prior="vamp",
        parts=lambda vae: look_back(vae, features=4),
        compiled=False,
    ),
    "mixture": Idea("mixture of 500 Gaussians as the prior", prior="mixture"),
    "small_batch": Idea("batches of 125, learning rate from 4e-3", **SMALL_BATCH),
    "weight_average": Idea("weights are a running average, of some 500 steps", ema_momentum=0.998),
    "deep": Idea(
        "4 numbers of each place, mixture, batches of 125 and three residual convolutions in bfloat16",
        prior="mixture",
        parts=look_back_deep,
        compiled=False,
        **SMALL_BATCH,
    ),
    "squares": Idea(
        "… which go by squares of 2 x 2 pixels, layers of 64",
        prior="mixture",
        parts=look_back_in_squares,
        compiled=False,
        **SMALL_BATCH,
    ),
    "muon": Idea(
        "… and Muon for the convolutions",
        prior="mixture",
        parts=look_back_in_squares,
        compiled=False,
        muon=True,
        **SMALL_BATCH,
    ),
}


def make(idea, **options):
    """Make the baseline with one idea.

    Parameters
    ----------
    idea : Idea
        The change.
    **options
        As in the published table's `make`.
    """
    vae = table.make(idea.model, idea.prior, **options)
    return table.with_parts(vae, options["seed"], **idea.parts(vae))


def train(idea, data, *, epochs, warm_up, seed, directory):
    """Train the baseline with one idea, and return the model and the seconds.

    Parameters
    ----------
    idea : Idea
        The change.
    data : protocol.Split
        The data.
    epochs, warm_up, seed : int
        Epochs in all, epochs until beta is 1, and the seed of weights, order and noise.
    directory : pathlib.Path
        Of the checkpoints.
    """
    steps_per_epoch = -(-len(data.train) // idea.batch_size)
    tuning_epochs = epochs // 4 if idea.tuned else 0
    shape = {"event_shape": data.train.shape[1:], "steps_per_epoch": steps_per_epoch}

    def stage(make, directory, epochs, learning_rate, **options):
        return protocol.train(
            make,
            data,
            directory=directory,
            seed=seed,
            batch_size=idea.batch_size,
            epochs=epochs,
            compile_options=table.compile_options(
                learning_rate,
                epochs * steps_per_epoch,
                compiled=idea.compiled,
                weight_decay=idea.weight_decay,
                muon=idea.muon,
                use_ema=bool(idea.ema_momentum),
                ema_momentum=idea.ema_momentum,
            ),
            keep="last",
            **options,
        )

    vae, state = stage(
        lambda: make(idea, **shape, warm_up=warm_up, seed=seed),
        directory,
        epochs - tuning_epochs,
        idea.learning_rate,
        warm_up=warm_up,
    )
    if not tuning_epochs:
        return vae, state["seconds"]
    trained = vae
    vae, tuned = stage(
        lambda: table.tightened(trained, 8, seed),
        directory / "tuned",
        tuning_epochs,
        TUNING_RATE,
        warm_up=0,
        monitor="val_iwelbo",
    )
    return vae, state["seconds"] + tuned["seconds"]


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(IDEAS), default=list(IDEAS), metavar="IDEA")
    parser.add_argument("--epochs", type=int, default=12, help="of each training; 12 by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num-images", type=int, default=1000, help="validation images whose evidence is estimated")
    parser.add_argument("--num-samples", type=int, default=500, help="importance samples for each of them")
    parser.add_argument("--quick", action="store_true", help="the whole path on few images; its rows say so")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "ideas.json")
    parser.add_argument("--work", type=pathlib.Path, default=HERE.parent / "runs" / "ideas")
    options = parser.parse_args(arguments)

    data = protocol.split("fashion_mnist")
    epochs, num_images, num_samples = options.epochs, options.num_images, options.num_samples
    if options.quick:
        data = protocol.Split(data.train[:1000], data.validation[:100], data.test[:0])
        epochs, num_images, num_samples = 4, 50, 20
    held_out = data.validation[:num_images]
    kind = f"{options.seed}-{epochs}" + "-quick" * options.quick
    evidence_file = f"log_evidence-{len(held_out)}-{num_samples}.npy"
    for name in (name for name in IDEAS if name in options.only):  # the baseline first
        idea, directory = IDEAS[name], options.work / f"{name}-{kind}"
        print(f"== {name}: {idea.text}", flush=True)
        vae, seconds = train(
            idea, data, epochs=epochs, warm_up=max(1, epochs // 3), seed=options.seed, directory=directory
        )
        evidence = kv.evaluation.log_evidence(vae, held_out, num_samples, seed=options.seed, progress=True)
        np.save(directory / evidence_file, evidence)
        terms = vae.evaluate(data.validation, batch_size=500, return_dict=True, verbose=0)
        row = {
            "idea": name,
            "text": idea.text,
            "seed": options.seed,
            "epochs": epochs,
            "num_weights": vae.count_params(),
            "elbo": terms["elbo"],
            "kl_loss": terms["kl_loss"],
            "log_evidence": float(evidence.mean()),
            "num_samples": num_samples,
            "num_images": len(held_out),
            "seconds": round(seconds, 1),
            "quick": options.quick,
            "machine": protocol.machine(),
        }
        baseline = options.work / f"{BASELINE}-{kind}" / evidence_file
        if name != BASELINE and baseline.exists():
            gains = evidence - np.load(baseline)
            error = gains.std(ddof=1) / np.sqrt(len(gains))
            row |= {"gain": float(gains.mean()), "gain_standard_error": float(error)}
        row = protocol.append_row(options.output, row)
        gain = f"gain {row['gain']:+.2f}" if "gain" in row else "no baseline of this kind to hold it against"
        print(f"{name}: elbo {row['elbo']:.2f}, log p(x) {row['log_evidence']:.2f}, {'' if name == BASELINE else gain}")


if __name__ == "__main__":
    main()
