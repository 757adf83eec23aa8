"""The errors of CasJobs as exceptions of this package, each with a message of one sentence.

In: status, headers and body of a response, or the error of a job.  Out: an exception.  CasJobs reports errors as stack
traces of .NET, with the message before ``--->`` or before the first line of code.  Gateways and firewalls send pages.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from ..exceptions import AccessDeniedError, BadRequestError, MastError, NetworkError, ServerError, without_secrets
from ..tables.mashup import check_status

# The part of an error response that is read (bytes).
_HEAD = 65_536
_LONGEST = 500
_STACK_TRACE = re.compile(r"\r?\n\s*at [\w.`<>]+[.(]")
# The name of an exception before its message: ``System.Data.SqlClient.SqlException (0x80131904): ``.
_KIND = re.compile(r"\s*(?P<kind>(?:[A-Za-z_]\w*\.)*\w*Exception)(?: \(0x[0-9A-Fa-f]+\))?:\s*")
_ENVELOPE = re.compile(r"Server was unable to process request|Exception has been thrown by the target", re.IGNORECASE)
# Exceptions that are caused by the request; others are failures of the server.
_CAUSED_BY_REQUEST = re.compile(r"(?:^|\.)(?:Exception|Sql|Argument|Format|InvalidOperation|ApplicationException|Soap)")
_MARKED = re.compile(r"'[^']*'|\"[^\"]*\"|\[[^\]]*\]")
_ACCOUNT = r"(?:password|\bpw\b|\bwsid\b|web ?services? ?id|user ?(?:name|id))"
_WRONG = r"(?:invalid|incorrect|wrong|unknown|not (?:valid|match|found|recogni[sz]ed|exist)|denied|fail)"
_DENIED = re.compile(rf"{_ACCOUNT}.{{0,60}}{_WRONG}|{_WRONG}.{{0,60}}{_ACCOUNT}|not authenticated", re.IGNORECASE)
_LIMITS = re.compile(
    r"time ?-?out|time limit|timed out|exceed\w*.*(?:limit|time|memory)|(?:limit|length) exceeded|took too long"
    r"|too (?:large|many rows)|OutOfMemory",
    re.IGNORECASE | re.DOTALL,
)
_TRANSIENT = re.compile(
    r"deadlock|prepared statement|network-related|transport-level|cannot open database|shut ?down|being aborted"
    r"|temporarily|server is (?:busy|unavailable)|connection (?:was|is) (?:broken|closed)",
    re.IGNORECASE,
)
# Advice for errors of the database.
_ADVICE = (
    (
        re.compile(r"Invalid object name", re.IGNORECASE),
        "Check the context, for example with CasJobs.list_tables(context).",
    ),
    (
        re.compile(r"Invalid column name", re.IGNORECASE),
        "Use CasJobs.list_columns(table, context) to list the columns of a table.",
    ),
    (re.compile(r"already an object named", re.IGNORECASE), "Use CasJobs.drop(name) to delete a table of MyDB."),
    (re.compile(r"\bcontext\b", re.IGNORECASE), "Use CasJobs.list_contexts() to list the contexts."),
)
_FIREWALL = re.compile(r"incident|support id|request (?:rejected|blocked)|access denied|firewall", re.IGNORECASE)
_INCIDENT = re.compile(r"(?:incident|support)[ _-]*id\W{0,9}([\w-]{4,60})", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>\s*([^<]*?)\s*</title", re.DOTALL | re.IGNORECASE)
_TAGS = re.compile(r"<[^>]*>")


class QuickLimitError(BadRequestError):
    """The query exceeds the time or the result size that CasJobs allows in its quick queue."""


def check_answer(status: int, headers: Mapping[str, str], body: bytes, service: str) -> None:
    """Raise the error of a response with an HTTP status of 400 or more."""
    if status < 400:
        return
    # A server may repeat the request.  Secrets must not appear, not even in the variables of a traceback.
    text = without_secrets(body[:_HEAD].decode("utf-8", "replace"))
    body = text.encode()
    kind, words = _message(text)
    if kind:
        raise refusal(words, service, kind=kind, status=status)
    if is_page(text) and (_FIREWALL.search(text) or status in {401, 403}):
        raise page_error(text, service, status)
    if status in {401, 403}:
        raise _blocked(service, status, "")
    check_status(status, headers, body, service)


def refusal(words: str, service: str, *, kind: str = "Exception", status: int | None = None) -> MastError:
    """Return the exception for an error message of CasJobs about a request or a job."""
    message = f"{words.rstrip('. ') or 'no reason given'}."
    unmarked = _MARKED.sub("", words)
    if _DENIED.search(unmarked):
        return AccessDeniedError(
            f"CasJobs does not accept the user or the password: {message}", service=service, status=status
        )
    if _TRANSIENT.search(unmarked):
        return ServerError(f"{service} failed: {message}", service=service, status=status)
    if _LIMITS.search(unmarked) or "OutOfMemory" in kind or kind.endswith("TimeoutException"):
        return QuickLimitError(f"{service} reached a limit: {message}", service=service, status=status)
    if not _CAUSED_BY_REQUEST.search(kind):
        return ServerError(f"{service} failed ({kind}): {message}", service=service, status=status)
    advice = next((f" {advice}" for found, advice in _ADVICE if found.search(unmarked)), "")
    return BadRequestError(f"{service} refused the request: {message}{advice}", service=service, status=status)


def _message(text: str) -> tuple[str, str]:
    """Return the type and the message of the exception in a .NET stack trace; empty for other text."""
    shown = html.unescape(_STACK_TRACE.split(text, maxsplit=1)[0])
    found = [(part, _KIND.match(part)) for part in shown.split("--->")]
    named = [(kind["kind"], part[kind.end() :]) for part, kind in found if kind]
    if not named:
        return "", ""
    telling = [each for each in named if each[1].strip() and not _ENVELOPE.search(each[1])] or named
    kind, words = telling[0]
    line = " ".join(words.split())
    return kind, line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


# -- web pages -------------------------------------------------------------------------------------------------------


def is_page(text: str) -> bool:
    """Return whether a response is an HTML page."""
    head = text[:_HEAD].lstrip("\ufeff \t\r\n")[:2048].lower()
    return head.startswith(("<!doctype html", "<html")) or "<html" in head


def page_error(text: str, service: str, status: int | None = None) -> MastError:
    """Return the error for an HTML page in place of a result."""
    if _FIREWALL.search(text) or status in {401, 403}:
        incident = _INCIDENT.search(html.unescape(_TAGS.sub(" ", text)))
        return _blocked(service, status, f" ({incident[0].strip()})" if incident else "")
    title = _TITLE.search(text)
    named = f" ({' '.join(html.unescape(title[1]).split())[:100]})" if title and title[1] else ""
    return ServerError(f"{service} returned a web page instead of data{named}.", service=service, status=status)


def _blocked(service: str, status: int | None, incident: str) -> MastError:
    """Return the error for a request that a firewall has blocked, and would block again."""
    number = f", HTTP {status}" if status else ""
    return NetworkError(
        f"A firewall in front of {service} blocked the request{number}{incident}. Rewrite the query, try "
        "from another network, or contact the MAST help desk (archive@stsci.edu).",
        service=service,
        status=status,
    )
