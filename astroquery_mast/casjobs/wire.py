"""What goes to CasJobs and comes back: forms, and documents in XML; pure.

In: parameters, or the body of an answer.  Out: the body of a request, or a text, a number, records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias
from xml.etree import ElementTree

from ..exceptions import InvalidArgumentError, InvalidResponseError, without_secrets
from .refusals import is_page, page_error

Body: TypeAlias = memoryview
"""The body of an answer; other than bytes, it does not show where variables are shown."""
Record = Mapping[str, str]
"""What CasJobs knows of a job, under its own names: ``JobID``, ``Status``, ``Query``, …"""

# Bytes that stand in a form as they are; commas, of which uploads are full, are no marks of a form.
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~,")
_PERCENT = ord("%")
# What is looked at of an answer that is none (bytes).
_HEAD = 65_536


class HiddenBody(bytes):
    """The body of a request, which does not show where variables are shown, and is left behind when pickled."""

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "b'…'"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Leave the bytes behind."""
        return HiddenBody, ()


def encode_form(form: Mapping[str, str]) -> HiddenBody:
    """Return a form as it is sent; `urllib` would take minutes for an upload."""
    return HiddenBody(b"&".join(_quoted(name) + b"=" + _quoted(value) for name, value in form.items()))


def _quoted(text: str) -> bytes:
    """A text in a form."""
    try:
        raw = text.encode()
    except UnicodeEncodeError as err:
        raise InvalidArgumentError(
            f"The text contains an unpaired surrogate at position {err.start}, which cannot be sent."
        ) from None
    # The percent sign first, because it is in what stands for the others.
    for byte in sorted(set(raw) - _SAFE, key=lambda byte: byte != _PERCENT):
        raw = raw.replace(bytes([byte]), b"%%%02X" % byte)
    return raw


# -- what comes back --------------------------------------------------------------------------------------------------


def read_document(body: Body, what: str, *roots: str) -> ElementTree.Element:
    """Return the root of an answer in XML, which has one of these names."""
    try:
        # Expat has bounds of its own against documents that grow while they are read.
        root = ElementTree.fromstring(body)  # noqa: S314
    except ElementTree.ParseError as err:
        check_no_page(body, what)
        raise InvalidResponseError(f"{what} returned truncated or invalid XML ({err}).", service=what) from err
    if _local(root.tag) not in roots:
        check_no_page(body, what)
        raise InvalidResponseError(f"{what} returned <{_local(root.tag)}> instead of <{roots[0]}>.", service=what)
    return root


def check_no_page(body: Body, what: str) -> None:
    """Raise if an answer, or the beginning of one, is a page for people."""
    text = without_secrets(str(body[:_HEAD], "utf-8", "replace"))
    if is_page(text):
        raise page_error(text, what)


def read_text(body: Body, what: str) -> str:
    """Return the text in an answer."""
    return read_document(body, what, "string").text or ""


def read_number(body: Body, what: str) -> int:
    """Return the number in an answer."""
    text = (read_document(body, what, "long", "int").text or "").strip()
    if not text.isdecimal():
        raise InvalidResponseError(f"{what} did not return a number.", service=what)
    return int(text)


def read_nothing(body: Body, what: str) -> None:
    """Check that an answer without content is one."""
    check_no_page(body, what)


def read_records(body: Body, what: str, tag: str) -> list[Record]:
    """Return the records in an answer; what is empty has no entry."""
    root = read_document(body, what, f"ArrayOf{tag}")
    return [{_local(each.tag): each.text for each in one if each.text} for one in root if _local(one.tag) == tag]


def _local(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]
