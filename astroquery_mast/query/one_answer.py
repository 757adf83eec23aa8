"""The limit that a query by TAP has if none is given; a module of its own, as the signatures of clients need it."""

from __future__ import annotations

from enum import Enum


class OneAnswer(Enum):
    """The limit that a query by TAP has if none is given."""

    ONE_ANSWER = "as many rows as one response can hold"

    def __repr__(self) -> str:
        return f"<{self.value}>"
