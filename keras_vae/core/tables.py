"""Tables for notebooks."""

import html
from collections.abc import Iterable, Sequence


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str] = ()) -> str:
    """Write a table for a notebook: names to the left, numbers to the right, notes below.

    Parameters
    ----------
    header : sequence of str
        The names of the columns.
    rows : iterable of sequence of str
        The cells of each row, a name first.
    notes : iterable of str
        Lines below the table.

    Returns
    -------
    str
        HTML, with all cells escaped.
    """

    def row(cells, tag):
        left, *others = (html.escape(cell) for cell in cells)
        numbers = "".join(f'<{tag} style="text-align: right">{cell}</{tag}>' for cell in others)
        return f'<tr><{tag} style="text-align: left">{left}</{tag}>{numbers}</tr>'

    body = "".join(row(cells, "td") for cells in rows)
    below = "".join(f"<div>{html.escape(note)}</div>" for note in notes)
    return f"<table><thead>{row(header, 'th')}</thead><tbody>{body}</tbody></table>{below}"
