"""Cases of which a few are tested always, and the others in the soak."""

import pytest


def soaked(cases, *, quick):
    """Return the cases for `parametrize`: all but the quick ones are left to the soak tests.

    A case of several arguments is a tuple.
    """
    quick, found = list(quick), []
    for case in cases:
        arguments = case if isinstance(case, tuple) else (case,)
        found.append(case if case in quick else pytest.param(*arguments, marks=pytest.mark.soak))
    return found
