#!/usr/bin/env python3
"""Writes tests/data/text_cases.jsonl: texts, what ftfy makes of them, and both tokenizers' ids.

    pip install ftfy==6.2.3 regex tokenizers==0.13.3
    tests/support/make_text_cases.py MERGES.txt.gz BERT-VOCAB.txt

The pieces of the reference are called as they are: ftfy, the pattern through `regex`, BERT through
`tokenizers`. Only the merging loop is written out here, in the plainest way.
"""
import gzip
import json
import pathlib
import random
import re
import sys

import ftfy
import regex
import tokenizers

OUT = pathlib.Path(__file__).resolve().parent.parent / "data/text_cases.jsonl"
SPECIALS = ["<|startoftext|>", "<|endoftext|>"]
PATTERN = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    regex.IGNORECASE)

SENTENCES = [
    "Où est la bibliothèque, s'il vous plaît ?", "Der Bär läuft über die Straße",
    "El niño comió piñas en España", "Привет, как дела?", "Γειά σου Κόσμε", "こんにちは世界",
    "你好世界，一只猫", "Dzień dobry, żółw", "İstanbul'da güneşli bir gün", "مرحبا بالعالم",
    "नमस्ते दुनिया", "“Hello” – it’s a “test”…", "👩‍👩‍👧 🏳️‍🌈 👍🏽", "voilà à la carte", "€100 ½ ²",
]
ENCODINGS = ["latin-1", "sloppy-windows-1252", "sloppy-windows-1251", "sloppy-windows-1250",
             "sloppy-windows-1253", "sloppy-windows-1254", "iso-8859-2", "macroman", "cp437"]

CASES = [
    # plain prompts
    "a photo of an astronaut riding a horse on mars", "A Cat's hat, 8K!!! (trending:1.2)",
    "they're we've I'm he'll she'd don't 'tis THEY'RE", "x'ſa 'ſ 'K", "16:9 --ar 4k 1girl",
    # HTML entities
    "&eacute;&EACUTE;&Eacute;&eACUTE;", "BUNDESSTRA&SZLIG;E", "this&not that &amp &amp; that",
    "&fjlig; &nvlt; &NotEqualTilde; &CounterClockwiseContourIntegral;",
    "&CounterClockwiseContourIntegrals;", "&#65;&#x41;&#X41;&#0065;&#x;&#;&#12ab;&#xfg;",
    "&#0;|&#1;|&#13;|&#128;|&#x81;|&#xD800;|&#x110000;|&#99999999999999999999;|&#xFFFE;|&#xFDD0;",
    "&#59; &semi; &semi&semi&semi;", "&amp;amp;amp;lt;", "&a&#109;p;eacute;", "&&amp;;",
    "&lt;b&gt;\n&lt;b&gt;", "a < b &amp; c\n&amp;", "&amp;\na < b &amp;\n&amp;", "&Atilde;&copy;",
    "&amp;Atilde;&amp;amp;copy;", "&num;65; &#38;#35;65;", "&hearts; &HEARTS; &Alpha; &ALPHA;",
    # terminal escapes, controls, line breaks
    "\x1b[36;44mblue\x1b[0m \x1b[Ké \x1b[1", "\x1b[٣m", "a\x00b\x07c\x0bd\x0ee\x1ff\x7fg",
    "\ufeffa\u206ab\ufff9c\ufffcd", "\x85a\u2028b\u2029c\r\nd\re\tf\x0cg", "\u200ea\u200db\u061c",
    "\0", " \n\t\x0b ", "\r\n\r\n", "&#27;[1mx",
    # ligatures, widths, quotes, normal forms
    "ﬂuﬃeﬆ ﬀ ﬁ ﬄ ﬅ Ĳ ĳ ŉ Ǆǅǆ Ǉǈǉ Ǌǋǌ Ǳǲǳ œ æ", "ＬＯＵＤ　ＮＯＩＳＥＳ ﾃﾞｽﾄ ﾜｰﾙﾄﾞ ￥￦ ￨￬",
    "‘a’ ‚b‛ “c” „d‟ ʼe ′f″", "e\u0301 a\u0308\u0323 a\u0323\u0308 \u212b \u2126 \u1e9b\u0323",
    "한글 한글", "\u0344 \u0f73 \u0958 \U0001d15e",
    "Ǆ½ΑΣ'S Xİstanbul Zꭰẞ XÅＡ",
    # lower case
    "ΟΔΥΣΣΕΥΣ ΣΑΣ. Σ'Σ ΑΣ\u0301 Σ", "İI ıi ẞ ß ŉ ǅ Ꭰꭰ Ⅷ Ⓐ", "ὈΔΥΣΣΕΎΣ ᾼ ͅ a\u0345b α\u0345",
    # mojibake: whole texts, one layer and more
    "schÃ¶n", "voilÃ  le travail", "Ã la mode, Ã  quel, Ãquele Ã s", "sÃ£o paulo Ã© Ãºnico",
    "âœ” No problems", "â€œquoteâ€\x9d â€œlostâ€�", "l’humanitÃ©", "Ã\xa0 perturber la rÃ©flexion",
    "ÃƒÂ©tÃƒÂ©", "ÃƒÆ’Ã‚Â©", "РїСЂРёРІРµС‚", "Î\x93ÎµÎ¹Î¬", "ã\x81\x82", "ðŸ˜\x8d ðŸ’©",
    "├⌐├á na├»ve", "√©t√© caf√©", "Â Â Â", "a Â b Â\xa0c", "Ã", "Ã \n", "X Ã ", "Â©2020 Â®",
    "í\xa0½í¸\x8d", "í\xa0½í\xb8\n", "À\x80 é\x85", "Ã©À\n", "Ã©À", "Ã©\xed\x95\x9c",
    "â€™\x1a", "Ã\ufffd Ã? Ã©", "â\ufffd\ufffd â??", "ð\ufffd˜\x8d", "\x80\x99 \x93quoted\x94",
    "caf\x82 \x81", "Ž½ Ć€", "Å\xa0koda", "ÅÅbÅ", "Ã¢â‚¬â„¢", "вЂ™ Р° РЎ",
    "œ. œuvre", "×²", "à²", "3×2", "¿Qué? ¡Sí!", "│┌┐Ò", "(╯°□°)╯︵ ┻━┻", "°C ±½",
    # mojibake among other text
    "日本語 schÃ¶n 日本語", "é Ã© 日本", "Ã©Ã¨ – ok 中", "x â€” 中 â€œy", "aÃ‰ÉÃ©中",
    # white space
    "a\u00a0b\u2003c\u3000d\u1680e\u202ff\u205fg\u200bh\u180ei", "   lead and trail   ",
    # specials
    "<|endoftext|>", "a<|endoftext|>b<|startoftext|>", "<|EndOfText|> <|ſtartoftext|>",
    "<<|endoftext|>> <|endoftext| >", "Ã©<|endoftext|>Ã ", "[CLS] a [SEP] b [PAD] [MASK] [UNK]",
    "[cls][SEP[SEP]] [MASK]s", "&lt;|endoftext|&gt; &lt;x",
    # BERT's own matters
    "naïve Ångström Đặng Łódź", "a中b文c 㐀 豈 𠀀 𫠠 𫤠", "hello,world!...(a)[b]{c}$5 €5 a_b ^`~|",
    "x" * 100, "x" * 101, "\u1885 \u1734 \ua9bd \u166d\u2e43 \u0890", "unaffable ##ing embeddings",
    "\u00ad\u200b\u0600", "\ue000 \uf8ff", "अनुच्छेद ไทย עִבְרִית",
    # longer than the window
    " ".join(f"word{i}" for i in range(60)), "a " * 75, "a " * 76, "supercalifragilistic " * 20,
    "1234567890" * 8, "!?" * 90,
]


