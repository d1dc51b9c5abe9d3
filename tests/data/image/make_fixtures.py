#!/usr/bin/env python3
"""Makes the pictures of this folder and expected.json, what the reference's libraries make of them.

    pip install pillow==9.3.0 numpy PyWavelets==1.9 opencv-python-headless
    pip install --no-deps invisible-watermark==0.2.0
    python make_fixtures.py

Pictures are told by the CRC-32 of their RGB bytes; the larger ones, for resizing and watermarks,
are not stored but made by pattern() here and in tests/support/pattern.h alike.
"""

import importlib.util
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, PngImagePlugin

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 23, 17


def hashed(index, seed):
    """splitmix64 of seed and index: the upper byte."""
    with np.errstate(over="ignore"):
        z = index.astype(np.uint64) + np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(56)).astype(np.uint8)


def pattern(kind, width, height, seed):
    """noise | saturated (0 and 255 only) | smooth (waves) | flat -> uint8 [height, width, 3]"""
    index = np.arange(height * width * 3).reshape(height, width, 3)
    if kind == "noise":
        return hashed(index, seed)
    if kind == "saturated":
        return (hashed(index, seed) & 1) * np.uint8(255)
    y, x, c = np.indices((height, width, 3))
    if kind == "smooth":
        wave = (x * (c + 1) + y * (3 - c) + seed * 37) % 512
        return np.where(wave < 256, wave, 511 - wave).astype(np.uint8)
    return ((seed * 53 + c * 91) % 256).astype(np.uint8)


def crc(pixels):
    return zlib.crc32(np.ascontiguousarray(pixels).tobytes())


def png(width, height, depth, color, rows, palette=None, transparency=None, interlaced=0):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    data = b"\x89PNG\r\n\x1a\n"
    data += chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced))
    if palette is not None:
        data += chunk(b"PLTE", palette)
    if transparency is not None:
        data += chunk(b"tRNS", transparency)
    packed = zlib.compress(rows)
    half = len(packed) // 2
    return data + chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:]) + chunk(b"IEND", b"")


def png_rows(bits_a_pixel, interlaced):
    """Random rows with every filter in turn."""
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
                  (0, 1, 1, 2)]
    rows, seed = b"", 0
    for x0, y0, dx, dy in passes:
        columns = len(range(x0, WIDTH, dx))
        for _ in range(y0, HEIGHT, dy):
            seed += 1
            size = (columns * bits_a_pixel + 7) // 8
            rows += bytes([seed % 5]) + hashed(np.arange(size), seed).tobytes()
    return rows


def random_bytes(size, seed):
    return hashed(np.arange(size), seed).tobytes()


def make_pngs(write):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    keys = {0: b"\0\1", 2: b"\0\1\0\2\0\3", 3: b"\0\x80\xff"}
    kinds = [(0, d) for d in (1, 2, 4, 8, 16)] + [(3, d) for d in (1, 2, 4, 8)]
    kinds += [(c, d) for c in (2, 4, 6) for d in (8, 16)]
    for color, depth in kinds:
        interlaced = depth in (2, 16)
        palette = random_bytes(3 << min(depth, 8), depth) if color == 3 else None
        rows = png_rows(depth * channels[color], interlaced)
        write(f"color{color}-{depth}bit.png", png(WIDTH, HEIGHT, depth, color, rows, palette,
                                                  keys.get(color), int(interlaced)))
    write("short-palette.png", png(WIDTH, HEIGHT, 8, 3, png_rows(8, 0), b"\1\2\3\4\5\6"))


def make_gif(screen, offset, palette, local, transparent, interlaced):
    """One frame of 13x11 on a screen; the LZW data are Pillow's."""
    import io
    frame = Image.fromarray(pattern("noise", 13, 11, 5)[..., 0])
    saved = io.BytesIO()
    frame.save(saved, "GIF", interlace=interlaced)
    data = saved.getvalue()
    at = 13 + (3 * (2 << (data[10] & 7)) if data[10] & 0x80 else 0)
    while data[at:at + 1] != b",":
        at += 1
    flags = data[at + 9]
    body = data[at + 10 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0):]
    bits = lambda colours: 0x80 | (len(colours) // 3).bit_length() - 2 if colours else 0
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, bits(palette), 1, 0) + palette
    if transparent is not None:
        out += b"!\xf9\4\1\0\0" + bytes([transparent]) + b"\0"
    out += b"," + struct.pack("<HHHHB", *offset, 13, 11, bits(local) | (flags & 0x40)) + local
    return out + body


