#!/usr/bin/env python3
"""Writes the tables of src/text/ftfy that are facts about characters, not code.

    pip install ftfy==6.2.3
    tools/make_text_tables.py            writes src/text/ftfy/*.inc

html_entities.inc    the names of HTML5 (Python's html.entities.html5), and the capitalised names
                     that ftfy reads besides
single_byte.inc      the upper halves of the nine single-byte encodings, as Python decodes them
char_ranges.inc      the character categories of ftfy's mojibake heuristic (Apache-2.0, Robyn Speer)
Run it again only when one of these sources changes; the build does not need it.
"""
import pathlib
import re

import ftfy
import ftfy.badness
import ftfy.chardata

OUT = pathlib.Path(__file__).resolve().parent.parent / "src/text/ftfy"
WIDTH = 98


def write(name, about, body):
    head = f"// Written by tools/make_text_tables.py: {about}\n"
    (OUT / name).write_text(head + body, encoding="ascii")


def filled(items, indent="    "):
    """The items, comma after each, in lines of at most WIDTH columns."""
    lines, line = [], indent
    for item in items:
        if len(line) + len(item) + 2 > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += item + ", "
    lines.append(line.rstrip())
    return "\n".join(lines)


def entities():
    """name -> value, names without '&' and ';', sorted by name."""
    table = {k[1:-1]: v for k, v in ftfy.chardata.HTML_ENTITIES.items()}
    assert all(len(v) <= 3 for v in table.values()), "an entity row has room for three"
    rows = []
    for name in sorted(table):
        value = [f"0x{ord(c):X}" for c in table[name]]
        rows.append(f'{{"{name}", {{{", ".join(value)}}}}}')
    write("html_entities.inc", f"{len(rows)} names, sorted bytewise.",
          filled(rows, "") + "\n")


def single_byte():
    upper = bytes(range(0x80, 0x100))
    body = ""
    for encoding in ftfy.chardata.CHARMAP_ENCODINGS:
        chars = upper.decode(encoding)
        assert len(set(chars)) == 128, encoding
        assert not encoding.startswith("sloppy") or b"\x1a".decode(encoding) == "\ufffd"
        body += f"// {encoding}\n{{{{\n" + filled([f"0x{ord(c):X}" for c in chars]) + "\n}},\n"
    write("single_byte.inc", "characters of the bytes 0x80 to 0xFF, one row an encoding.", body)


def ranges_of(set_text):
    """The code points that the regular expression [set_text] matches, as inclusive ranges."""
    pattern = re.compile(f"[{set_text}]")
    found = []
    for code in range(0x110000):
        if pattern.match(chr(code)):
            if found and found[-1][1] == code - 1:
                found[-1][1] = code
            else:
                found.append([code, code])
    return found


def char_ranges():
    body = ""
    sets = dict(ftfy.badness.MOJIBAKE_CATEGORIES)
    sets.update(ftfy.chardata.UTF8_CLUES)
    for name, chars in sets.items():
        constant = "k" + "".join(part.capitalize() for part in name.split("_"))
        rows = [f"{{Class::{constant}, 0x{a:X}, 0x{b:X}}}" for a, b in ranges_of(chars)]
        body += filled(rows, "") + "\n"
    write("char_ranges.inc", "ftfy 6.2.3's categories of mojibake characters.", body)


assert ftfy.__version__ == "6.2.3", "the version that the reference installs"
entities()
single_byte()
char_ranges()
