"""The default limit of TAP queries, in a separate small module because the signatures of clients need it."""

from __future__ import annotations

from enum import Enum


class OneAnswer(Enum):
    """The default limit of TAP queries."""

    ONE_ANSWER = "as many rows as one response can hold"

    def __repr__(self) -> str:
        return f"<{self.value}>"
