"""Captions: what the pictures of the training set are called, and the words that this uses."""

import hashlib

import concepts

NO_ARTICLE = ("french fries", "grapes", "cherries", "fallen leaves", "glasses", "jeans", "scissors",
              "dice", "bread", "corn", "money", "fire", "popcorn", "sushi")
BARE = ("{n}", "{a}", "the {n}", "{n} emoji", "{a} emoji")
FRAMES = ("{a}", "a picture of {a}", "a drawing of {a}", "a photo of {a}", "a painting of {a}",
          "an image of {a}", "an emoji of {a}")
ON_COLOUR = (" on a {c} background", ", {c} background", " on {c}", " with a {c} background",
             " in front of a {c} background")
# Tokens that never get an embedding row; the tower learns to look past words it does not know.
UNKNOWN_WORDS = ("cute", "beautiful", "shiny", "detailed", "tiny", "nice", "lovely", "old",
                 "strange", "fancy", "simple", "modern", "little", "pretty", "funny", "digital",
                 "art")
BESIDE = ("{0} and {1}", "{0} next to {1}", "{0} left of {1}")
ABOVE = ("{0} above {1}", "{0} on top of {1}")


def with_article(noun):
  """"apple" -> "an apple"; plurals and stuffs stay bare."""
  if noun in NO_ARTICLE:
    return noun
  return ("an " if noun[0] in "aeio" or noun.startswith(("um", "un")) and noun != "unicorn"
          else "a ") + noun


def _pick(rng, options):
  return options[rng.integers(len(options))]


def colour_word(rng, colour):
  words = (colour, *concepts.COLOUR_SYNONYMS.get(colour, ()))
  return _pick(rng, words)


def held_out(name, colour):
  """True for about one in eight pairs of a concept and a background: never trained on."""
  if colour == "white":
    return False
  return hashlib.sha256(f"{name}|{colour}".encode()).digest()[0] < 32


def on_colour(form, colour):
  """" on a {c} background" -> " on an orange background"."""
  return form.format(c=colour).replace(" a orange", " an orange")


def _on_background(rng, text, colour):
  if colour == "white" and rng.random() < 0.5:
    return text
  return text + on_colour(_pick(rng, ON_COLOUR), colour_word(rng, colour))


def emoji_caption(rng, concept, background):
  """One of the ways to say it; the main name more often than the others."""
  names = (concept.name, *concept.aliases)
  noun = concept.name if rng.random() < 0.6 else _pick(rng, names)
  form = _pick(rng, BARE if rng.random() < 0.4 else FRAMES)
  text = form.format(n=noun, a=with_article(noun))
  return _unknown(rng, _on_background(rng, text, background))


def shape_caption(rng, items, relation, background):
  """`items`: one or two (colour, shape); `relation`: "", "beside" or "above"."""
  nouns = []
  for colour, shape in items:
    noun = f"{colour_word(rng, colour)} {shape}"
    nouns.append(with_article(noun) if rng.random() < 0.85 else noun)
  if relation:
    text = _pick(rng, BESIDE if relation == "beside" else ABOVE).format(*nouns)
  else:
    text = nouns[0]
  if rng.random() < 0.3:
    text = _pick(rng, FRAMES[1:6]).format(a=text)
  return _unknown(rng, _on_background(rng, text, background))


def _unknown(rng, text):
  """Puts a word without an embedding somewhere into one caption in ten; a full stop into a few."""
  if rng.random() < 0.1:
    words = text.split(" ")
    words.insert(rng.integers(len(words) + 1), _pick(rng, UNKNOWN_WORDS))
    text = " ".join(words)
  return text + "." if rng.random() < 0.05 else text


def vocabulary():
  """All words that captions are made of, as one text a line (for the embedding's rows)."""
  frames = [f.format(n="", a="", c="") for f in (*BARE, *FRAMES, *ON_COLOUR)]
  relations = [r.format("", "") for r in (*BESIDE, *ABOVE)]
  colours = [*concepts.COLOURS, *(s for v in concepts.COLOUR_SYNONYMS.values() for s in v)]
  names = [n for c in concepts.CONCEPTS for n in (c.name, *c.aliases)]
  return [*frames, *relations, *colours, *names, *concepts.SHAPES, "a", "an", "."]
