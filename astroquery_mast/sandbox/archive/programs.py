"""Observing programs of HST and JWST: who looked where, with what, when.

Numbers, principal investigators, targets, instruments and filters are those of the approved programs; titles are short
descriptions, and dates and exposure times are of the right order only. Programs that are planned or exclusive here are
examples: their numbers fall in the range of the latest cycles.
"""

from __future__ import annotations

from typing import NamedTuple

from .packaged import packaged


class Program(NamedTuple):
    """One line of a program: a target, an instrument configuration and its filters.

    ``visits`` pointings are made, one composite observation per filter and pointing out of ``exposures`` exposures of
    ``seconds`` each, from ``mjd`` on. ``rights`` is ``""`` for public data, ``exclusive`` or ``planned``.
    """

    number: int
    investigator: str
    title: str
    kind: str
    target: str
    instrument: str
    filters: tuple[str, ...]
    visits: int
    exposures: int
    seconds: float
    mjd: float
    rights: str = ""


HST_PROGRAMS, JWST_PROGRAMS = (tuple(Program(*line) for line in packaged("programs")[name]) for name in ("HST", "JWST"))
