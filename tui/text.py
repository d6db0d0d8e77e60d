"""Text for cells of a terminal: cleaned of control characters, measured and cut in columns, never markup."""

from __future__ import annotations

from textual.content import Content

from convrec.retrieval.reports import sanitise_text

ELLIPSIS = "…"


def clean(text: str) -> str:
    """Text without terminal sequences, control characters and direction overrides; line breaks and indents stay."""
    return "\n".join(_indent(part) + sanitise_text(part) for part in text.splitlines())


def _indent(text: str) -> str:
    return " " * (len(text) - len(text.lstrip(" ")))


def line(text: str) -> str:
    """`clean` text on one line."""
    return " ".join(clean(text).split())


def literal(text: str, style: str = "") -> Content:
    """Content that shows exactly these characters."""
    shown = clean(text)
    return Content.styled(shown, style) if style else Content(shown)


def width(text: str) -> int:
    """Columns that a text takes: two for wide characters."""
    return Content(text).cell_length


def fit(text: str, columns: int) -> str:
    """Exactly that many columns: cut with an ellipsis, or padded."""
    return padded(cut(text, columns), columns)


def cut(text: str, columns: int) -> str:
    """At most that many columns."""
    shown = line(text)
    if width(shown) <= columns:
        return shown
    kept = ""
    used = 0
    for character in shown:
        own = width(character)
        if used + own > max(columns - 1, 0):
            break
        kept += character
        used += own
    return (kept.rstrip() + ELLIPSIS) if columns > 0 else ""


def padded(text: str, columns: int) -> str:
    return text + " " * max(0, columns - width(text))


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """'1 film', '4,794 films'."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def wrapped(text: str, columns: int, most: int) -> list[str]:
    """Lines of at most that many columns, broken between words; the last of `most` lines is cut with an ellipsis."""
    words = line(text).split(" ")
    lines: list[str] = []
    current = ""
    while words:
        word = words.pop(0)
        joined = f"{current} {word}" if current else word
        if width(joined) <= columns:
            current = joined
            continue
        if len(lines) == most - 1:
            lines.append(cut(" ".join([joined, *words]), columns))
            return lines
        if current:
            lines.append(current)
            words.insert(0, word)
            current = ""
        else:
            head = _head(word, columns)
            lines.append(head)
            words.insert(0, word[len(head) :])
    if current:
        lines.append(current)
    return lines


def _head(word: str, columns: int) -> str:
    """As many characters as fit, at least one."""
    kept = word[:1]
    for character in word[1:]:
        if width(kept + character) > columns:
            break
        kept += character
    return kept
