"""The shape of the package and its command line: imports go down from floor to floor, and rooms have doors."""

import ast
import importlib
import importlib.util
import pathlib

import keras_vae
from tests.violations import assert_none

ROOT = pathlib.Path(keras_vae.__file__).parents[1]
FLOORS = {
    "version": -1,
    "core": 0,
    "schedules": 1,
    "latents": 1,
    "layers": 1,
    "data": 1,
    "optimizers": 1,
    "networks": 2,
    "posteriors": 2,
    "priors": 2,
    "likelihoods": 2,
    "divergences": 2,
    "conditions": 2,
    "objectives": 3,
    "models": 4,
    "evaluation": 5,
    "export": 5,
    "plots": 5,
    "detection": 5,
    "pretrained": 5,
    "callbacks": 6,
    "keras_vae_cli": 7,
}
LINES = 520  # beyond this many, look for a seam
LONG = {  # the files that are longer, each with the reason
    "keras_vae/models/trainer.py": "the signatures of Keras's own verbs, with their docstrings",
    "keras_vae/models/latent_variable_model.py": "inference, densities and verbs of one class, half of it docstrings",
}

TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text())
    for package in ("keras_vae", "keras_vae_cli")
    for path in sorted((ROOT / package).rglob("*.py"))
}
INSIDE = [name for name in TREES if name != "keras_vae/__init__.py"]
ROOMS = [room for room in FLOORS if (ROOT / "keras_vae" / room).is_dir()]


def room_at(path):
    """Return the room of a file or module by its parts: the command line is one, and what lies in `keras_vae`."""
    return path[0] if path[0] == "keras_vae_cli" or len(path) == 1 else path[1].removesuffix(".py")


def imports_of(name):
    """Return what a file imports of ours, anywhere in it: pairs of a module and a name (None: the module)."""
    package = ".".join(name.split("/")[:-1])
    found = []
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found.extend((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found.extend((module, alias.name) for alias in node.names)
    return [(module, what) for module, what in found if module.split(".")[0] in ("keras_vae", "keras_vae_cli")]


def rooms_imported(name):
    """Return the rooms that a file imports from, without its own; "keras_vae" is the package as a whole."""
    paths = [[*module.split("."), *([what] if what else [])] for module, what in imports_of(name)]
    return {room_at(path) for path in paths} - {room_at(name.split("/"))}


def test_the_walk_sees_imports():
    imported = {
        room: set().union(*(rooms_imported(name) for name in INSIDE if room_at(name.split("/")) == room))
        for room in FLOORS
    }
    assert imported["models"] >= {"core", "likelihoods", "objectives"}
    assert imported["keras_vae_cli"] >= {"keras_vae"}
    assert ("keras_vae.core", "register") in imports_of("keras_vae/schedules/linear.py")


def test_every_room_has_a_floor():
    assert {room_at(name.split("/")) for name in INSIDE} <= set(FLOORS)


def test_imports_go_down_and_rooms_of_one_floor_do_not_import_each_other():
    violations = []
    for name in INSIDE:
        room = room_at(name.split("/"))
        for imported in rooms_imported(name):
            if imported == "keras_vae" and room == "keras_vae_cli":
                continue  # the command line is a user of the whole package
            if FLOORS.get(imported, 99) >= FLOORS[room]:
                place = f"floor {FLOORS[imported]}" if imported in FLOORS else "no room"
                violations.append(f"{name} on floor {FLOORS[room]} imports {imported}, {place}")
    assert_none(violations)


def test_rooms_are_entered_by_the_door():
    # What a room does not export is its own affair.
    violations = []
    for name in INSIDE:
        for module, what in imports_of(name):
            path = module.split(".")
            if len(path) > 1 and room_at(path) not in (room_at(name.split("/")), "version"):
                if len(path) > 2 or what is None:
                    violations.append(f"{name} imports {module}")
                elif what not in importlib.import_module(module).__all__:
                    violations.append(f"{name} imports {what} from {module}")
    assert_none(violations)


def test_the_package_itself_defines_nothing():
    docstring, *rest = TREES["keras_vae/__init__.py"].body
    assert isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant)
    for node in rest:
        is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        assert is_all or isinstance(node, (ast.Import, ast.ImportFrom)), ast.unparse(node)


def test_all_names_that_are_promised_exist_and_once():
    violations = []
    for module in ["keras_vae", "keras_vae_cli", *(f"keras_vae.{room}" for room in ROOMS)]:
        promised = importlib.import_module(module).__all__
        violations += [f"{module}.{name}" for name in promised if not hasattr(importlib.import_module(module), name)]
        violations += [f"{module}.{name}, twice" for name in set(promised) if promised.count(name) > 1]
    assert_none(violations)


def test_nothing_prints():
    assert_none(
        f"{name}:{node.lineno} prints"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    )


def test_a_long_file_is_long_for_a_reason():
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in TREES}
    assert {name for name, length in lengths.items() if length > LINES} == set(LONG)
