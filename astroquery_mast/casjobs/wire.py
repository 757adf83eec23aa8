"""The forms sent to CasJobs, and the XML documents that it returns.

In: parameters, or the body of a response.  Out: the body of a request, or a string, a number, records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias
from xml.etree import ElementTree

from ..exceptions import InvalidArgumentError, InvalidResponseError, without_secrets
from .refusals import is_page, page_error

Body: TypeAlias = memoryview
"""The body of a response; in contrast to bytes, its representation does not show the content."""
Record = Mapping[str, str]
"""The record of a job, with the names that CasJobs uses: ``JobID``, ``Status``, ``Query``, …"""

# Bytes that are not percent-encoded.  Commas, which are frequent in uploads, have no meaning in a form.
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~,")
_PERCENT = ord("%")
# The part of a response that is checked for a web page (bytes).
_HEAD = 65_536


class HiddenBody(bytes):
    """The body of a request; its representation does not show the content, and pickles do not contain it."""

    def __repr__(self) -> str:
        """Hide the content."""
        return "b'…'"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Omit the content."""
        return HiddenBody, ()


def encode_form(form: Mapping[str, str]) -> HiddenBody:
    """Return the body of a form; `urllib` would take minutes for an upload."""
    return HiddenBody(b"&".join(_quoted(name) + b"=" + _quoted(value) for name, value in form.items()))


def _quoted(text: str) -> bytes:
    """Return a string percent-encoded for a form."""
    try:
        raw = text.encode()
    except UnicodeEncodeError as err:
        raise InvalidArgumentError(
            f"The text contains an unpaired surrogate at position {err.start}, which cannot be sent."
        ) from None
    # The percent sign comes first because the codes of the other bytes contain it.
    for byte in sorted(set(raw) - _SAFE, key=lambda byte: byte != _PERCENT):
        raw = raw.replace(bytes([byte]), b"%%%02X" % byte)
    return raw


# -- responses -------------------------------------------------------------------------------------------------------


def read_document(body: Body, what: str, *roots: str) -> ElementTree.Element:
    """Return the root of an XML response, whose name must be one of ``roots``."""
    try:
        # Expat itself limits the expansion of entities.
        root = ElementTree.fromstring(body)  # noqa: S314
    except ElementTree.ParseError as err:
        check_no_page(body, what)
        raise InvalidResponseError(f"{what} returned truncated or invalid XML ({err}).", service=what) from err
    if _local(root.tag) not in roots:
        check_no_page(body, what)
        raise InvalidResponseError(f"{what} returned <{_local(root.tag)}> instead of <{roots[0]}>.", service=what)
    return root


def check_no_page(body: Body, what: str) -> None:
    """Raise if a response, or the beginning of one, is a web page."""
    text = without_secrets(str(body[:_HEAD], "utf-8", "replace"))
    if is_page(text):
        raise page_error(text, what)


def read_text(body: Body, what: str) -> str:
    """Return the text in a response."""
    return read_document(body, what, "string").text or ""


def read_number(body: Body, what: str) -> int:
    """Return the number in a response."""
    text = (read_document(body, what, "long", "int").text or "").strip()
    if not text.isdecimal():
        raise InvalidResponseError(f"{what} did not return a number.", service=what)
    return int(text)


def read_nothing(body: Body, what: str) -> None:
    """Check that a response without content is not a web page."""
    check_no_page(body, what)


def read_records(body: Body, what: str, tag: str) -> list[Record]:
    """Return the records in a response, without empty fields."""
    root = read_document(body, what, f"ArrayOf{tag}")
    return [{_local(each.tag): each.text for each in one if each.text} for one in root if _local(one.tag) == tag]


def _local(tag: str) -> str:
    """Return a name without its namespace."""
    return tag.rpartition("}")[2]
