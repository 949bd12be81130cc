"""The tables of the documents, written from the committed results and from nothing else.

A table stands in README.md or a page of docs/ between `<!-- table: NAME -->` and `<!-- end of table -->`:

    python benchmarks/tables.py            # write all of them
    python benchmarks/tables.py --check    # say which are out of date, and end with 1 if one is
"""

import argparse
import json
import pathlib
import re
import sys

import scaling as scaling_script
import startup as startup_script
import throughput as throughput_script

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results"
DOCUMENTS = [HERE.parent / "README.md", *sorted((HERE.parent / "docs").rglob("*.md"))]
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
SPREADS = {  # the "±" that the published table has beside its log p(x)
    ("vae", "standard_normal"): 0.15,
    ("vae", "vamp"): 0.05,
    ("hvae", "standard_normal"): 0.10,
    ("hvae", "vamp"): 0.08,
}
RUNTIMES = {
    "c": "C program, SavedModel",
    "saved_model": "Python, SavedModel",
    "verbs": "Python, the model's verbs",
    "predict": "Python, Keras's `predict`",
    "litert": "Python, LiteRT",
    "onnx": "Python, ONNX Runtime",
}


def results(name):
    """Return the rows of a file of results that were measured in full.

    Raises
    ------
    LookupError
        If there are none.
    """
    path = RESULTS / f"{name}.json"
    rows = [row for row in json.loads(path.read_text()) if not row.get("quick")] if path.exists() else []
    if not rows:
        raise LookupError(name)
    return rows


