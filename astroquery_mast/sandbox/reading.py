"""What requests say, read as numbers and as JSON; each service refuses in its own words what cannot be read."""

from __future__ import annotations

import json
import math


def real(value: object) -> float | None:
    """Return a finite number, None for anything else."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def natural(value: object, digits: int) -> int | None:
    """Return a whole number that is written in at most so many digits, None for anything else."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def json_object(body: bytes, refusal: type[Exception]) -> dict[str, object]:
    """Return the JSON object that a body is."""
    try:
        value = json.loads(body)
    except ValueError as error:
        raise refusal("The body of the request is no JSON.") from error
    if not isinstance(value, dict):
        raise refusal("The body of the request must be a JSON object.")
    return value
