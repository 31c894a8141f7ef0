"""Parquet files of equal columns as one file, whose rows are neither read nor written again.

The bytes of a file stay as they are; only its footer says where in the file they begin. A footer is
a Thrift struct in the compact protocol (apache/parquet-format: parquet.thrift, and apache/thrift:
doc/specs/thrift-compact-protocol.md), which is copied field by field.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pyarrow.parquet as pq

MAGIC = b"PAR1"
SIZE_BYTES = 4
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, STRUCT = *range(1, 10), 12
ROW_GROUPS, COLUMNS, META_DATA = 4, 1, 3
PLACES = {
    (ROW_GROUPS, 5),  # file_offset
    (ROW_GROUPS, COLUMNS, 2),  # file_offset
    (ROW_GROUPS, COLUMNS, META_DATA, 9),  # data_page_offset
    (ROW_GROUPS, COLUMNS, META_DATA, 10),  # index_page_offset
    (ROW_GROUPS, COLUMNS, META_DATA, 11),  # dictionary_page_offset
}
"""The fields that say where in the file something is: their numbers from the footer inwards."""


def join(parts: Sequence[Path], target: BinaryIO) -> None:
    """Write one file with the row groups of all parts, in this order. Needs at least one part."""
    target.write(MAGIC)
    footers = []
    for part in parts:
        with part.open("rb") as source:
            footer = _footer(source)
            moved = BytesIO()
            _copy_struct(BytesIO(footer), moved, (), target.tell() - len(MAGIC))
            footers.append(pq.read_metadata(BytesIO(MAGIC + _framed(moved.getvalue()))))
            source.seek(len(MAGIC))
            target.write(source.read()[: -len(_framed(footer))])
    whole = footers[0]
    for footer in footers[1:]:
        whole.append_row_groups(footer)
    sink = BytesIO()
    whole.write_metadata_file(sink)
    target.write(sink.getvalue()[len(MAGIC) :])


def _footer(source: BinaryIO) -> bytes:
    source.seek(-SIZE_BYTES - len(MAGIC), 2)
    size = int.from_bytes(source.read(SIZE_BYTES), "little")
    source.seek(-size - SIZE_BYTES - len(MAGIC), 2)
    return source.read(size)


def _framed(footer: bytes) -> bytes:
    return footer + len(footer).to_bytes(SIZE_BYTES, "little") + MAGIC


def _copy_struct(source: BinaryIO, target: BinaryIO, path: tuple[int, ...], shift: int) -> None:
    """Copy the fields up to the end of a struct, with every place in the file moved by `shift`."""
    number = 0
    while head := _copied(source, target, 1)[0]:
        kind, delta = head & 15, head >> 4
        number = number + delta if delta else _copy_varint(source, target) >> 1
        if kind not in (TRUE, FALSE):  # the head has said it all
            _copy_value(kind, source, target, (*path, number), shift)


def _copy_value(
    kind: int, source: BinaryIO, target: BinaryIO, path: tuple[int, ...], shift: int
) -> None:
    if kind in (TRUE, FALSE, BYTE):  # in a list
        _copied(source, target, 1)
    elif kind in (I16, I32, I64):
        _copy_varint(source, target, 2 * shift if path in PLACES else 0)
    elif kind == DOUBLE:
        _copied(source, target, 8)
    elif kind == BINARY:
        _copied(source, target, _copy_varint(source, target))
    elif kind == LIST:
        head = _copied(source, target, 1)[0]
        size = head >> 4 if head >> 4 < 15 else _copy_varint(source, target)
        for _ in range(size):
            _copy_value(head & 15, source, target, path, shift)
    else:
        assert kind == STRUCT, f"a Parquet footer with Thrift type {kind}"
        _copy_struct(source, target, path, shift)


def _copied(source: BinaryIO, target: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    target.write(data)
    return data


def _copy_varint(source: BinaryIO, target: BinaryIO, added: int = 0) -> int:
    """Copy a number, and add to it unless it is 0; signed ones are twice their value."""
    number, bits = 0, 0
    while True:
        byte = source.read(1)[0]
        number |= (byte & 127) << bits
        bits += 7
        if byte < 128:
            break
    number += added if number else 0
    left = number
    while left > 127:
        target.write(bytes([left & 127 | 128]))
        left >>= 7
    target.write(bytes([left]))
    return number
