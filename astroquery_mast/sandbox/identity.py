"""Tokens and accounts of the sandbox, and the ``whoami`` service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from werkzeug.http import parse_cookie

from .packaged import packaged
from .reply import Reply
from .requestlog import RequestRecord

# 32 letters and digits like MAST's own tokens; they are valid only in this process. The expired one belongs to no
# account, like any token that was never issued.
TOKEN = "member77sandbox0sandbox0sandbox0"  # noqa: S105
OUTSIDER_TOKEN = "visitor7sandbox0sandbox0sandbox0"  # noqa: S105
EXPIRED_TOKEN = "expired7sandbox0sandbox0sandbox0"  # noqa: S105


class Account(NamedTuple):
    """A CasJobs account, which is independent of tokens."""

    user: str
    password: str
    wsid: int


#: The passwords occur nowhere else, so that tests can search for them where they must not appear.
ACCOUNTS = (
    Account("hubble", "Sidereus-Nuncius&1610", 1610010716),
    Account("roman", "Nancy+Grace%1925", 1925051618),
)

ANONYMOUS = "anonymous"
EXCLUSIVE_SCOPE = "mast:exclusive_access"


def _sender(record: RequestRecord) -> Mapping[str, Any]:
    """Return the sender, given by ``Authorization: token`` or ``Bearer``, else by the cookie ``mast_token``."""
    scheme, _, token = record.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in ("token", "bearer"):
        token = parse_cookie(record.headers.get("cookie", "")).get("mast_token", "")
    people = packaged("users")
    return people.get(token.strip(), people[ANONYMOUS])  # type: ignore[no-any-return]


def has_access(record: RequestRecord, product: Mapping[str, object]) -> bool:
    """Return whether the sender may read a file; files that are not public require exclusive access."""
    return product.get("dataRights") in (None, "PUBLIC") or EXCLUSIVE_SCOPE in _sender(record)["scopes"]


def has_valid_token(record: RequestRecord) -> bool:
    """Return whether the request has a valid token."""
    return _sender(record) is not packaged("users")[ANONYMOUS]


def whoami(record: RequestRecord) -> Reply:
    """Return the account of the sender; unknown and expired tokens count as anonymous, not as errors."""
    return Reply.json(_sender(record))
