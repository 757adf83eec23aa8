"""BibTeX: texts in, entries and comments out, with special characters escaped for BibTeX and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_SPECIAL = {
    "\\": r"\textbackslash{}",
    # BibTeX counts braces, even after a backslash.
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
}
# Characters that are not allowed in a URL within braces.
_UNSAFE = re.compile(r"[\s{}\\\x00-\x1f\x7f]")
_VERBATIM = frozenset({"doi", "eprint", "url", "archiveprefix"})
_MOST_COMMAS = 1


def escaped(text: str) -> str:
    """Return a text in one line, escaped for LaTeX."""
    plain = " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())
    return "".join(_SPECIAL.get(sign, sign) for sign in plain)


def entry(key: str, fields: Mapping[str, str | None]) -> str:
    """Return an entry with the fields that have a value."""
    lines = [f"  {name} = {{{_value(name, text)}}}," for name, text in fields.items() if text]
    return "\n".join([f"@misc{{{key},", *lines, "}"])


def _value(name: str, text: str) -> str:
    """Return the value of a field; titles keep their capitals, and an author with several commas is one name."""
    if name in _VERBATIM:
        return _UNSAFE.sub(lambda sign: "".join(f"%{byte:02X}" for byte in sign[0].encode()), text)
    whole = name == "title" or (name == "author" and (text.count(",") > _MOST_COMMAS or "&" in text))
    return f"{{{escaped(text)}}}" if whole else escaped(text)


def comment(text: str) -> str:
    """Return a text as lines that BibTeX ignores, with ``@`` replaced, because it starts an entry."""
    lines = text.replace("@", " at ").splitlines() or [""]
    return "\n".join(f"% {line}".rstrip() for line in lines)


def unique_keys(names: Iterable[str]) -> list[str]:
    """Return a valid BibTeX key for each name; keys are unique regardless of case."""
    keys: list[str] = []
    taken: set[str] = set()
    for name in names:
        base = re.sub(r"[^A-Za-z0-9.+]+", "-", name).strip("-") or "entry"
        key, number = base, 1
        while key.lower() in taken:
            number += 1
            key = f"{base}-{number}"
        taken.add(key.lower())
        keys.append(key)
    return keys
