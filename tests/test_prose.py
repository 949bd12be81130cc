"""The prose linter finds what its rules are about, where it stands, and the tree is free of it."""

import re

import pytest

from tests import prose
from tests.violations import assert_none


@pytest.mark.parametrize("rule", prose.RULES, ids=lambda rule: rule["bad"])
def test_a_rule_finds_its_bad_example_and_no_rule_the_good_one(rule):
    assert re.search(rule["pattern"], rule["bad"], re.IGNORECASE)
    assert not [remedy for pattern, remedy in prose.PATTERNS if pattern.search(rule["good"])]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.md", "# Page\n\n```sh\nis no code\n```\n\nThis is\nno proof, and `is no` such.\n"),
        ("program.py", '"""Fine."""\n\nnumber = 1\nother = (number, f"{number} is "\n    f"no proof")\n'),
        ("comment.py", '"""Fine."""\n\nnumber = 1\n\n\n\n# It is\n# no proof.\n'),
    ],
)
def test_a_phrase_is_found_over_lines_and_named_with_its_line(name, text, tmp_path, monkeypatch):
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    (tmp_path / name).write_text(text)
    (found,) = prose.findings(tmp_path / name)
    assert found.startswith(f"{name}:{4 if name == 'program.py' else 7}: 'is") and found.endswith(": is not a …")


def test_the_prose_of_the_tree_is_clean():
    assert_none(line for path in prose.files() for line in prose.findings(path))
