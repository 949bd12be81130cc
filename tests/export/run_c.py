"""The C program `run_saved_model.c`: built against TensorFlow's own headers and libraries, and asked from Python."""

import os
import pathlib
import shutil
import subprocess

import numpy as np
import tensorflow as tf

SOURCE = pathlib.Path(__file__).with_name("run_saved_model.c")
LIBRARIES = ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")


def build(folder, source=SOURCE):
    """Compile the program, or another one, and return its path."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "a C compiler must be there: apt-get install gcc libc6-dev"
    tensorflow = pathlib.Path(tf.sysconfig.get_lib())
    program = folder / source.stem
    command = [compiler, "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-I", tf.sysconfig.get_include(), source]
    command += ["-o", program, "-L", tensorflow, *(f"-l:{name}" for name in LIBRARIES), f"-Wl,-rpath,{tensorflow}"]
    if shutil.which("ld.gold"):  # the usual linker takes ten seconds for TensorFlow's symbols
        command += ["-fuse-ld=gold", "-Wl,--allow-shlib-undefined"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def run(program, *arguments):
    """Run the program in an environment that knows no Python."""
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", "PATH": "/nonexistent", "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False, env=environment, timeout=120
    )


def signatures(program, export):
    """Return the signatures that the program finds: names of inputs and outputs, with TensorFlow's types and shapes."""
    done = run(program, export)
    assert done.returncode == 0, done.stderr
    found = {}
    for line in done.stdout.splitlines():
        if not line.startswith("  "):
            found[line] = {"input": {}, "output": {}}
            continue
        side, name, _, number, _, *shape = line.split()
        size = [None if axis == "-1" else int(axis) for axis in shape]
        found[list(found)[-1]][side][name] = (tf.as_dtype(int(number)).name, size)
    return found


def ask(program, export, requests, folder):
    """Send requests, pairs of a signature and a dictionary of its inputs, and return a dictionary for each."""
    folder.mkdir()
    lines = []
    for number, (signature, inputs) in enumerate(requests):
        for name, value in inputs.items():
            path = folder / f"{number}.in.{name}"
            if isinstance(value, list):
                path.write_bytes(b"".join(np.uint64(len(each)).tobytes() + each for each in value))
            else:
                path.write_bytes(np.ascontiguousarray(value).tobytes())
            lines.append(" ".join(["input", name, str(path), *map(str, np.shape(value))]))
        lines.append(f"run {signature} {folder / str(number)}")
    (folder / "requests").write_text("\n".join(lines) + "\n")
    done = run(program, export, folder / "requests")
    if done.returncode:
        raise RuntimeError(done.stderr)
    answers = [{} for _ in requests]
    for line in done.stdout.splitlines():
        _, _, name, path, *shape = line.split()
        values = np.fromfile(path, dtype=np.float32).reshape([int(size) for size in shape])
        answers[int(pathlib.Path(path).name.split(".")[0])][name] = values
    return answers
