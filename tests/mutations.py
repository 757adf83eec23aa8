"""Mutated responses and files, with values, keys, bytes, statuses, headers and lengths that no server should send.

In: a response of the sandbox, or the bytes of a file, and a random number generator.  Out: the same with errors.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from astroquery_mast.sandbox.reply import Reply

DIGITS = "9" * 400
DEEP_LIST = "[" * 100_000 + "]" * 100_000
# Numbers, values of other types, and words that readers may misread; and text that is not JSON.
NUMBERS = (
    *("-1", "0", "1", "2", "1.5", "-0.0", "1e30", "1e308", "1e999", "-1e999", "NaN", "Infinity", DIGITS, f"-{DIGITS}"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "4294967296"),
)
OTHERS = (
    *(
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "[null]",
        "[1,2]",
        '["a","b"]',
        '{"a":{"b":[1]}}',
        '{"":""}',
    ),
    *("5", '"x"', '""'),
)
WORDS = (
    *(
        '" "',
        r'"\ud800"',
        r'"\u0000"',
        r'"\u202e"',
        '"-"',
        '"NaN"',
        '"nan"',
        '"inf"',
        '"1e999"',
        f'"{DIGITS}"',
        '"0x10"',
    ),
    *('"١٢"', '"²"', '"../../x"', '"/etc/passwd"', '"a/b"', '"."', '"http://[::1"', '"s3://"', '"mast:"', '"ERROR"'),
    *('"2026-99-99"', '"2011-11-11T25:61:61"', '"99999-01-01"', '"/Date(1e99)/"', '"/Date(1111111111111)/"', '"🛰"'),
    *('"POLYGON 1 2"', '"POLYGON ICRS nan inf 1 2 3"', '"CIRCLE 1 2 -3"', '"UNION (((("', f'"{"x" * 10_000}"', '"ra"'),
    *('"string"', '"int"', '"float"', '"boolean"', '"date"', '"deg"', '"Jy/**"', '"COMPLETE"', '"EXECUTING"', '"true"'),
    *(r'"\n\u001b[2J"', '"mast:HST/product/"', f'"{"9" * 5000}"'),
)
BROKEN = (
    *("x", "'a'", "{", "01", '"\t"', DEEP_LIST, '{"a":' * 9_000 + "1" + "}" * 9_000, "9" * 5000, f"0.{DIGITS}"),
    *('"\x00"', "1 2", "[1,]", "-", "1e", '"\\x"', "nul"),
)
ODD = (*NUMBERS, *OTHERS, *WORDS, *BROKEN)
GROUPS = (NUMBERS, OTHERS, WORDS, BROKEN)
PLACES = (
    *(
        "http://[::1",
        b"http://\xff\xfe/".decode("latin-1"),
        "http://a..b/",
        "ftp://127.0.0.1/",
        "//",
        "",
        "/",
        "/whoami",
    ),
    *("http://127.0.0.1:1/", "http://127.0.0.1:99999/", "http://127.0.0.1:-1/", "http:///x", "file:///etc/passwd"),
    *("data:,x", "?" * 9000, "http://user:pw@127.0.0.1:1/", "http://xn--/", f"http://{'a' * 300}/", "http://%zz/"),
    *("javascript:1", "http://127.0.0.1:1\\@x/", "http://127.0.0.1:1/\t", "https://127.0.0.1:1/", "://", "http:", "."),
    *(
        "http://127.0.0.1:٣/",
        "http://[v1.x]/",
        "http://[fe80::1%25lo]:1/",
        "http://127.0.0.1:1/%",
        "\x00",
        "http://\x7f/",
    ),
)
LONG = "9" * 5000
DATES = (
    *("Fri, 31 Dec 99999 23:59:59 GMT", "Thu, 01 Jan 0000 00:00:00 GMT", "Mon, 99 Foo 2026 25:00:00 GMT", "yesterday"),
    *("Sat, 01 Jan 1 00:00:00 +9999", "Thu, 01 Jan 1970 00:00:00 -2400", f"Fri, 31 Dec {LONG} 23:59:59 GMT"),
)
KINDS = (
    *("text/html", "application/json; charset=nonsense", "application/json; charset=\x00", "", "x" * 9000),
    *("application/json; charset=utf-16", "text/plain; charset=utf-7", "application/json; charset=idna"),
    *("application/json; charset=unicode_escape", "application/json; charset=base64", "multipart/x"),
)
HEADERS: dict[str, tuple[str, ...]] = {
    "Retry-After": (*DATES, *(LONG, "-1", "0", "1e999", "nan", "inf", "²", "1.5", "", "10", "2035-01-01")),
    "Content-Range": (
        *(f"bytes 0-{LONG}/{LONG}", "bytes */*", "bytes 5-1/3", "bytes 0-8191/1", "items 0-1/2", "bytes ²-³/٣"),
    ),
    "Last-Modified": DATES,
    "Date": DATES,
    "Content-Length": (*(LONG, "-5", "0", "5", "1e3", "²", "99999999999999999999", "5, 5", ""),),
    "Content-Type": KINDS,
    "Content-Encoding": (*("gzip", "deflate", "br", "zstd", "gzip, gzip", "nonsense", "identity"),),
    "Transfer-Encoding": ("chunked", "gzip", "chunked, chunked", "nonsense"),
    "ETag": (*('"changed"', "W/", "\xff", LONG, '"a', ""),),
    "Accept-Ranges": ("none", "bytes", LONG),
    "Content-MD5": ("x", "=====", LONG, "AAAA", "\xff"),
    "Digest": ("md5=x", "sha-256", "=,=", LONG, "sha-256=AAAA, md5=\xff"),
    "Repr-Digest": ("sha-256=:x:", ":::", LONG, "sha-512=:AAAA:"),
    "x-goog-hash": ("md5=x", "crc32c", LONG),
    "x-amz-checksum-sha256": ("x", "AAAA", LONG),
    "Content-Disposition": ("attachment; filename=../../x", "attachment; filename*=x''%ff", LONG),
    "Set-Cookie": ("a=" + "x" * 4000, "=", f"a=b; expires={DATES[0]}", f"a=b; domain=\xff; max-age={LONG}"),
    "Link": ("<http://[::1>; rel=next", LONG),
    "Connection": ("close", "upgrade", ""),
    "X-Odd": ("\xff\xfe", "x" * 60_000, "", "a: b"),
}
STATUSES = (
    *(200, 201, 202, 203, 204, 205, 206, 207, 300, 304, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411),
    *(413, 414, 415, 416, 418, 421, 422, 425, 426, 429, 431, 451, 500, 501, 502, 503, 504, 505, 511, 599, 799, 999),
)
MOVED = (301, 302, 303, 307, 308)
BODIES = (
    *(b"", b" ", b"null", b"[]", b"{}", b"0", b'""', bytes(100), b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"true"),
    *(b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"\x1f\x8b\x08\x00", b"SIMPLE  =  T", b"#!/bin/bash\nrm -rf /\n"),
    *(b"<html><h1>Down</h1></html>", b"<?xml version='1.0' encoding='nonsense'?><a/>", b"<a>" * 100_000, b"NaN"),
    *(b"\x80" * 1000, b"[1,2,3]", b'[{"a":1},5]', b'{"results":[]}', b'{"a":' * 100_000, DEEP_LIST.encode()),
    *(b'{"status":"COMPLETE"}', b'{"status":"ERROR","msg":5}', b'{"status":"EXECUTING"}'),
    b'{"msg":"no ' + b"no " * 20_000 + b'"}',
)
RAW = re.compile(r'"@raw(\d+)@"')


def changed(rng: random.Random, reply: Reply) -> Reply:
    """Return a response with one or two errors."""
    ways: list[Callable[[random.Random, Reply], Reply]] = [_header, _status, _framing, _body]
    chosen = rng.choices(ways, weights=(3, 1, 1, 12), k=rng.choice((1, 1, 1, 2)))
    for way in dict.fromkeys(chosen):
        reply = way(rng, reply)
    return reply


def _header(rng: random.Random, reply: Reply) -> Reply:
    """Send an invalid header, or a redirect."""
    if rng.random() < 0.15:
        location = ("Location", rng.choice(PLACES))
        return replace(reply.without(["location"]), status=rng.choice(MOVED), headers=(*reply.headers, location))
    name = rng.choice(list(HEADERS))
    if name == "Retry-After":
        reply = replace(reply, status=rng.choice((429, 503, 503, 200, 301)))
    kept = reply if rng.random() < 0.2 else reply.without([name.lower()])
    bent = replace(kept, headers=(*kept.headers, (name, rng.choice(HEADERS[name]))))
    return replace(bent, framing="close") if name in {"Content-Length", "Transfer-Encoding"} else bent


def _status(rng: random.Random, reply: Reply) -> Reply:
    """Send another status."""
    return replace(reply, status=rng.choice(STATUSES))


def _framing(rng: random.Random, reply: Reply) -> Reply:
    """Send a wrong length, or break the connection."""
    size = len(reply.body)
    ways: tuple[dict[str, Any], ...] = (
        {"declared": rng.choice((0, size + 1, max(size - 1, 0), 10**12, size * 2))},
        {"cut": rng.randrange(size + 1), "abort": rng.random() < 0.3},
        {"framing": rng.choice(("chunked", "close")), "cut": rng.choice((None, rng.randrange(size + 1)))},
    )
    return replace(reply, **rng.choice(ways))


def _body(rng: random.Random, reply: Reply) -> Reply:
    """Send another body."""
    body = bytes(reply.body)
    ways = [changed_bytes] if not body else [changed_bytes, *([changer_of(body)] * 6)]
    return replace(reply, body=rng.choice(ways)(rng, body))


def changer_of(body: bytes) -> Callable[[random.Random, bytes], bytes]:
    """Return the function that mutates the format of a body."""
    if body[:1] in b"{[":
        return _changed_json
    if body.startswith(b"PK"):
        return _changed_zip
    return _changed_tar if body.startswith(b"\x1f\x8b") else _changed_text if body[:1] in b"<#" else changed_bytes


def changed_bytes(rng: random.Random, body: bytes) -> bytes:
    """Cut, flip, insert, remove or repeat bytes, or send other contents."""
    at, other = rng.randrange(len(body) + 1), rng.randrange(len(body) + 1)
    flipped = bytearray(body)
    for _ in range(rng.choice((1, 1, 3, 20)) if body else 0):
        near = min(int(rng.expovariate(1 / 100)), len(body) - 1)
        flipped[rng.choice((near, len(body) - 1 - near, rng.randrange(len(body))))] = rng.randrange(256)
    return rng.choice(
        (
            body[:at],
            body[at:],
            bytes(flipped),
            bytes(flipped),
            body[:at] + rng.randbytes(rng.randrange(1, 20)) + body[at:],
            body[: min(at, other)] + body[max(at, other) :],
            body[:at] + body,
            body + body,
            rng.choice(BODIES),
        )
    )


def _changed_json(rng: random.Random, body: bytes) -> bytes:
    """Change values, keys and their order in a document."""
    try:
        document = json.loads(body)
    except ValueError:
        return changed_bytes(rng, body)
    for _ in range(rng.choice((1, 1, 2, 4))):
        change = rng.choice((_edited, _edited_everywhere))
        document = change(rng, document)
    text = json.dumps(document, separators=(",", ":"))
    text = RAW.sub(lambda found: ODD[int(found[1])], text)
    if rng.random() < 0.03 and text.startswith("{"):  # a duplicate key
        key = rng.choice(re.findall(r'"\w+":', text) or ['"a":'])
        text = f"{{{key}{rng.choice(ODD)},{text[1:]}"
    return text.encode("utf-8", "surrogatepass")


def _odd(rng: random.Random) -> str:
    """Return the placeholder for an odd value, which is replaced in the text of the document."""
    group = rng.choices(GROUPS, (6, 5, 8, 1))[0]
    return f"@raw{ODD.index(rng.choice(group))}@"


def _edited_everywhere(rng: random.Random, document: Any) -> Any:
    """Set all values of one key to an odd value."""
    odd, inner, found = _odd(rng), [document], {}
    while inner:
        each = inner.pop()
        if isinstance(each, dict):
            for key in each:
                found.setdefault(key, []).append(each)
        inner.extend(
            part for part in (each.values() if isinstance(each, dict) else each) if isinstance(part, dict | list)
        )
    if not found:
        return odd
    key = rng.choice(list(found))
    for each in found[key]:
        each[key] = odd
    return document


def _edited(rng: random.Random, document: Any) -> Any:
    """Change one value of a document, at each level with the same probability."""
    odd = _odd(rng)
    if not isinstance(document, dict | list) or not document or rng.random() < 0.05:
        return odd
    keys: list[Any] = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = rng.choice(keys)
    deeper = isinstance(document[key], dict | list) and document[key] and rng.random() < 0.75
    if deeper:
        document[key] = _edited(rng, document[key])
    elif rng.random() < 0.6:
        document[key] = odd
    elif isinstance(document, dict):
        return _edited_keys(rng, document, key, odd)
    else:
        return _edited_list(rng, document, key, odd)
    return document


def _edited_keys(rng: random.Random, document: dict[str, Any], key: str, odd: str) -> dict[str, Any]:
    """Remove, rename or swap keys."""
    other = rng.choice(list(document))
    way = rng.randrange(4)
    if way == 0:
        del document[key]
    elif way == 1:
        document[rng.choice(("", " ", "x", key.upper(), f"{key}_", other, "time", "msg"))] = document.pop(key)
    elif way == 2:
        document[key], document[other] = document[other], document[key]
    else:
        document[rng.choice(("", "x", "\ud800", "status"))] = odd
    return document


def _edited_list(rng: random.Random, document: list[Any], key: int, odd: str) -> list[Any]:
    """Remove, repeat or reorder the members of a list."""
    way = rng.randrange(5)
    if way == 0:
        del document[key]
    elif way == 1:
        document.insert(key, odd)
    elif way == 2:
        document.append(json.loads(json.dumps(document[key])))
    elif way == 3:
        document.reverse()
    else:
        del document[key:]
    return document


def _changed_text(rng: random.Random, body: bytes) -> bytes:
    """Change text between or in the tags of XML, or words of a script."""
    text = body.decode("utf-8", "replace")
    parts = re.split(r"(<[^>]*>|\s+)", text)
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.randrange(len(parts))
        parts[at] = rng.choice(
            (rng.choice(ODD).strip('"'), "", parts[at] * 2, "<x>", "</x>", "<![CDATA[", "&bomb;", "<!DOCTYPE x>")
        )
    return "".join(parts).encode("utf-8", "surrogatepass")


def _changed_zip(rng: random.Random, body: bytes) -> bytes:
    """Change a field in the records of a zip file, or its contents."""
    if rng.random() < 0.3:
        return changed_bytes(rng, body)
    if rng.random() < 0.3:
        return _repacked(rng, body)
    marks = [found.start() for found in re.finditer(rb"PK(?:\x01\x02|\x03\x04|\x05\x06)", body)]
    changed = bytearray(body)
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.choice(marks) + rng.randrange(4, 46)
        if at < len(changed):
            changed[at] = rng.choice((0, 1, 2, 8, 9, 99, 127, 255, rng.randrange(256)))
    return bytes(changed)


def _repacked(rng: random.Random, body: bytes) -> bytes:
    """Write the members of a zip file again, with other names, types or contents."""
    packed, output = zipfile.ZipFile(io.BytesIO(body)), io.BytesIO()
    names = ("../../x", "/x", "", "x" * 300, "\x00", "a/../b", "CON", "é" * 200, "MANIFEST.HTML", ".", "a\\b", "x/")
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    with zipfile.ZipFile(output, "w") as other:
        for member in packed.infolist():
            content, name = packed.read(member), member.filename
            way = rng.randrange(5)
            content = changed_bytes(rng, content) if way == 0 else rng.choice(BODIES) if way == 1 else content
            info = zipfile.ZipInfo(rng.choice(names) if way == 2 else name)
            info.external_attr = rng.choice((0, 0, 0o120777 << 16, 0o010644 << 16))
            other.NameToInfo.clear()  # without the warning about duplicate names
            other.writestr(info, content, rng.choice(methods))
            other.NameToInfo.clear()
            if rng.random() < 0.1:
                other.writestr(info, content)
    return output.getvalue()


def _changed_tar(rng: random.Random, body: bytes) -> bytes:
    """Change a header of a tar file, with a valid checksum, and compress it again."""
    try:
        unpacked = bytearray(gzip.decompress(body))
    except (OSError, EOFError):
        return changed_bytes(rng, body)
    if rng.random() < 0.3 or len(unpacked) < 512:
        return changed_bytes(rng, body)
    at = rng.choice([found.start() - 257 for found in re.finditer(rb"ustar", bytes(unpacked))] or [0])
    fields = {0: 100, 100: 8, 108: 8, 116: 8, 124: 12, 136: 12, 156: 1, 157: 100, 257: 8, 329: 8, 337: 8, 345: 155}
    place, size = rng.choice(list(fields.items()))
    odd = (b"\xff" * size, b"\x80" + b"\xff" * (size - 1), b"7" * size, b"x" * size, bytes(size), rng.randbytes(size),
           b"-1", b"S", b"L", b"K", b"x", b"g", b"1", b"2", b"5", b"V", "²".encode())  # fmt: skip
    unpacked[at + place : at + place + size] = rng.choice(odd)[:size].ljust(size, b"\x00")
    header = unpacked[at : at + 512]
    header[148:156] = b" " * 8
    unpacked[at + 148 : at + 156] = b"%06o\x00 " % sum(header)
    if rng.random() < 0.2:
        unpacked[:0] = _pax_header(rng)
    return gzip.compress(bytes(unpacked), 1)


def _pax_header(rng: random.Random) -> bytes:
    """Return a header of a tar file that extends the next one with invalid values."""
    odd = ("1e999", "-1", LONG, "nan", "\ud800", "x", "")
    keywords = (
        "path",
        "size",
        "mtime",
        "uid",
        "linkpath",
        "GNU.sparse.major",
        "GNU.sparse.map",
        "hdrcharset",
        "charset",
    )
    info = tarfile.TarInfo("x")
    # Tar files cannot contain unpaired surrogates.
    words = [text.encode("utf-8", "replace").decode() for text in odd]
    info.pax_headers = {rng.choice(keywords): rng.choice(words) for _ in range(2)}
    written = info.create_pax_header({**info.get_info(), "pax_headers": info.pax_headers}, "utf-8")
    return written[: rng.choice((1024, 1536, 700, len(written)))]