def lzw(values, bits):
    """GIF's LZW with codes of `bits` + 1 bits at first, which may be more than the values need."""
    clear, out, held, count = 1 << bits, b"", 0, 0

    def put(code, size):
        nonlocal out, held, count
        held |= code << count
        count += size
        while count >= 8:
            out, held, count = out + bytes([held & 255]), held >> 8, count - 8

    size, table, run = bits + 1, {}, ()
    put(clear, size)
    for value in values:
        if run + (value,) in table or not run:
            run += (value,)
            continue
        put(table[run] if len(run) > 1 else run[0], size)
        if clear + 2 + len(table) < 4096:
            table[run + (value,)] = clear + 2 + len(table)
            size = max(size, min(12, (clear + 1 + len(table)).bit_length()))
        run = (value,)
    put(table[run] if len(run) > 1 else run[0], size)
    put(clear + 1, size)
    out += bytes([held])
    return bytes([bits]) + b"".join(
        bytes([len(out[at:at + 255])]) + out[at:at + 255] for at in range(0, len(out), 255)) + b"\0"


def make_wide_gifs(write):
    """First codes of 9 to 12 bits. Indices above 255 lose their upper bits in Pillow."""
    palette = random_bytes(768, 3)
    for bits in (9, 10, 11, 12):
        values = hashed(np.arange(40 * 30), bits).astype(int) // 16
        if bits < 12:
            values[::7] += 256
        write(f"codes{bits}.gif", b"GIF89a" + struct.pack("<HHBBB", 40, 30, 0xF7, 0, 0) + palette +
              b"," + struct.pack("<HHHHB", 0, 0, 40, 30, 0) + lzw(values.tolist(), bits) + b";")


def make_gifs(write):
    full, few = random_bytes(768, 1), random_bytes(48, 2)
    write("global.gif", make_gif((13, 11), (0, 0), full, b"", None, 0))
    write("local-offset.gif", make_gif((20, 19), (3, 5), full, few, None, 0))
    write("transparent.gif", make_gif((20, 19), (3, 5), full, b"", 7, 1))
    write("no-palette.gif", make_gif((9, 9), (1, 2), b"", b"", None, 1))


def bmp(bits, data, compression=0, masks=b"", palette=b"", top_down=False, size=40):
    height = -HEIGHT if top_down else HEIGHT
    header = struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, compression, len(data), 0, 0,
                         0, 0)
    header += (masks + bytes(size))[:size - 40] if size > 40 else masks
    offset = 14 + len(header) + len(palette)
    return (b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + header + palette + data)


def run_lengths():
    data = b""
    for y in range(HEIGHT):
        data += bytes([9, y]) + b"\0\5" + random_bytes(5, y) + b"\0" + bytes([WIDTH - 14, 200]) + b"\0\0"
    return data + b"\0\1"


