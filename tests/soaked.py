"""Cases of which a few are tested always, and the others in the soak."""

import pytest


def soaked(cases, *, quick):
    """Return the cases for `parametrize`: all but the quick ones are left to the soak tests."""
    return [case if case in quick else pytest.param(case, marks=pytest.mark.soak) for case in cases]
