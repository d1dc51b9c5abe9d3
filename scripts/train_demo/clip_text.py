"""CLIP's tokenizer and a small text tower of CLIP's architecture (Radford et al. 2021).

Token ids are those of CLIP's byte pair vocabulary of 49,408 entries; its merges are read from the
file in the `open-clip-torch` wheel (MIT licence). Parameter names are those of a v1 checkpoint less
`cond_stage_model.transformer.text_model.`, except that the token embedding holds only the rows of
the words that the captions use; `CompactEmbedding.full_weight` gives the whole table.
"""

import functools
import gzip
import importlib.util
import os
import pathlib

import regex
import torch
import torch.nn.functional as F
from torch import nn

from unet import attend

VOCABULARY = 49408
BOS, EOT = 49406, 49407
LENGTH = 77
_MERGES = VOCABULARY - 512 - 2
_WORDS = regex.compile(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|"
                       r"[^\s\p{L}\p{N}]+")


def _merges_path():
  override = os.environ.get("DEMO_CLIP_MERGES")
  if override:
    return pathlib.Path(override)
  spec = importlib.util.find_spec("open_clip")
  if spec is None:
    raise SystemExit("open-clip-torch is not installed: see scripts/train_demo/requirements.txt")
  return pathlib.Path(spec.origin).parent / "bpe_simple_vocab_16e6.txt.gz"


def _byte_characters():
  """The 256 printable characters that stand for bytes, in vocabulary order."""
  printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
  others = [b for b in range(256) if b not in printable]
  return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(others)}}


@functools.lru_cache(maxsize=1)
def _tables():
  lines = gzip.open(_merges_path(), "rt", encoding="utf-8").read().split("\n")
  merges = [tuple(line.split()) for line in lines[1 : 1 + _MERGES]]
  characters = list(_byte_characters().values())
  pieces = characters + [c + "</w>" for c in characters] + ["".join(m) for m in merges]
  return {p: i for i, p in enumerate(pieces)}, {m: i for i, m in enumerate(merges)}


@functools.lru_cache(maxsize=65536)
def _encode_word(word):
  ids, ranks = _tables()
  bytes_ = _byte_characters()
  parts = [bytes_[b] for b in word.encode("utf-8")]
  parts[-1] += "</w>"
  while len(parts) > 1:
    rank, at = min((ranks.get(pair, _MERGES), i) for i, pair in enumerate(zip(parts, parts[1:])))
    if rank == _MERGES:
      break
    parts[at : at + 2] = [parts[at] + parts[at + 1]]
  return tuple(ids[p] for p in parts)


def word_ids(text):
  """Ids of plain text (no entities or mojibake to repair), without begin, end and padding."""
  return [i for w in _WORDS.findall(" ".join(text.split()).lower()) for i in _encode_word(w)]


def tokenize(text):
  """Text -> 77 ids: begin, up to 75 ids, end, padded with the end id."""
  ids = [BOS, *word_ids(text)[: LENGTH - 2]]
  return ids + [EOT] * (LENGTH - len(ids))


class CompactEmbedding(nn.Module):
  """A token embedding that stores the used rows only; every other id is a row of zeros."""

  def __init__(self, used_ids, width):
    super().__init__()
    used = sorted(set(used_ids) | {BOS, EOT})
    row = torch.zeros(VOCABULARY, dtype=torch.long)
    row[used] = torch.arange(1, len(used) + 1)
    self.register_buffer("row", row, persistent=False)
    self.register_buffer("used", torch.tensor(used), persistent=True)
    self.weight = nn.Parameter(0.3 * torch.randn(len(used), width))

  def forward(self, ids):
    table = torch.cat([torch.zeros_like(self.weight[:1]), self.weight])
    return F.embedding(self.row[ids], table)

  def full_weight(self):
    """[49408, width], as a checkpoint holds it."""
    full = torch.zeros(VOCABULARY, self.weight.shape[1])
    full[self.used] = self.weight.detach().float()
    return full