def make_bmps(write):
    for bits in (1, 4, 8, 16, 24, 32):
        row = (WIDTH * bits + 31) // 32 * 4
        palette = random_bytes(4 << bits, bits) if bits <= 8 else b""
        write(f"{bits}bit.bmp", bmp(bits, random_bytes(row * HEIGHT, bits), palette=palette,
                                    top_down=bits in (4, 24)))
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    write("565.bmp", bmp(16, random_bytes((WIDTH * 2 + 2) * HEIGHT, 3), 3, masks))
    masks = struct.pack("<IIII", 0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    write("rgba-masks.bmp", bmp(32, random_bytes(WIDTH * 4 * HEIGHT, 4), 3, masks, size=124))
    write("rle8.bmp", bmp(8, run_lengths(), 1, palette=random_bytes(1024, 6)))


def make_pnms(write):
    for kind in range(1, 7):
        for most in (1, 100, 255, 1000):
            if kind in (1, 4) and most > 1:
                continue
            count = WIDTH * HEIGHT * (3 if kind in (3, 6) else 1)
            values = hashed(np.arange(count), kind).astype(int) * most // 255
            header = f"P{kind}\n# a comment\n{WIDTH} {HEIGHT}\n" + ("" if kind in (1, 4) else f"{most}\n")
            if kind <= 3:
                body = " ".join(map(str, values)).encode() + b"\n"
            elif kind == 4:
                body = random_bytes((WIDTH + 7) // 8 * HEIGHT, 4)
            else:
                body = values.astype(">u2" if most > 255 else "u1").tobytes()
            write(f"p{kind}-{most}.pnm", header.encode() + body)


def make_with_pillow(save):
    rgb = Image.fromarray(pattern("smooth", 45, 37, 1))
    noise = Image.fromarray(pattern("noise", 45, 37, 2))
    for subsampling in (0, 1, 2):
        save(f"subsampling{subsampling}.jpg", noise, quality=85, subsampling=subsampling)
    save("progressive.jpg", noise, progressive=True, quality=70)
    save("gray.jpg", rgb.convert("L"))
    save("cmyk.jpg", noise.convert("CMYK"), quality=80)
    save("rle.tga", rgb, compression="tga_rle")
    save("alpha.tga", noise.convert("RGBA"))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(f"orientation{orientation}.{'png' if orientation % 2 else 'jpg'}",
             rgb.resize((12, 8)), exif=exif)
    info = PngImagePlugin.PngInfo()
    info.add_text("plain", "café\nzwei")
    info.add_text("packed", "é" * 500, zip=True)
    info.add_itxt("many", "日本語 😀", lang="ja", tkey="たくさん")
    info.add_itxt("many-packed", "日本語 😀" * 100, zip=True)
    save("texts.png", rgb.resize((5, 4)), pnginfo=info)


def pack_bits(row):
    """Runs and literals by turns."""
    out = b""
    for at in range(0, len(row), 7):
        part = row[at:at + 7]
        if at % 2 and len(set(part)) == 1:
            out += bytes([257 - len(part)]) + part[:1]
        else:
            out += bytes([len(part) - 1]) + part
    return out


def psd(mode, depth, channels, planes, packed=False, palette=b""):
    data = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, HEIGHT, WIDTH, depth, mode)
    data += struct.pack(">I", len(palette)) + palette
    data += struct.pack(">II", 0, 0)  # no resources, no layers
    if not packed:
        return data + struct.pack(">H", 0) + planes
    size = WIDTH * depth // 8
    rows = [pack_bits(planes[at:at + size]) for at in range(0, len(planes), size)]
    lengths = b"".join(struct.pack(">H", len(row)) for row in rows)
    return data + struct.pack(">H", 1) + lengths + b"".join(rows)


def make_psds(write):
    area = WIDTH * HEIGHT
    runs = pattern("flat", WIDTH, HEIGHT, 3)[..., 0].tobytes()
    write("rgb.psd", psd(3, 8, 3, random_bytes(area * 3, 8)))
    write("rgba-packed.psd", psd(3, 8, 4, random_bytes(area * 2, 9) + runs * 2, packed=True))
    write("cmyk.psd", psd(4, 8, 4, random_bytes(area * 4, 10)))
    write("gray-packed.psd", psd(1, 8, 1, runs, packed=True))
    write("indexed.psd", psd(2, 8, 1, random_bytes(area, 11), palette=random_bytes(768, 12)))
    (HERE / "16bit.psd").write_bytes(psd(3, 16, 3, random_bytes(area * 6, 13)))  # not Pillow's


def make_tgas(write):
    def tga(kind, depth, data, colors=0, color_bits=0, flags=0x20):
        return struct.pack("<BBBHHBHHHHBB", 3, int(colors > 0), kind, 0, colors, color_bits, 0, 0,
                           WIDTH, HEIGHT, depth, flags) + b"abc" + data

    area = WIDTH * HEIGHT
    write("bottom-up.tga", tga(2, 24, random_bytes(area * 3, 1), flags=0))
    write("from-right.tga", tga(3, 8, random_bytes(area, 2), flags=0x30))
    write("16bit.tga", tga(2, 16, random_bytes(area * 2, 3)))
    write("1bit.tga", tga(3, 1, random_bytes((WIDTH + 7) // 8 * HEIGHT, 7)))
    write("1bit-bottom-up.tga", tga(3, 1, random_bytes((WIDTH + 7) // 8 * HEIGHT, 8), flags=0x10))
    write("gray-alpha.tga", tga(3, 16, random_bytes(area * 2, 4)))
    # Of palettes, Pillow 9.3 reads those of 24 bits only.
    write("palette.tga", tga(1, 8, random_bytes(256 * 3, 6) + random_bytes(area, 5), 256, 24))


def make_hdr():
    """Pillow does not read it; its pixels are told in the test."""
    data = b"#?RADIANCE\n# a comment\nFORMAT=32-bit_rle_rgbe\n\n" + b"-Y 2 +X 9\n"
    packed = b"\2\2\0\x09" + b"\x89\x80" + b"\4\1\2\3\4\x85\xff" + b"\x89\0" + b"\x89\x81"
    plain = bytes([64, 128, 255, 128] * 9)
    (HERE / "rle.hdr").write_bytes(data + packed + plain)


def make_webps_with_pillow(save):
    rgb = Image.fromarray(pattern("smooth", 45, 37, 1))
    noise = Image.fromarray(pattern("noise", 21, 19, 2))
    alpha = noise.copy()
    alpha.putalpha(Image.fromarray(pattern("noise", 21, 19, 3)[..., 0]))
    save("lossy.webp", rgb, quality=80)
    save("lossy-alpha.webp", alpha, quality=60)
    save("lossless.webp", noise.crop((0, 0, 9, 8)), lossless=True)
    save("lossless-alpha.webp", alpha.crop((0, 0, 9, 8)), lossless=True, exact=True)
    save("animated.webp", rgb, save_all=True, append_images=[rgb.rotate(180)], quality=50)
    for orientation in (5, 6):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(f"orientation{orientation}.webp", rgb.resize((12, 8)), exif=exif, lossless=True)


def tiff(width, height, bits, samples, photometric, data, order="<", more={}, blocks=1):
    """`blocks` strips, planes or (with the tags of tiles in `more`) tiles of equal size. `more`:
    further tags, a list of 16-bit values each."""
    offsets, sizes = (324, 325) if 322 in more else (273, 279)
    tags = {256: [width], 257: [height], 258: [bits] * samples, 259: [1], 262: [photometric],
            277: [samples], offsets: None, sizes: [len(data) // blocks] * blocks, **more}
    lengths = [len(data) // blocks * k for k in range(blocks)]
    values_at = 8 + 2 + 12 * len(tags) + 4
    data_at = values_at + sum(2 * len(v) for v in tags.values() if v and len(v) > 2)
    data_at += 4 * blocks if blocks > 1 else 0
    entries, values = b"", b""
    for tag, numbers in sorted(tags.items()):
        kind, form = (3, "H") if numbers is not None else (4, "I")
        numbers = numbers if numbers is not None else [data_at + at for at in lengths]
        packed = struct.pack(order + form * len(numbers), *numbers)
        entries += struct.pack(order + "HHI", tag, kind, len(numbers))
        if len(packed) > 4:
            entries += struct.pack(order + "I", values_at + len(values))
            values += packed
        else:
            entries += packed.ljust(4, b"\0")
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(order + "IH", 8, len(tags)) + entries + bytes(4) + values + data


def make_tiffs(write):
    def noise(bits_a_pixel, seed):
        return random_bytes((WIDTH * bits_a_pixel + 7) // 8 * HEIGHT, seed)

    def colors(bits, seed):
        return [int(v) * 257 for v in hashed(np.arange(3 << bits), seed)]

    for bits in (1, 2, 4, 8, 16):
        write(f"gray{bits}.tif", tiff(WIDTH, HEIGHT, bits, 1, 1, noise(bits, bits)))
    for bits in (1, 4):
        write(f"white-is-zero{bits}.tif", tiff(WIDTH, HEIGHT, bits, 1, 0, noise(bits, bits), ">",
                                               {266: [2]}))
        write(f"palette{bits}.tif", tiff(WIDTH, HEIGHT, bits, 1, 3, noise(bits, bits), ">",
                                         {320: colors(bits, 3)}))
    write("palette8.tif", tiff(WIDTH, HEIGHT, 8, 1, 3, noise(8, 1), more={320: colors(8, 4)}))
    write("signed16.tif", tiff(WIDTH, HEIGHT, 16, 1, 1, noise(16, 5), more={339: [2]}))
    floats = (hashed(np.arange(WIDTH * HEIGHT), 6) * 1.7 - 60).astype("<f4").tobytes()
    write("float32.tif", tiff(WIDTH, HEIGHT, 32, 1, 1, floats, more={339: [3]}))
    write("rgb8.tif", tiff(WIDTH, HEIGHT, 8, 3, 2, noise(24, 7), ">"))
    write("rgb16.tif", tiff(WIDTH, HEIGHT, 16, 3, 2, noise(48, 8), ">"))
    for kind, name in ((0, "other"), (1, "premultiplied"), (2, "alpha")):
        write(f"rgb-{name}.tif", tiff(WIDTH, HEIGHT, 8, 4, 2, noise(32, 9), more={338: [kind]}))
    tiles = {322: [16], 323: [16]}
    write("tiles.tif", tiff(WIDTH, HEIGHT, 8, 3, 2, random_bytes(4 * 256 * 3, 12), more=tiles, blocks=4))
    write("planes.tif", tiff(WIDTH, HEIGHT, 8, 3, 2, noise(24, 13), ">", {284: [2]}, blocks=3))
    write("cmyk8.tif", tiff(WIDTH, HEIGHT, 8, 4, 5, noise(32, 10)))
    write("gray-and-alpha.tif", tiff(WIDTH, HEIGHT, 8, 2, 1, noise(16, 11), more={338: [2]}))


def make_tiffs_with_pillow(save):
    rgb = Image.fromarray(pattern("smooth", 45, 37, 1))
    for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        save(f"{name}.tif", rgb, compression=name)
    save("predictor.tif", rgb, compression="tiff_lzw", tiffinfo={317: 2, 278: 5})
    for name in ("group3", "group4"):
        save(f"{name}.tif", rgb.convert("1"), compression=name)
    for orientation in (2, 6):
        save(f"orientation{orientation}.tif", rgb.resize((12, 8)), compression="tiff_lzw",
             tiffinfo={274: orientation})


def resize_table():
    table = []
    sizes = [(200, 140, 192, 128), (64, 64, 64, 32), (64, 64, 32, 64), (1, 1, 7, 5), (31, 2, 3, 90),
             (257, 131, 512, 320), (640, 427, 320, 192), (100, 70, 96, 64), (50, 60, 51, 59)]
    for k, (width, height, to_width, to_height) in enumerate(sizes):
        for kind in ("noise", "saturated", "smooth"):
            image = Image.fromarray(pattern(kind, width, height, k))
            for name, method in (("bicubic", Image.Resampling.BICUBIC),
                                 ("lanczos", Image.Resampling.LANCZOS)):
                table.append({"kind": kind, "seed": k, "from": [width, height],
                              "to": [to_width, to_height], "filter": name,
                              "crc": crc(np.array(image.resize((to_width, to_height), method)))})
    return table


def watermark_table():
    root = pathlib.Path(importlib.util.find_spec("imwatermark").submodule_search_locations[0])
    spec = importlib.util.spec_from_file_location("maxDct", root / "maxDct.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table = []
    sizes = [(256, 256), (331, 257), (257, 331), (768, 512), (1024, 64), (67, 1030)]
    for k, (width, height) in enumerate(sizes):
        for kind in ("noise", "saturated", "smooth", "flat"):
            message = "StableDiffusionV1" if k % 2 == 0 else "x" + kind
            bits = list(np.unpackbits(np.frombuffer(message.encode(), np.uint8)))
            bgr = np.ascontiguousarray(pattern(kind, width, height, k)[..., ::-1])
            marked = module.EmbedMaxDct(bits, wmLen=len(bits)).encode(bgr)
            read = module.EmbedMaxDct([], wmLen=len(bits)).decode(marked)
            table.append({"kind": kind, "seed": k, "size": [width, height], "message": message,
                          "crc": crc(marked[..., ::-1]), "read": np.packbits(read).tobytes().hex()})
    return table


def main():
    pictures = []

    def note(name):
        pixels = np.array(Image.open(HERE / name).convert("RGB"))
        pictures.append({"file": name, "width": pixels.shape[1], "height": pixels.shape[0],
                         "first": pixels[0, 0].tolist(), "crc": crc(pixels)})

    def write(name, data):
        (HERE / name).write_bytes(data)
        note(name)

    def save(name, image, **options):
        image.save(HERE / name, **options)
        note(name)

    for make in (make_pngs, make_gifs, make_wide_gifs, make_bmps, make_pnms, make_psds, make_tgas,
                 make_tiffs):
        make(write)
    for make in (make_with_pillow, make_webps_with_pillow, make_tiffs_with_pillow):
        make(save)
    make_hdr()
    tables = {"pictures": pictures, "resize": resize_table(), "watermark": watermark_table()}
    lines = []
    for name, rows in tables.items():
        lines.append(f' "{name}": [\n  ' + ",\n  ".join(json.dumps(row) for row in rows) + "\n ]")
    (HERE / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
