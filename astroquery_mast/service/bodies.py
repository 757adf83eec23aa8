"""The body of an answer, read in one go.

In: a response whose body is still to come.  Out: the same, with its ``content``.

`requests` takes a body in pieces of 10 kB, which for a page of 40 MB lasts longer than its way through the network of
an institute.  `urllib3` can read all of it at once; what it raises is turned into what `requests` would have raised.
"""

from __future__ import annotations

import requests
import urllib3

__all__ = ["read_whole_body"]


def read_whole_body(response: requests.Response) -> None:
    """Read the body of a response, so that ``response.content`` is there."""
    if not isinstance(response.raw, urllib3.HTTPResponse):  # a stand-in
        _ = response.content
        return
    with response:
        try:
            body = response.raw.read(decode_content=True)
        except urllib3.exceptions.ProtocolError as err:
            raise requests.exceptions.ChunkedEncodingError(err) from err
        except urllib3.exceptions.DecodeError as err:
            raise requests.exceptions.ContentDecodingError(err) from err
        except urllib3.exceptions.ReadTimeoutError as err:
            raise requests.exceptions.ReadTimeout(err) from err
        except urllib3.exceptions.HTTPError as err:
            raise requests.exceptions.ConnectionError(err) from err
    # Where `requests` itself keeps it; there is no other way in.
    response._content, response._content_consumed = body, True  # type: ignore[attr-defined]
