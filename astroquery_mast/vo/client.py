"""`VOClass`: the archive by the protocols of the Virtual Observatory.

In: ADQL, positions, words.  Out: tables with units.  The protocols themselves are pyvo's.
"""

from __future__ import annotations

from ..service.core import MastClass

__all__ = ["VO", "VOClass"]


class VOClass(MastClass):
    """MAST by the protocols of the Virtual Observatory: any query of its databases in ADQL, and more.

    Parameters
    ----------
    mast_token, server, session : object, optional
        As `MastClass`.  What these services have is public, so that no token is sent to them.
    """


VO = VOClass()
