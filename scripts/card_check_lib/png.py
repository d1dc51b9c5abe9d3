"""PNG files of 8-bit RGB, without libraries: our pictures are compared and put onto a sheet."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _chunks(data):
  at = len(SIGNATURE)
  while at < len(data):
    length, kind = struct.unpack_from(">I4s", data, at)
    yield kind, data[at + 8:at + 8 + length]
    at += length + 12


def _paeth(left, up, corner):
  estimate = left + up - corner
  far = (abs(estimate - left), abs(estimate - up), abs(estimate - corner))
  return (left, up, corner)[far.index(min(far))]


def _unfilter(kind, row, above):
  """The bytes of a row (PNG specification, 9.2), in place."""
  if kind == 1:
    for i in range(3, len(row)):
      row[i] = (row[i] + row[i - 3]) & 255
  elif kind == 2:
    for i, up in enumerate(above):
      row[i] = (row[i] + up) & 255
  elif kind == 3:
    for i, up in enumerate(above):
      row[i] = (row[i] + ((row[i - 3] if i >= 3 else 0) + up) // 2) & 255
  elif kind == 4:
    for i, up in enumerate(above):
      left, corner = (row[i - 3], above[i - 3]) if i >= 3 else (0, 0)
      row[i] = (row[i] + _paeth(left, up, corner)) & 255


def read(path):
  """(width, height, rows of bytes). Raises ValueError for another kind of picture."""
  data = path.read_bytes()
  if not data.startswith(SIGNATURE):
    raise ValueError(f"{path} is no PNG")
  header, packed = None, b""
  for kind, content in _chunks(data):
    if kind == b"IHDR":
      header = struct.unpack(">IIBBBBB", content)
    elif kind == b"IDAT":
      packed += content
  width, height = header[:2]
  if header[2:] != (8, 2, 0, 0, 0):
    raise ValueError(f"{path} is not of 8-bit RGB without interlace")
  flat, rows, above = zlib.decompress(packed), [], bytes(3 * width)
  for y in range(height):
    start = y * (3 * width + 1)
    row = bytearray(flat[start + 1:start + 1 + 3 * width])
    _unfilter(flat[start], row, above)
    rows.append(row)
    above = row
  return width, height, rows


def write(path, width, rows):
  def chunk(kind, content):
    return (struct.pack(">I", len(content)) + kind + content +
            struct.pack(">I", zlib.crc32(kind + content)))
  header = struct.pack(">IIBBBBB", width, len(rows), 8, 2, 0, 0, 0)
  flat = b"".join(b"\0" + bytes(row) for row in rows)
  path.write_bytes(SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(flat, 9)) +
                   chunk(b"IEND", b""))


def difference(a, b):
  """Of two files: the mean and the largest difference of their values, of 255."""
  (width, height, rows), (other_width, other_height, other_rows) = read(a), read(b)
  if (width, height) != (other_width, other_height):
    raise ValueError(f"{width}x{height} is not {other_width}x{other_height}")
  total, largest = 0, 0
  for row, other in zip(rows, other_rows):
    apart = [abs(x - y) for x, y in zip(row, other)]
    total += sum(apart)
    largest = max(largest, max(apart))
  return total / (3 * width * height), largest


def shrunk(path, side):
  """Rows of a square of that many pixels, by leaving pixels out."""
  width, height, rows = read(path)
  made = []
  for y in range(side):
    row = rows[y * height // side]
    made.append(b"".join(bytes(row[3 * x:3 * x + 3])
                         for x in (i * width // side for i in range(side))))
  return made


def sheet(path, pictures, side=128, columns=6):
  """All of them on one page, row by row; what cannot be read is grey."""
  rows = []
  for first in range(0, len(pictures), columns):
    cells = []
    for picture in pictures[first:first + columns]:
      try:
        cells.append(shrunk(picture, side))
      except (OSError, ValueError, zlib.error, struct.error):
        cells.append([b"\x80" * (3 * side)] * side)
    cells += [[b"\xff" * (3 * side)] * side] * (columns - len(cells))
    rows += [b"".join(cell[y] for cell in cells) for y in range(side)]
  if rows:
    write(path, side * columns, rows)