class SelfAttention(nn.Module):
  """Causal multi-head attention over [N, 77, width]."""

  def __init__(self, width, heads):
    super().__init__()
    self.heads = heads
    self.k_proj = nn.Linear(width, width)
    self.v_proj = nn.Linear(width, width)
    self.q_proj = nn.Linear(width, width)
    self.out_proj = nn.Linear(width, width)

  def forward(self, x):
    n, l, width = x.shape
    q, k, v = (f(x).reshape(n, l, self.heads, width // self.heads).transpose(1, 2)
               for f in (self.q_proj, self.k_proj, self.v_proj))
    future = torch.full((l, l), float("-inf")).triu(1)
    y = attend(q, k, v, future)
    return self.out_proj(y.transpose(1, 2).reshape(n, l, width))


class Mlp(nn.Module):
  """Two layers with CLIP's quick GELU, x * sigmoid(1.702 x)."""

  def __init__(self, width):
    super().__init__()
    self.fc1 = nn.Linear(width, 4 * width)
    self.fc2 = nn.Linear(4 * width, width)

  def forward(self, x):
    h = self.fc1(x)
    return self.fc2(h * torch.sigmoid(1.702 * h))


class Layer(nn.Module):
  """One pre-norm transformer layer."""

  def __init__(self, width, heads):
    super().__init__()
    self.self_attn = SelfAttention(width, heads)
    self.layer_norm1 = nn.LayerNorm(width)
    self.mlp = Mlp(width)
    self.layer_norm2 = nn.LayerNorm(width)

  def forward(self, x):
    x = x + self.self_attn(self.layer_norm1(x))
    return x + self.mlp(self.layer_norm2(x))


class TextTower(nn.Module):
  """Ids [N, 77] -> states [N, 77, width] after the final norm."""

  def __init__(self, used_ids, width, layers, heads):
    super().__init__()
    self.config = {"width": width, "layers": layers, "heads": heads}
    self.embeddings = nn.Module()
    self.embeddings.token_embedding = CompactEmbedding(used_ids, width)
    self.embeddings.position_embedding = nn.Embedding(LENGTH, width)
    self.encoder = nn.Module()
    self.encoder.layers = nn.ModuleList([Layer(width, heads) for _ in range(layers)])
    self.final_layer_norm = nn.LayerNorm(width)
    self._start_blind_to_padding(width, heads)

  def _start_blind_to_padding(self, width, heads):
    """Lets the first steps see words only.

    About 70 of 77 tokens are padding and would dilute every word. Feature 0 marks begin and end
    tokens; each head's first query feature is a constant, its first key feature is minus the mark,
    so marked tokens get a low score. Training may change all of it.
    """
    tokens = self.embeddings.token_embedding
    head = width // heads
    with torch.no_grad():
      nn.init.normal_(self.embeddings.position_embedding.weight, std=0.1)
      self.embeddings.position_embedding.weight[:, 0] = 0.0
      tokens.weight[:, 0] = 0.0
      for marked in (BOS, EOT):
        tokens.weight[tokens.row[marked] - 1, 0] = 1.5
      for layer in self.encoder.layers:
        a = layer.self_attn
        for linear in (a.out_proj, layer.mlp.fc2):
          linear.weight.mul_(0.5)
          linear.weight[0].zero_()
          linear.bias.zero_()
        for h in range(heads):
          a.q_proj.weight[h * head].zero_()
          a.q_proj.bias[h * head] = 1.6 * head**0.5
          a.k_proj.weight[h * head].zero_()
          a.k_proj.weight[h * head, 0] = -1.0
          a.k_proj.bias[h * head] = 0.0

  def forward(self, ids):
    x = self.embeddings.token_embedding(ids) + self.embeddings.position_embedding.weight
    for layer in self.encoder.layers:
      x = layer(x)
    return self.final_layer_norm(x)
