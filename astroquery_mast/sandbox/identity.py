"""Who is asking: tokens of the sandbox, the people behind them, and ``whoami``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from werkzeug.http import parse_cookie

from .packaged import packaged
from .reply import Reply
from .requestlog import RequestRecord

# 32 letters and digits as MAST's own; they open nothing outside this process. The expired one belongs to nobody, like
# any token that was never issued.
TOKEN = "member77sandbox0sandbox0sandbox0"  # noqa: S105
OUTSIDER_TOKEN = "visitor7sandbox0sandbox0sandbox0"  # noqa: S105
EXPIRED_TOKEN = "expired7sandbox0sandbox0sandbox0"  # noqa: S105


class Account(NamedTuple):
    """An account of CasJobs, which has nothing to do with tokens."""

    user: str
    password: str
    wsid: int


#: Passwords unlike anything else that is written anywhere: tests find them in whatever they should not be in.
ACCOUNTS = (
    Account("hubble", "Sidereus-Nuncius&1610", 1610010716),
    Account("roman", "Nancy+Grace%1925", 1925051618),
)

ANONYMOUS = "anonymous"
EXCLUSIVE_SCOPE = "mast:exclusive_access"


def _sender(record: RequestRecord) -> Mapping[str, Any]:
    """Return who sent the request: by ``Authorization: token`` or ``Bearer``, else by the cookie ``mast_token``."""
    scheme, _, token = record.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in ("token", "bearer"):
        token = parse_cookie(record.headers.get("cookie", "")).get("mast_token", "")
    people = packaged("users")
    return people.get(token.strip(), people[ANONYMOUS])  # type: ignore[no-any-return]


def may_read(record: RequestRecord, product: Mapping[str, object]) -> bool:
    """Whether the sender may have the file: everyone the public ones, holders of exclusive access the others."""
    return product.get("dataRights") in (None, "PUBLIC") or EXCLUSIVE_SCOPE in _sender(record)["scopes"]


def is_known(record: RequestRecord) -> bool:
    """Whether the sender has shown a valid token."""
    return _sender(record) is not packaged("users")[ANONYMOUS]


def whoami(record: RequestRecord) -> Reply:
    """Name the sender. A token that is unknown or expired is no error: its sender is anonymous."""
    return Reply.json(_sender(record))
