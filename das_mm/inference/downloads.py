"""Files of the web as files of this machine."""

from __future__ import annotations

import http.client
import mimetypes
import shutil
import socket
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from das_mm.errors import UserError

_SILENCE_S = 30  # of a server before it is given up
_REMEDY = 'check the address and the connection, or give a file of this machine'


def is_url(text: str) -> bool:
    """Whether it is the address of a file that :func:`download` fetches.

    Example:
        >>> is_url('https://example.org/a.jpg'), is_url('a.jpg'), is_url('C:/a.jpg')
        (True, False, False)
    """
    return urlsplit(text).scheme.lower() in ('http', 'https')


def name_of_url(url: str) -> str:
    """The name of the file there, without what is asked of the server.

    Example:
        >>> name_of_url('https://example.org/photos/two%20people.jpg?size=large')
        'two people.jpg'
    """
    return PurePosixPath(unquote(urlsplit(url).path)).name or 'download'


def download(url: str, folder: str | Path) -> Path:
    """Fetch a file.

    Args:
        url: http or https.
        folder: It is written there by its own name; where that has no suffix, with that of the type the server tells.

    Raises:
        UserError: There is no connection, no answer or no such file, or the transfer breaks off.
    """
    try:
        with urlopen(Request(url, headers={'User-Agent': 'das_mm'}), timeout=_SILENCE_S) as answer:
            path = Path(folder, name_of_url(url))
            if not path.suffix:
                path = path.with_suffix(mimetypes.guess_extension(answer.headers.get_content_type()) or '')
            with path.open('wb') as file:
                shutil.copyfileobj(answer, file)
            announced = answer.headers.get('Content-Length')
            if announced is not None and path.stat().st_size < int(announced):
                raise OSError(f'the transfer broke off after {path.stat().st_size} of {announced} bytes')
            return path
    except HTTPError as error:
        raise UserError(
            f'the server answers {error.code} {error.reason}', file=url, field='inputs', remedy='check the address'
        ) from error
    except URLError as error:
        raise UserError(
            f'it cannot be fetched: {_words(error.reason)}', file=url, field='inputs', remedy=_REMEDY
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: no address at all
        raise UserError(f'it cannot be fetched: {_words(error)}', file=url, field='inputs', remedy=_REMEDY) from error


def _words(reason: object) -> str:
    if isinstance(reason, socket.gaierror):
        return 'its server is not known here, or there is no connection'
    return str(getattr(reason, 'strerror', None) or reason)