def stand_ins():
    """CLIP's printable character for each byte, in the order of the ids."""
    visible = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b]
    table = {b: chr(b) for b in visible}
    for k, b in enumerate(b for b in range(256) if b not in table):
        table[b] = chr(256 + k)
    return table


class Clip:
    def __init__(self, merges_path):
        lines = gzip.open(merges_path).read().decode("utf-8").split("\n")[1:48895]
        self.merges = [tuple(line.split()) for line in lines]
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.bytes = stand_ins()
        pieces = list(self.bytes.values())
        pieces += [p + "</w>" for p in pieces] + ["".join(m) for m in self.merges] + SPECIALS
        self.id = {piece: k for k, piece in enumerate(pieces)}

    def word(self, text):
        if text in SPECIALS:
            return [text]
        parts = [self.bytes[b] for b in text.encode("utf-8")]
        parts[-1] += "</w>"
        while True:
            ranked = [(self.ranks[p], k) for k, p in enumerate(zip(parts, parts[1:]))
                      if p in self.ranks]
            if not ranked:
                return parts
            _, k = min(ranked)
            parts[k:k + 2] = [parts[k] + parts[k + 1]]

    def ids(self, text):
        ids = []
        for part in re.split("(" + "|".join(map(re.escape, SPECIALS)) + ")", text):
            if part not in SPECIALS:
                part = regex.sub(r"\s+", " ", ftfy.fix_text(part)).strip().lower()
            ids += [self.id[p] for word in PATTERN.findall(part) for p in self.word(word)]
        return [49406] + ids[:75] + [49407]


def make_bert(vocab_path):
    tokenizer = tokenizers.BertWordPieceTokenizer(vocab_path)
    tokenizer.enable_truncation(77)
    return tokenizer


def mangled(rng):
    """A stretch of a sentence, its UTF-8 read in a wrong encoding, perhaps twice, perhaps hurt."""
    text = rng.choice(SENTENCES)
    start = rng.randrange(len(text))
    text = text[start:start + rng.randint(2, 14)]
    for _ in range(rng.choice([1, 1, 2])):
        data = bytearray(text.encode("utf-8"))
        if rng.random() < 0.3:
            data[rng.randrange(len(data))] = rng.choice([0x1A, 0x3F, 0x20, 0x80])
        text = bytes(data).decode(rng.choice(ENCODINGS), "replace")
    return text


def main():
    assert ftfy.__version__ == "6.2.3"
    clip, bert = Clip(sys.argv[1]), make_bert(sys.argv[2])
    rng = random.Random(2022)
    texts = CASES + [rng.choice(["", " and "]).join(mangled(rng) for _ in range(rng.randint(1, 3)))
                     for _ in range(160)]
    with OUT.open("w", encoding="ascii") as file:
        for text in dict.fromkeys(texts):
            row = {"text": text, "fixed": ftfy.fix_text(text), "clip": clip.ids(text),
                   "bert": bert.encode(text).ids}
            file.write(json.dumps(row, separators=(",", ":")) + "\n")


main()
