"""BibTeX: texts in, entries and comments out, which BibTeX and LaTeX read as they are meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_SPECIAL = {
    "\\": r"\textbackslash{}",
    # BibTeX counts braces, those after a backslash as well.
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
}
# What may not be in an address that stands in braces.
_UNSAFE = re.compile(r"[\s{}\\\x00-\x1f\x7f]")
_VERBATIM = frozenset({"doi", "eprint", "url", "archiveprefix"})
_MOST_COMMAS = 1


def escaped(text: str) -> str:
    """Return a text as LaTeX prints it, in one line."""
    plain = " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())
    return "".join(_SPECIAL.get(sign, sign) for sign in plain)


def entry(key: str, fields: Mapping[str, str | None]) -> str:
    """Return an entry with the fields that have a value."""
    lines = [f"  {name} = {{{_value(name, text)}}}," for name, text in fields.items() if text]
    return "\n".join([f"@misc{{{key},", *lines, "}"])


def _value(name: str, text: str) -> str:
    """The value of a field; titles keep their capitals, and names with many commas are one name."""
    if name in _VERBATIM:
        return _UNSAFE.sub(lambda sign: "".join(f"%{byte:02X}" for byte in sign[0].encode()), text)
    whole = name == "title" or (name == "author" and (text.count(",") > _MOST_COMMAS or "&" in text))
    return f"{{{escaped(text)}}}" if whole else escaped(text)


def comment(text: str) -> str:
    """Return a text as lines that BibTeX passes over, which it does only for what holds no ``@``."""
    lines = text.replace("@", " at ").splitlines() or [""]
    return "\n".join(f"% {line}".rstrip() for line in lines)


def unique_keys(names: Iterable[str]) -> list[str]:
    """Return a key for each name, of letters, figures and signs that BibTeX takes, and no two alike in any case."""
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
