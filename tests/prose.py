"""Find phrases that read foreign in documents, docstrings, comments and messages: `python tests/prose.py`.

The rules are in `prose_rules.toml`. Code in documents is left out, and so are strings of one word.
"""

import ast
import io
import pathlib
import re
import sys
import tokenize
import tomllib

ROOT = pathlib.Path(__file__).parents[1]
RULES = tomllib.loads((ROOT / "tests" / "prose_rules.toml").read_text(encoding="utf-8"))["rule"]
PACKAGES = ("keras_vae", "keras_vae_cli", "examples", "benchmarks")


PATTERNS = [(re.compile(rule["pattern"], re.IGNORECASE), rule["remedy"]) for rule in RULES]


def files():
    """Return all files that people read."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("saved_models/*/*.md")]
    documents += [*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")]
    return sorted([*documents, *(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))])


def blank(found):
    """Replace a passage by as many empty lines, so that later lines keep their numbers."""
    return "\n" * found[0].count("\n")


def of_document(text):
    """Return a document's prose as one passage: without code, comments and mathematics."""
    text = re.sub(r"^```.*?^```|<!--.*?-->|^\$\$.*?\$\$$", blank, text, flags=re.DOTALL | re.MULTILINE)
    return [(1, re.sub(r"(?<=`)[^`\n]+(?=`)", "x", text))]


def of_program(text):
    """Return the strings of more than one word in a program, docstrings among them, and its comments, by line."""
    nodes = list(ast.walk(ast.parse(text)))
    joined = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    passages = []
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "x" for part in node.values]
            passages.append((node.lineno, "".join(parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in joined:
            passages.append((node.lineno, node.value))
    last = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if last == token.start[0] - 1:  # one comment goes over several lines
                passages[-1] = (passages[-1][0], f"{passages[-1][1]}\n{token.string}")
            else:
                passages.append((token.start[0], token.string))
            last = token.start[0]
    return [passage for passage in passages if " " in passage[1].strip()]


def findings(path):
    """Return lines `file:line: phrase: remedy` for a file."""
    text, found = path.read_text(encoding="utf-8"), []
    for line, passage in of_document(text) if path.suffix == ".md" else of_program(text):
        words = [word for word in re.finditer(r"\S+", passage) if word[0] != "#"]
        flat = " ".join(word[0] for word in words)  # phrases go over lines
        for pattern, remedy in PATTERNS:
            for match in pattern.finditer(flat):
                before = words[flat.count(" ", 0, match.start())].start()
                place = f"{path.relative_to(ROOT)}:{line + passage.count(chr(10), 0, before)}"
                found.append(f"{place}: {match[0]!r}: {remedy}")
    return found


if __name__ == "__main__":
    everything = [line for path in files() for line in findings(path)]
    print("\n".join(everything) or "The prose is clean.")
    sys.exit(bool(everything))