def markdown(header, rows, align="-"):
    """Return a table, the columns of numbers to the right."""
    marks = [":---" if mark == "l" else "---:" for mark in align]
    lines = [[str(cell).replace("|", r"\|") for cell in line] for line in (header, marks, *rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def published_fashion_mnist(likelihood="bernoulli"):
    """Return the published table of Fashion-MNIST beside ours, or rows with another likelihood."""

    def published(row):
        spread = SPREADS.get((row["model"], row["prior"]))
        return f"{row['published']:.2f}" + (f" ± {spread:.2f}" if spread else "")

    names = {"vae": "VAE", "hvae": "HVAE, two levels"}
    names |= {"standard_normal": "Gaussian", "vamp": "VampPrior", "mixture": "mixture of Gaussians"}
    rows = [
        [
            f"{names[row['model']]}, {names[row['prior']]}",
            row["seed"],
            published(row),
            f"**{row['test_log_evidence']:.2f}**",
            f"{row['test_log_evidence'] - row['published']:+.2f}",
            f"{row['standard_error']:.2f}",
            row["num_samples"],
            f"{row['test_elbo']:.2f}",
            row["epochs"],
            f"{row['seconds'] / 60:.0f}",
        ]
        for row in results("published_fashion_mnist")
        if row.get("likelihood", "bernoulli") == likelihood
    ]
    if not rows:
        raise LookupError(likelihood)
    header = ["model, prior", "seed", "published", "log p(x)", "difference", "± over images", "samples", "elbo"]
    return markdown([*header, "epochs", "minutes"], rows, "lrrrrrrrrr")


def own_fashion_mnist():
    """Return the rows whose pixels see those before them; the published table has no such models."""
    return published_fashion_mnist("autoregressive")


def published_digits():
    """Return the best validation -elbo of each recipe, day and seed."""
    seeds, found = sorted({row["seed"] for row in results("published_digits")}), {}
    for row in results("published_digits"):
        recipe = "weight decay 0.5" if row["weight_decay"] else "as published"
        recipe = "as published, but Keras's default initial weights" if row["initializer"] != "pytorch" else recipe
        found.setdefault((recipe, row["date"][:10]), {})[row["seed"]] = f"{row['best_validation_negative_elbo']:.2f}"
    lines = [[*key, *(values.get(seed, "") for seed in seeds)] for key, values in sorted(found.items())]
    return markdown(["recipe", "day", *(f"seed {seed}" for seed in seeds)], lines, "llrrr")


def summary():
    """Return the five figures of the README."""
    fashion = [row for row in results("published_fashion_mnist") if row.get("likelihood", "bernoulli") == "bernoulli"]
    digits = [row for row in results("published_digits") if not row["weight_decay"] and row["initializer"] == "pytorch"]
    speed = {row["workload"]: row for row in results("throughput")}["mlp"]
    killed = results("kills")[-1]

    def evidence(model, prior):
        rows = [row for row in fashion if (row["model"], row["prior"]) == (model, prior)]
        values = " and ".join(f"{row['test_log_evidence']:.2f}" for row in rows)
        return values, f"{rows[0]['published']:.2f} ± {SPREADS[model, prior]:.2f} published"

    losses = [row["best_validation_negative_elbo"] for row in digits]
    over = speed["ours_over"]
    lines = [
        ["Fashion-MNIST, test log p(x), VAE with Gaussian prior, 2 seeds", *evidence("vae", "standard_normal")],
        ["Fashion-MNIST, test log p(x), two levels and VampPrior, 2 recipes", *evidence("hvae", "vamp")],
        [
            f"scikit-learn's digits, validation −elbo, published recipe, {len(losses)} runs",
            f"{min(losses):.2f} to {max(losses):.2f}",
            f"{digits[0]['published']:.2f} published",
        ],
        [
            "Training a dense model on 2 cores, images/s",
            f"{speed['images_per_second']['ours']:,.0f}",
            f"{over['pythae_trainer']:.2f} × pythae, {over['keras_script']:.2f} × a Keras script",
        ],
        [
            f"Training killed with `kill -9` {killed['kills']} times and resumed",
            f"{killed['runs'] if killed['equal_bit_for_bit'] else 'not all'} of {killed['runs']} runs",
            "the weights of uncut runs, bit for bit",
        ],
    ]
    return markdown(["nats where nothing else is said", "keras_vae", "compared with"], lines, "lrl")


def ideas():
    """Return what each idea brought to a short training, the latest row of each."""
    lines = []
    for row in {row["idea"]: row for row in results("ideas")}.values():
        gain = f"{row['gain']:+.2f} ± {row['gain_standard_error']:.2f}" if "gain" in row else ""
        lines.append(
            [
                row["text"],
                gain,
                f"{row['log_evidence']:.2f}",
                f"{row['elbo']:.2f}",
                f"{row['kl_loss']:.1f}",
                f"{row['num_weights']:,}",
                f"{row['seconds'] / row['epochs']:.1f}",
            ]
        )
    header = ["", "gain", "log p(x)", "elbo", "rate", "weights", "s an epoch"]
    return markdown(header, lines, "lrrrrrr")


def serving():
    """Return the median latency of each runtime, in milliseconds, and how many rows a second it does at most."""
    text = ""
    for row in {row["model"]: row for row in results("serving")}.values():
        found = {(each["signature"], each["runtime"], each["batch"]): each for each in row["rows"]}
        batches = sorted({batch for _, _, batch in found})
        signatures = list(dict.fromkeys(signature for signature, _, _ in found))
        kind = {"mlp": "Dense model", "conv": "Convolutional model"}[row["model"]]
        text += f"\n{kind}, {row['parameters']:,} weights, {row['cores']} cores:\n\n"
        header = ["", *(f"{name}, {batch}" for name in signatures for batch in batches)]
        lines = [
            [label, *(f"{found[name, runtime, batch]['p50_ms']:.2f}" for name in signatures for batch in batches)]
            for runtime, label in RUNTIMES.items()
        ]
        text += markdown(header, lines, "l" + "r" * (len(header) - 1))
    return text.lstrip("\n")


def evidence_cost():
    """Return what 5000 importance samples for each of 10,000 images cost."""
    row = results("evidence_cost")[-1]
    names = {
        "log_evidence": "`kv.evaluation.log_evidence`",
        "log_evidence_bfloat16": "the same, layers multiply in bfloat16",
        "by_hand": "written by hand in TensorFlow",
        "matrix_products": "the decoder's matrix products alone",
    }
    lines = [
        [names[name], f"{row['milliseconds_per_image'][name]:.1f}", f"{row['cpu_milliseconds_per_image'][name]:.1f}"]
        for name in names
    ]
    return markdown(["", "ms an image", "CPU ms an image"], lines, "lrr")


def devices():
    """Return what several devices, several processes and half precision cost."""
    rows = [
        [
            each["model"],
            each["variant"],
            f"{each['images_per_second']:,}",
            f"{each['speed_ratio']:.2f}",
            each["against"],
        ]
        for each in results("devices")[-1]["rows"]
    ]
    return markdown(["model", "variant", "images/s", "speed", "against"], rows, "llrrl")


def kills():
    """Return the report of the last run of kills."""
    row = results("kills")[-1]
    lines = [
        ["times that a run was ended by `kill -9` and resumed", row["kills"]],
        ["runs", row["runs"]],
        ["killed while a checkpoint was written", row["kills_while_writing"]],
        ["killed before the first checkpoint", row["kills_before_the_first_checkpoint"]],
        ["runs that ended as the uncut one, bit for bit", row["runs"] if row["equal_bit_for_bit"] else "not all"],
    ]
    return markdown(["", "number"], lines, "lr")


def faults():
    """Return the latest report of each attack."""
    latest = {row["attack"]: row for row in results("faults")}
    lines = []
    if "signals" in latest:
        row = latest["signals"]
        words = (
            f"{row['heeded']} heeded with one line and their exit code, {row.get('before the command had begun', 0)} "
        )
        words += f"before the command had begun; {row['runs']} runs ended as the uncut one, bit for bit"
        lines.append(["SIGINT, SIGTERM or SIGHUP at a random moment", row["tries"], words])
    if "files" in latest:
        row = latest["files"]
        for name, counts in row["by_file"].items():
            tries = sum(counts.values())
            lines.append(
                [
                    f"damaged {name}",
                    tries,
                    f"{counts.get('refused', 0)} refused by name, {counts.get('read', 0)} read",
                ]
            )
    return markdown(["attack", "tries", "outcome"], lines, "lrl")


def throughput():
    """Return ours against the peers, for each workload."""
    return throughput_script.markdown([row for row in results("throughput") if "losses" not in row["workload"]])


def ratios():
    """Return what `fit` is worth beside its peers, on a line for each workload."""
    kinds = {
        "best step by hand": throughput_script.HAND,
        "best PyTorch loop": throughput_script.TORCH,
        "pythae": ("pythae_trainer",),
        "Keras script": ("keras_script",),
    }
    lines = []
    for row in {row["workload"]: row for row in results("throughput") if not row["quick"]}.values():
        if "losses" in row["workload"]:
            continue
        speeds = row["images_per_second"]
        best = [
            max((name for name in names if name in speeds), key=speeds.get, default=None) for names in kinds.values()
        ]
        over = [f"{row['ours_over'][name]:.2f} ×" if name else "" for name in best]
        lines.append([row["title"], f"{speeds['ours']:,.0f}", *over])
    return markdown(["", "images/s", *kinds], lines, "lrrrrr")


def throughput_before():
    """Return `fit` against that of an older commit, for each workload."""
    lines = [
        [
            row["title"],
            *(f"{row['images_per_second'][peer]:,.0f}" for peer in ("ours before", "ours")),
            f"{row['ours_over']['ours before']:.2f} ×",
            f"`{row['before'][:7]}`, {row['date'][:10]}",
        ]
        for row in {(row["before"], row["workload"]): row for row in results("throughput_before")}.values()
    ]
    return markdown(["", "images/s before", "now", "ratio", "before, and when measured"], lines, "lrrrl")


def losses():
    """Return what guard, trackers, callbacks and Python cost a step."""
    return throughput_script.markdown([row for row in results("throughput") if "losses" in row["workload"]])


def scaling():
    """Return time and memory against each size."""
    return scaling_script.markdown(results("scaling"))


def startup():
    """Return the times from the start of Python."""
    return startup_script.markdown(results("startup"))


def missing():
    """Return the error of imputed values on each seed's gaps, ours and scikit-learn's."""
    names = {
        "keras_vae": "`kv.VAE(missing=True)`, `IWELBO(20)`",
        "forests": "`IterativeImputer` with random forests",
        "iterative": "`IterativeImputer`",
        "knn": "`KNNImputer`",
        "mean": "column means",
    }
    found: dict = {}
    for row in results("missing"):
        for name, error in row.get("rmse", {}).items():
            found.setdefault(name, {})[row["seed"]] = error
    seeds = sorted(found["keras_vae"])
    lines = []
    for name, label in names.items():
        errors = [found[name][seed] for seed in seeds]
        lines.append([label, *(f"{error:.3f}" for error in errors), f"**{sum(errors) / len(errors):.3f}**"])
    return markdown(["", *(f"seed {seed}" for seed in seeds), "mean"], lines, "l" + "r" * (len(seeds) + 1))


def missing_pixels():
    """Return log p of complete test images for models that saw all pixels, or half of them."""
    rows = [row for row in results("missing") if row["data"] == "fashion_mnist"]
    lines = [
        [
            row["seed"],
            *(f"{row['models'][name]['test_log_evidence']:.2f}" for name in ("all pixels", "half of the pixels")),
            f"{row['lost']:.2f} ± {row['lost_standard_error']:.2f}",
        ]
        for row in rows
    ]
    if not lines:
        raise LookupError("fashion_mnist")
    return markdown(["seed", "saw all pixels", "saw half of them", "difference"], lines, "rrrr")


def _conditional(part):
    """Return the rows of a part of the benchmark of conditions."""
    rows = [row for row in results("conditional") if row["part"] == part]
    if not rows:
        raise LookupError(part)
    return rows


def _with_error(found):
    return f"{found['mean']:+.2f} ± {found['standard_error']:.2f}"


def conditioning():
    """Return what a label brings, and the two ways in which convolutions take it."""
    names = {"none": "no condition", "channels": "the label, as channels", "film": "the label, by FiLM"}
    lines = [
        [
            names[row["conditioning"]],
            row["seed"],
            *(f"{row[name]:.2f}" for name in ("log_evidence", "elbo", "rate", "distortion")),
            _with_error(row["gain"]) if "gain" in row else "",
            f"{row['num_weights']:,}",
        ]
        for row in _conditional("conditioning")
    ]
    header = ["", "seed", "log p", "elbo", "rate", "distortion", "gain in log p", "weights"]
    return markdown(header, lines, "lrrrrrrr")


def classes():
    """Return how well classes of generated images are named, and those of real ones by Bayes' rule."""
    row = _conditional("classes")[-1]
    drawn, few = f"{row['num_generated']:,}", row["num_classified"]
    lines = [
        [f"{drawn} images drawn by class, whose class an independent classifier names", row["generated_named_right"]],
        ["real test images, by that classifier", row["judge_accuracy"]],
        [f"{few} real test images, by that classifier", row["judge_accuracy_same_images"]],
        [f"the same, by Bayes' rule with {row['num_samples']} samples", row["bayes_accuracy"]],
        ["calibration error of Bayes' rule", row["bayes_calibration_error"]],
    ]
    return markdown(["", "share"], [[name, f"{value:.3f}"] for name, value in lines], "lr")


def completion():
    """Return log p of the hidden quadrants given the others."""
    names = ("conditional", "joint", "neighbours")
    lines = [
        [
            row["quadrants"],
            row["hidden_pixels"],
            *(f"{row[name]:.2f}" for name in names),
            *(_with_error(row[f"gain_over_{name}"]) for name in names[1:]),
        ]
        for row in _conditional("completion")
    ]
    header = ["quadrants given", "hidden pixels", "conditional", "joint", "neighbours", "over joint", "over neighbours"]
    return markdown(header, lines, "rrrrrrr")


def semi_supervised():
    """Return errors with few labels."""
    names = {"neighbour": "nearest neighbour", "supervised": "labelled images alone", "semi_supervised": "all images"}
    lines = [
        [row["labels"], row["seed"], *(f"{row['error'][name]:.3f}" for name in names), f"{row['elbo']:.2f}"]
        for row in _conditional("semi_supervised")
    ]
    return markdown(["labels", "seed", *names.values(), "elbo"], lines, "rrrrrr")


TABLES = {
    table.__name__: table
    for table in (
        published_fashion_mnist,
        own_fashion_mnist,
        published_digits,
        summary,
        ideas,
        serving,
        evidence_cost,
        devices,
        kills,
        faults,
        throughput,
        throughput_before,
        ratios,
        losses,
        scaling,
        startup,
        missing,
        missing_pixels,
        conditioning,
        classes,
        completion,
        semi_supervised,
    )
}


def renewed(text):
    """Return a document with its tables rewritten."""

    def table(found):
        try:
            content = TABLES[found[2]]() or "Not measured yet.\n"
        except LookupError:
            content = "Not measured yet.\n"
        return f"{found[1]}{content}{found[3]}"

    return MARKED.sub(table, text)


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    stale = 0
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        new = renewed(text)
        if new != text:
            stale += 1
            print(f"{path.relative_to(HERE.parent)} {'is out of date' if options.check else 'was written'}")
            if not options.check:
                path.write_text(new, encoding="utf-8")
    return int(options.check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
