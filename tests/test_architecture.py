"""The shape of the package: imports go down from floor to floor, files stay short, and nothing prints."""

import ast
import importlib
import importlib.util
import pathlib

import pytest

import keras_vae

ROOT = pathlib.Path(keras_vae.__file__).parent
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
    "objectives": 3,
    "models": 4,
    "evaluation": 5,
    "export": 5,
    "plots": 5,
    "pretrained": 5,
    "callbacks": 6,
    "cli": 7,
}
FILES = {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.rglob("*.py"))}
INSIDE = [name for name in FILES if name != "__init__.py"]


def room_of(name):
    """Return the room of a file: the directory at the top, or the module itself."""
    return pathlib.PurePosixPath(name).parts[0].removesuffix(".py")


def imports_of(name):
    """Return what a file imports from the package, anywhere in it: pairs of a module and a name (None: the module)."""
    package = ".".join(["keras_vae", *pathlib.PurePosixPath(name).parts[:-1]])
    found = []
    for node in ast.walk(ast.parse(FILES[name].read_text())):
        if isinstance(node, ast.Import):
            found.extend((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found.extend((module, alias.name) for alias in node.names)
    return [(module, what) for module, what in found if module.split(".")[0].startswith("keras_vae")]


def rooms_imported(name):
    """Return the rooms that a file imports from; the package itself, or another one of ours, by its own name."""
    rooms = set()
    for module, what in imports_of(name):
        path = [*module.split("."), *([what] if what else [])]
        rooms.add(path[1] if path[0] == "keras_vae" and len(path) > 1 else path[0])
    return rooms


def test_the_walk_sees_imports():
    assert rooms_imported("models/vae.py") >= {"core", "likelihoods", "objectives", "posteriors", "priors"}
    assert ("keras_vae.core", "register") in imports_of("models/vae.py")


def test_every_room_has_a_floor():
    assert {room_of(name) for name in INSIDE} <= set(FLOORS)


@pytest.mark.parametrize("name", INSIDE)
def test_imports_go_down_and_rooms_of_one_floor_do_not_import_each_other(name):
    room = room_of(name)
    for imported in rooms_imported(name) - {room}:
        assert imported in FLOORS, f"{name} imports {imported}, which is no room"
        assert FLOORS[imported] < FLOORS[room], f"{name} on floor {FLOORS[room]} imports {imported}"


@pytest.mark.parametrize("name", INSIDE)
def test_rooms_are_entered_by_the_door(name):
    # What a room does not export is its own affair.
    for module, what in imports_of(name):
        path = module.split(".")
        if len(path) > 1 and path[1] not in (room_of(name), "version"):
            assert len(path) == 2, f"{name} imports {module}"
            assert what in importlib.import_module(module).__all__, f"{name} imports {what} from {module}"


def test_the_package_itself_defines_nothing():
    body = ast.parse(FILES["__init__.py"].read_text()).body
    docstring, *rest = body
    assert isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant)
    for node in rest:
        is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        assert is_all or isinstance(node, (ast.Import, ast.ImportFrom)), ast.unparse(node)


@pytest.mark.parametrize("module", ["keras_vae", *(f"keras_vae.{room}" for room in FLOORS if (ROOT / room).is_dir())])
def test_all_names_that_are_promised_exist_in_order(module):
    module = importlib.import_module(module)
    assert all(hasattr(module, name) for name in module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize("name", FILES)
def test_nothing_prints(name):
    calls = [node.func for node in ast.walk(ast.parse(FILES[name].read_text())) if isinstance(node, ast.Call)]
    assert "print" not in {function.id for function in calls if isinstance(function, ast.Name)}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_one_room_and_not_two(name):
    length = len(FILES[name].read_text().splitlines())
    assert length <= 320
