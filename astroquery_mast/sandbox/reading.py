"""Parsers of numbers and JSON in requests; each service refuses invalid values in its own words."""

from __future__ import annotations

import json
import math


def real(value: object) -> float | None:
    """Return a finite number, or None for any other value."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def natural(value: object, digits: int) -> int | None:
    """Return a non-negative integer written in at most ``digits`` digits, or None for any other value."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def json_object(body: bytes, refusal: type[Exception]) -> dict[str, object]:
    """Return the JSON object in a request body."""
    try:
        value = json.loads(body)
    except ValueError as error:
        raise refusal("The body of the request is not valid JSON.") from error
    if not isinstance(value, dict):
        raise refusal("The body of the request must be a JSON object.")
    return value
