"""Parquet files put together byte by byte, so that any number in them can be a lie.

    column = Column("i", INT64, pages=[data_page(plain_ints([1, 2]), 2)], rows=2)
    box.write("in.parquet", parquet_file([column], rows=2))
"""
import struct
import zlib

BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED = range(8)
UNCOMPRESSED, SNAPPY, GZIP, BROTLI, LZ4, ZSTD, LZ4_RAW = 0, 1, 2, 4, 5, 6, 7
PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED, DELTA_BINARY, DELTA_LENGTH, DELTA_BYTES, RLE_DICTIONARY, SPLIT = 0, 2, 3, 4, 5, 6, 7, 8, 9
REQUIRED, OPTIONAL, REPEATED = range(3)
UTF8, DECIMAL = 0, 5
_BOOL, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 5, 6, 8, 9, 12


# ---- Thrift's compact protocol ----

def varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return varint(value << 1 ^ value >> 63)


class I32(int):
    """An int is an I64 unless it says so."""


class Raw(bytes):
    """A struct that is encoded already."""


def _kind(value):
    if isinstance(value, I32):
        return _I32
    if isinstance(value, int):
        return _I64
    if isinstance(value, list):
        return _LIST
    return _STRUCT if isinstance(value, Raw) else _BINARY


def _value(value):
    if isinstance(value, int):
        return zigzag(value)
    if isinstance(value, list):
        return list_of(_kind(value[0]) if value else _I32, len(value), b"".join(_value(item) for item in value))
    if isinstance(value, Raw):
        return bytes(value)
    text = value.encode() if isinstance(value, str) else value
    return varint(len(text)) + text


def list_of(kind, count, items):
    """A list that may have another count than items."""
    return (bytes([count << 4 | kind]) if count < 15 else bytes([0xf0 | kind]) + varint(count)) + items


class RawList(bytes):
    """A list that is encoded already."""


def structure(**fields):
    """Fields f1=..., f2=...: numbers are the ids; None is left out."""
    out, last = bytearray(), 0
    for number, value in sorted((int(name[1:]), value) for name, value in fields.items()):
        if value is None:
            continue
        kind = _LIST if isinstance(value, RawList) else _kind(value)
        delta = number - last
        out += bytes([delta << 4 | kind]) if 0 < delta < 16 else bytes([kind]) + zigzag(number)
        out += value if isinstance(value, RawList) else _value(value)
        last = number
    return Raw(bytes(out) + b"\0")


# ---- values ----

def plain_ints(values):
    return struct.pack("<%dq" % len(values), *values)


def plain_texts(values):
    return b"".join(struct.pack("<I", len(value)) + value for value in values)


def levels(rows):
    """Definition levels of a v1 page, all 1."""
    run = varint(rows << 1) + b"\1"
    return struct.pack("<I", len(run)) + run


# ---- pages ----

def _page(kind, head, payload, unpacked, packed, crc=None):
    size = len(payload) if packed is None else packed
    header = structure(f1=I32(kind), f2=I32(size if unpacked is None else unpacked), f3=I32(size), f4=crc, **head)
    return bytes(header) + payload


def data_page(payload, values, encoding=PLAIN, unpacked=None, packed=None, crc=None):
    """payload: packed bytes; unpacked, packed: the sizes in the header."""
    return _page(0, {"f5": structure(f1=I32(values), f2=I32(encoding), f3=I32(RLE), f4=I32(RLE))}, payload, unpacked, packed, crc)


def data_page_v2(payload, values, rows=None, nulls=0, levels_bytes=0, encoding=PLAIN, unpacked=None, packed=None, rep_bytes=0):
    return _page(3, {"f8": structure(f1=I32(values), f2=I32(nulls), f3=I32(values if rows is None else rows), f4=I32(encoding),
                                     f5=I32(levels_bytes), f6=I32(rep_bytes))}, payload, unpacked, packed)


def dictionary_page(payload, values, unpacked=None, packed=None):
    return _page(2, {"f7": structure(f1=I32(values), f2=I32(PLAIN))}, payload, unpacked, packed)


class Column:
    """A column chunk; offset, size, values, dictionary: what the footer says instead of the truth."""

    def __init__(self, name, kind, pages, rows, codec=UNCOMPRESSED, repetition=REQUIRED, converted=None, type_length=None,
                 has_dictionary=False, scale=None, precision=None, **lies):
        self.name, self.kind, self.pages, self.rows, self.codec = name, kind, pages, rows, codec
        self.repetition, self.converted, self.type_length = repetition, converted, type_length
        self.scale, self.precision = scale, precision
        self.has_dictionary, self.lies = has_dictionary, lies

    def element(self):
        def number(value):
            return None if value is None else I32(value)
        return structure(f1=I32(self.kind), f2=number(self.type_length), f3=I32(self.repetition), f4=self.name,
                         f6=number(self.converted), f7=number(self.scale), f8=number(self.precision))


def parquet_file(columns, rows, group_rows=None, group_columns=None, root_children=None, schema=None, groups=None,
                 footer_bytes=None, footer=None, magic=b"PAR1", end_magic=None):
    """A file of one row group; the rest is what it says instead of the truth."""
    body, chunks = bytearray(magic), []
    for column in columns:
        offset = len(body)
        body += b"".join(column.pages)
        first_data = offset + (len(column.pages[0]) if column.has_dictionary else 0)
        lies = column.lies
        chunks.append(structure(f2=offset, f3=structure(
            f1=I32(column.kind), f2=[I32(PLAIN)], f3=[column.name], f4=I32(column.codec),
            f5=lies.get("values", column.rows), f6=lies.get("unpacked_size", len(body) - offset),
            f7=lies.get("size", len(body) - offset), f9=lies.get("offset", first_data),
            f11=lies.get("dictionary", offset if column.has_dictionary else None))))
    count = len(columns) if root_children is None else root_children
    group = structure(f1=chunks if group_columns is None else chunks[:group_columns], f2=len(body),
                      f3=rows if group_rows is None else group_rows)
    if footer is None:
        footer = structure(
            f1=I32(1), f2=schema or [structure(f4="root", f5=I32(count))] + [column.element() for column in columns],
            f3=rows, f4=groups or [group], f6="forger")
    size = len(footer) if footer_bytes is None else footer_bytes
    return bytes(body) + bytes(footer) + struct.pack("<I", size & 0xffffffff) + (end_magic or magic)


def gzip_bytes(blocks, block):
    """`block`, `blocks` times, packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(block) for _ in range(blocks)) + packer.flush()


def snappy_zeros(count):
    """Snappy for so many zeros, by copies of what was just written."""
    out = bytearray(varint(count)) + b"\0\0"
    left = count - 1
    while left > 0:
        step = min(left, 64)
        out += bytes([(step - 1) << 2 | 2, 1, 0])
        left -= step
    return bytes(out)
