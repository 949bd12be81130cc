"""Rules that hold for many files or names are one test each, which shows all violations at once."""


def assert_none(violations):
    """Fail with a line for each violation."""
    violations = list(violations)
    assert not violations, "\n".join(["", *map(str, violations)])
