"""Header cards from the tables of ``data/cards.json``: keyword, value, comment.

A value that begins with ``=`` is the name of a fact about the file, which its maker tells; a card whose fact is None is
left out. ``{}`` in a keyword is the number of a column or axis.
"""

from __future__ import annotations

from collections.abc import Mapping

from .packaged import packaged
from .pixelgrid import PixelGrid

__all__ = ["Cards", "cards", "grid_facts"]

Cards = list[tuple[str, object, str]]
Facts = Mapping[str, object]


def cards(name: str, facts: Facts, number: int = 0) -> Cards:
    """Return the cards of a table."""
    filled = (
        (keyword.format(number), facts[value[1:]] if isinstance(value, str) and value[:1] == "=" else value, comment)
        for keyword, value, comment in packaged("cards")[name]
    )
    return [card for card in filled if card[1] is not None]


def grid_facts(grid: PixelGrid) -> dict[str, object]:
    """Return what the tables say of a grid's world coordinates: RA---TAN and DEC--TAN."""
    scale = round(grid.scale, 14)
    matrix = {f"{row}{column}": grid.cd[row - 1][column - 1] for row in (1, 2) for column in (1, 2)}
    return {
        "ra": grid.ra,
        "dec": grid.dec,
        "x": grid.crpix[0],
        "y": grid.crpix[1],
        "scale": scale,
        **{f"cd{place}": value for place, value in matrix.items()},
        **{f"pc{place}": round(value / scale, 12) for place, value in matrix.items()},
    }
