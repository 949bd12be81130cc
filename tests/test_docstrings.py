"""Docstrings: what a room exports has one, in numpydoc's form, that agrees with the signature."""

import ast
import builtins
import dataclasses
import importlib
import inspect
import pathlib
import pkgutil
import re
import textwrap
import types
import warnings

import typer
from numpydoc.docscrape import NumpyDocString

import keras_vae
import keras_vae_cli
from keras_vae_cli.app import app
from tests.violations import assert_none

ROOT = pathlib.Path(keras_vae.__file__).parents[1]
MODULES = [
    keras_vae,
    *(importlib.import_module(module.name) for module in pkgutil.walk_packages(keras_vae.__path__, "keras_vae.")),
    keras_vae_cli,
]
OURS = ("keras_vae", "keras_vae_cli")


def exported(kind):
    """Return the classes or functions in the `__all__` of a room, by their full names, each once."""
    found = {}
    for module in MODULES:
        for name in getattr(module, "__all__", []):
            one = getattr(module, name)
            if kind(one) and one not in found.values():
                found[f"{module.__name__}.{name}"] = one
    return found


CLASSES, FUNCTIONS = exported(inspect.isclass), exported(inspect.isfunction)


def own_methods():
    """Return the public methods of exported classes, and of ours that they inherit from, where they first appear.

    A method that overrides another one inherits its contract.
    """
    return {
        f"{owner.__module__}.{owner.__name__}.{name}": member
        for found in CLASSES.values()
        for place, owner in enumerate(found.__mro__)
        if owner.__module__.split(".")[0] in OURS
        for name, member in vars(owner).items()
        if not name.startswith("_")
        and isinstance(member, (types.FunctionType, classmethod, staticmethod))
        and not any(name in vars(parent) for parent in found.__mro__[place + 1 :])
    }


METHODS = own_methods()
CALLABLES = {**FUNCTIONS, **METHODS}


def parse(documented):
    """Parse a docstring; numpydoc warns of sections that it does not know, which is an error here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return NumpyDocString(inspect.getdoc(documented) or "")


def names_in(section):
    """Return the names of a section's entries; one entry may hold several, as in `start, end : float`."""
    return [name.strip() for entry in section for name in entry.name.split(",")]


def accepted(function, *, skip_self=False):
    """Return the names of a signature's parameters, with their stars."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = list(inspect.signature(function).parameters.values())
    return [stars.get(parameter.kind, "") + parameter.name for parameter in parameters[skip_self:]]


def accepted_by_constructor(owner):
    """Return what a class takes: the parameters of its constructor and of ours above that `**kwargs` leads to."""
    names = []
    for parent in owner.__mro__:
        if parent.__module__.startswith("keras_vae.") and "__init__" in vars(parent):
            names.extend(name for name in accepted(parent.__init__, skip_self=True) if name not in names)
            if "**kwargs" not in accepted(parent.__init__):
                break
    return names


def own_nodes(function):
    """Yield the nodes of a function's body, functions within it apart."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    pending = list(definition.body)
    while pending:
        node = pending.pop()
        if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            yield node
            pending.extend(ast.iter_child_nodes(node))


def returns_something(function):
    returns = [node.value for node in own_nodes(function) if isinstance(node, ast.Return)]
    return any(value is not None and ast.unparse(value) != "None" for value in returns)


def is_yielding(function):
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in own_nodes(function))


def raised(function):
    """Return the names of the built-in exceptions that a function's own body raises."""
    calls = [node.exc for node in own_nodes(function) if isinstance(node, ast.Raise)]
    names = {ast.unparse(call.func) for call in calls if isinstance(call, ast.Call)}
    return {name for name in names if hasattr(builtins, name)}


def plain(function):
    """Take the wrappers off: `classmethod`, `contextmanager` and their like."""
    return inspect.unwrap(function.__func__ if isinstance(function, (classmethod, staticmethod)) else function)


def begins_with_a_sentence(text):
    lines = (text or "").strip().splitlines()
    return bool(lines) and lines[0].endswith((".", ":")) and (len(lines) == 1 or not lines[1].strip())


def test_the_walk_finds_classes_functions_and_methods():
    assert "keras_vae.VAE" in CLASSES
    assert "keras_vae.divergences.gaussian_kl" in FUNCTIONS
    assert "keras_vae_cli.main" in FUNCTIONS
    assert "keras_vae.schedules.schedule.Schedule.value" in METHODS
    assert "keras_vae.schedules.linear.LinearSchedule.value" not in METHODS


