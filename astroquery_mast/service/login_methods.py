"""The methods of all clients with which a user logs in and out."""

from __future__ import annotations

from typing import Any

from astroquery import log

from .mast_service import MastService

__all__ = ["LoginMethods"]


class LoginMethods:
    """Who the user is; a part of `~astroquery_mast.MastClass`."""

    _service: MastService

    def login(self, token: str | None = None, store_token: bool = False, reenter_token: bool = False) -> bool:
        """Log in with a token, which then serves all clients of this process.

        The token is checked with the archive before it is kept or stored, and goes to MAST's own servers only.

        Parameters
        ----------
        token : str, optional
            The token.  If not given it is taken from the environment variable ``MAST_API_TOKEN``, from the system's
            keyring, or asked for.
        store_token : bool
            Whether to write it to the system's keyring.
        reenter_token : bool
            Whether to ask even if the environment or the keyring has one.

        Returns
        -------
        bool
            True.

        Raises
        ------
        LoginError
            If there is no token, or the archive does not accept it.
        """
        user = self._service.login.login(token, store=store_token, reenter=reenter_token)
        name = (user.get("attrib") or {}).get("display_name") or user.get("ezid")
        log.info("MAST API token accepted, welcome %s.", name)
        return True

    def logout(self) -> None:
        """Forget the token; all clients that shared it are logged out."""
        self._service.login.credentials.keep(None)

    def authenticated(self) -> bool:
        """Return whether there is a token that the archive has accepted."""
        return bool(self._service.login.credentials)

    def session_info(self, verbose: bool = True) -> dict[str, Any]:
        """Return what the archive knows of the user who is logged in.

        Parameters
        ----------
        verbose : bool
            Whether to log it as well.

        Returns
        -------
        dict
            ``anon``, ``eppn``, ``ezid``, ``scopes``, ``attrib`` and more; the token itself is shortened.
        """
        user = self._service.login.whoami()
        if verbose:
            for key, value in user.items():
                log.info("%s: %s", key, value)
        return user
