# SPDX-License-Identifier: Apache-2.0
from io import BytesIO

from multipart import MultipartError, MultipartSegment, PushMultipartParser

CONTENT = b"\r\n--mbot\r\n" * 1000  # the boundary, but for its end
BODY = (
    b"--mbote\r\n"
    b'Content-Disposition: form-data; name="to"\r\n\r\n'
    b"awa\r\n"
    b"--mbote\r\n"
    b'Content-Disposition: form-data; name="file"; filename="a.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n" + CONTENT + b"\r\n"
    b"--mbote--\r\n"
)


def parsed(body, pieces_of):
    """Each part's name, file name, type and content."""
    parts, stream = [], BytesIO(body)
    with PushMultipartParser("mbote") as parser:
        while piece := stream.read(pieces_of):
            for event in parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    head = event.name, event.filename, event.content_type
                    content = bytearray()
                elif event:
                    content += event
                else:  # its end
                    parts.append((*head, bytes(content)))
    return parts


for pieces_of in (1, 7, 4096, len(BODY)):
    to, file = parsed(BODY, pieces_of)
    assert (to[0], to[1], to[3]) == ("to", None, b"awa")
    assert file == ("file", "a.bin", "application/octet-stream", CONTENT)

# What has been read of a part is there before the part has ended.
parser = PushMultipartParser("mbote")
pieces = [event for event in parser.parse(BODY[:5000]) if event]
assert CONTENT.startswith(pieces[-1]) and len(pieces[-1]) > 4000

try:
    parsed(BODY[:-10], 4096)
except MultipartError:
    pass
else:
    raise AssertionError("a body that is cut was taken for a whole one")
