"""Default radii, in a separate module because the signatures of clients need them."""

from __future__ import annotations

from astropy import units as u

# The default of query methods.  It is compared by identity to distinguish an omitted radius from 0.2 degrees.
DEFAULT_RADIUS = 0.2 * u.deg
# The default of MAST for a cross-match, 7.2 arcsec.
DEFAULT_MATCH_RADIUS = 0.002 * u.deg
# The accuracy to which positions of sources in different images agree.
DETECTION_RADIUS = 1 * u.arcsec
