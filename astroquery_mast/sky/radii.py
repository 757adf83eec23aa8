"""The radii that methods have by default; a module of its own, as the signatures of clients need it."""

from __future__ import annotations

from astropy import units as u

# The default of query methods.  It is compared by identity, which tells "no radius was given" from "0.2 degrees were".
DEFAULT_RADIUS = 0.2 * u.deg
# The archive's own default for a cross-match, 7.2 arcsec.
DEFAULT_MATCH_RADIUS = 0.002 * u.deg
# Positions of sources in images agree that well.
DETECTION_RADIUS = 1 * u.arcsec