def test_a_module_says_what_it_is_for():
    files = [path for package in OURS for path in (ROOT / package).rglob("*.py")]
    docstrings = {path: ast.get_docstring(ast.parse(path.read_text())) for path in files}
    assert_none(str(path) for path, text in docstrings.items() if not (text or "").endswith("."))


def test_what_is_exported_has_a_docstring_that_begins_with_a_sentence():
    everything = {**CLASSES, **CALLABLES}
    assert_none(name for name, found in everything.items() if not begins_with_a_sentence(found.__doc__))


def test_what_is_not_exported_needs_no_docstring_but_begins_one_with_a_sentence():
    violations = []
    for path in (path for package in OURS for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                text = ast.get_docstring(node)
                if text is not None and not begins_with_a_sentence(text):
                    violations.append(f"{path}:{node.lineno} {node.name}: {text.splitlines()[:1]}")
    assert_none(violations)


def constructor_violations(owner):
    """Yield what is wrong with a class's sections."""
    doc = parse(owner)
    documented = names_in(doc["Parameters"])
    if issubclass(owner, tuple) or dataclasses.is_dataclass(owner):
        fields = owner._fields if issubclass(owner, tuple) else [field.name for field in dataclasses.fields(owner)]
        if list(fields) not in (names_in(doc["Attributes"]), documented):
            yield f"the fields are {list(fields)}"
        return
    elsewhere = " ".join(" ".join(entry.desc) for entry in doc["Parameters"] if entry.name == "**kwargs")
    mentioned = set(re.findall(r"`(\w+)`", elsewhere))
    if not any(parent.__module__.startswith("keras_vae.") and "__init__" in vars(parent) for parent in owner.__mro__):
        # The constructor is another library's: what is said of it must be true.
        if unknown := set(documented) - {*accepted(owner.__init__, skip_self=True), "**kwargs"}:
            yield f"there is no {unknown}"
        return
    expected = [name for name in accepted_by_constructor(owner) if name != "name"]  # every Keras object has one
    if missing := set(expected) - set(documented) - mentioned:
        yield f"{missing} has no entry"
    if unknown := set(documented) - set(expected):
        yield f"there is no {unknown}"
    own = [name for name in accepted(owner.__init__, skip_self=True) if name in documented]
    if [name for name in documented if name in own] != own:
        yield "the order differs from the signature's"


def test_a_class_documents_what_its_constructor_takes():
    assert_none(f"{name}: {what}" for name, owner in CLASSES.items() for what in constructor_violations(owner))


def test_a_function_documents_its_parameters_in_the_order_of_the_signature():
    violations = []
    for name, function in CALLABLES.items():
        expected = accepted(plain(function), skip_self=name in METHODS and not isinstance(function, staticmethod))
        entries = parse(function)["Parameters"]
        documented = names_in(entries)
        if len(documented) > len(entries):  # parameters that share a line need not be neighbours
            documented, expected = sorted(documented), sorted(expected)
        if documented != expected:
            violations.append(f"{name}: documented {documented}, accepted {expected}")
    assert_none(violations)


def test_a_function_documents_what_it_returns_or_yields():
    violations = []
    for name, function in CALLABLES.items():
        doc, definition = parse(function), plain(function)
        is_left_out = "NotImplementedError" in raised(definition) and not returns_something(definition)
        if is_left_out or getattr(function, "__isabstractmethod__", False):
            continue  # the contract says it, and subclasses do it
        if is_yielding(definition):
            violations += [] if doc["Yields"] else [f"{name} yields"]
        elif bool(doc["Returns"]) != returns_something(definition):
            violations.append(f"{name}: documented {doc['Returns']}")
    assert_none(violations)


def test_an_exported_function_documents_the_errors_that_it_raises():
    violations = []
    for name, function in FUNCTIONS.items():
        if missing := raised(plain(function)) - {entry.type for entry in parse(function)["Raises"]}:
            violations.append(f"{name} raises {missing}")
    assert_none(violations)


def test_the_help_of_commands_and_options_is_in_sentences():
    group = typer.main.get_command(app)
    commands = {"keras-vae": group, **group.commands}
    violations = [name for name, command in commands.items() if not begins_with_a_sentence(command.help)]
    for name, command in commands.items():
        for parameter in command.params:
            text = getattr(parameter, "help", None) or ""
            if not (text.endswith(".") or parameter.param_type_name == "argument"):
                violations.append(f"{name} {parameter.name}: {text!r}")
    assert_none(violations)
