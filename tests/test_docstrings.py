"""Docstrings: every public class and function has one, in numpydoc's form, that agrees with the signature."""

import ast
import builtins
import importlib
import inspect
import pkgutil
import re
import textwrap
import types

import pytest
from numpydoc.docscrape import NumpyDocString

import keras_vae

MODULES = {
    module.name: importlib.import_module(module.name)
    for module in pkgutil.walk_packages(keras_vae.__path__, prefix="keras_vae.")
}


def defined(kind):
    """Return the public classes or functions of the package by their full names, where they are defined."""
    return {
        f"{name}.{attribute}": found
        for name, module in MODULES.items()
        for attribute, found in sorted(vars(module).items())
        if kind(found) and found.__module__ == name and not attribute.startswith("_")
    }


CLASSES, FUNCTIONS = defined(inspect.isclass), defined(inspect.isfunction)


def exported():
    """Return what the rooms promise: all objects in their `__all__`."""
    return [getattr(module, name) for module in MODULES.values() for name in getattr(module, "__all__", [])]


EXPORTED = exported()


def own_methods():
    """Return the public methods of exported classes, and of ours that they inherit from, where they first appear.

    A method that overrides another one inherits its contract.
    """
    ours = {owner for found in EXPORTED if inspect.isclass(found) for owner in found.__mro__}
    return {
        f"{class_name}.{name}": member
        for class_name, owner in CLASSES.items()
        if owner in ours
        for name, member in vars(owner).items()
        if not name.startswith("_")
        and isinstance(member, (types.FunctionType, classmethod, staticmethod))
        and not any(name in vars(parent) for parent in owner.__mro__[1:])
    }


METHODS = own_methods()


def parse(documented):
    """Parse a docstring; numpydoc warns of sections that it does not know, which is an error here."""
    return NumpyDocString(inspect.getdoc(documented))


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
    """Tell whether a function returns a value."""
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


def is_abstract(function):
    return getattr(function, "__isabstractmethod__", False)


def test_the_walk_finds_classes_functions_and_methods():
    assert "keras_vae.models.vae.VAE" in CLASSES
    assert "keras_vae.divergences.gaussian.gaussian_kl" in FUNCTIONS
    assert "keras_vae.models.vae.VAE.decode" in METHODS
    assert "keras_vae.models.vae.VAE.build" not in METHODS


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_for(name):
    assert (MODULES[name].__doc__ or "").strip().endswith(".")


@pytest.mark.parametrize("name", [*CLASSES, *FUNCTIONS, *METHODS])
def test_a_docstring_begins_with_a_line_that_is_a_sentence(name):
    documented = {**CLASSES, **FUNCTIONS, **METHODS}[name]
    lines = (documented.__doc__ or "").strip().splitlines()
    assert lines, "no docstring"
    assert re.search(r"[.:]$", lines[0]), lines[0]
    assert len(lines) == 1 or not lines[1].strip()


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("name", CLASSES)
def test_a_class_documents_what_its_constructor_takes(name):
    owner = CLASSES[name]
    doc = parse(owner)
    if issubclass(owner, tuple):
        assert names_in(doc["Attributes"]) == list(owner._fields)
        return
    documented = names_in(doc["Parameters"])
    elsewhere = " ".join(" ".join(entry.desc) for entry in doc["Parameters"] if entry.name == "**kwargs")
    mentioned = re.findall(r"`(\w+)`", elsewhere)
    if not any(parent.__module__.startswith("keras_vae.") and "__init__" in vars(parent) for parent in owner.__mro__):
        # The constructor is another library's: what is said of it must be true.
        assert set(documented) <= {*accepted(owner.__init__, skip_self=True), "**kwargs"}
        return
    expected = [name for name in accepted_by_constructor(owner) if name != "name"]  # every Keras object has one
    assert set(documented) | set(mentioned) >= set(expected), set(expected) - set(documented) - set(mentioned)
    assert set(documented) <= set(expected), set(documented) - set(expected)
    own = [name for name in accepted(owner.__init__, skip_self=True) if name in documented]
    assert [name for name in documented if name in own] == own, "the order differs from the signature's"


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS])
def test_a_function_documents_its_parameters_in_the_order_of_the_signature(name):
    function = {**FUNCTIONS, **METHODS}[name]
    expected = accepted(plain(function), skip_self=name in METHODS)
    entries = parse(function)["Parameters"]
    documented = names_in(entries)
    if len(documented) > len(entries):  # parameters that share a line need not be neighbours
        assert sorted(documented) == sorted(expected)
    else:
        assert documented == expected


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS])
def test_a_function_documents_what_it_returns_or_yields(name):
    function = plain({**FUNCTIONS, **METHODS}[name])
    doc = parse(function)
    if is_abstract(function):
        return  # the contract says it, and the body is empty
    if is_yielding(function):
        assert doc["Yields"]
    else:
        assert bool(doc["Returns"]) == returns_something(function)


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if function in EXPORTED])
def test_an_exported_function_documents_the_errors_that_it_raises(name):
    function = plain(FUNCTIONS[name])
    assert raised(function) <= {entry.type for entry in parse(function)["Raises"]}
