"""Who is asking: tokens of the sandbox, the people behind them, and ``whoami``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from werkzeug.http import parse_cookie

from .reply import Reply
from .requestlog import RequestRecord

__all__ = ["EXPIRED_TOKEN", "OUTSIDER_TOKEN", "TOKEN", "User", "may_read", "user_of", "whoami"]

# 32 letters and digits as MAST's own; they open nothing outside this process.
TOKEN = "member77sandbox0sandbox0sandbox0"  # noqa: S105
OUTSIDER_TOKEN = "visitor7sandbox0sandbox0sandbox0"  # noqa: S105
EXPIRED_TOKEN = "expired7sandbox0sandbox0sandbox0"  # noqa: S105

INFO_SCOPE = "mast:user:info"
EXCLUSIVE_SCOPE = "mast:exclusive_access"


@dataclass(frozen=True)
class User:
    """A person with an account."""

    token: str
    ezid: str
    first_name: str
    last_name: str
    scopes: tuple[str, ...]

    def describe(self) -> dict[str, object]:
        """Return the record that ``whoami`` shows; the token is shortened, the attributes are all text."""
        email = f"{self.ezid}@example.org"
        return {
            "anon": False,
            "eppn": email,
            "ezid": self.ezid,
            "scopes": list(self.scopes),
            "session": None,
            "token": f"{self.token[:8]}...",
            "attrib": {
                "uuid": str(uuid5(NAMESPACE_URL, email)),
                "first_name": self.first_name,
                "last_name": self.last_name,
                "display_name": f"{self.first_name} {self.last_name}",
                "internal": "0",
                "email": email,
                "Jwstcalengdataaccess": "false",
            },
        }


ANONYMOUS: Mapping[str, object] = {
    "anon": True,
    "eppn": "",
    "ezid": "anonymous",
    "scopes": [],
    "session": None,
    "token": None,
    "attrib": {},
}

# The expired token belongs to no user, like any token that was never issued.
USERS: Mapping[str, User] = {
    user.token: user
    for user in (
        User(TOKEN, "hleavitt", "Henrietta", "Leavitt", (INFO_SCOPE, EXCLUSIVE_SCOPE)),
        User(OUTSIDER_TOKEN, "vrubin", "Vera", "Rubin", (INFO_SCOPE,)),
    )
}


def user_of(record: RequestRecord) -> User | None:
    """Return who sent the request: by ``Authorization: token`` or ``Bearer``, else by the cookie ``mast_token``."""
    scheme, _, token = record.headers.get("authorization", "").partition(" ")
    if scheme.lower() in ("token", "bearer"):
        return USERS.get(token.strip())
    cookie = parse_cookie(record.headers.get("cookie", "")).get("mast_token")
    return USERS.get(cookie) if cookie else None


def may_read(record: RequestRecord, product: Mapping[str, object]) -> bool:
    """Whether the sender may have the file: everyone the public ones, holders of exclusive access the others."""
    if product.get("dataRights") in (None, "PUBLIC"):
        return True
    user = user_of(record)
    return user is not None and EXCLUSIVE_SCOPE in user.scopes


def whoami(record: RequestRecord) -> Reply:
    """Name the sender. A token that is unknown or expired is no error: its sender is anonymous."""
    user = user_of(record)
    return Reply.json(ANONYMOUS if user is None else user.describe())
