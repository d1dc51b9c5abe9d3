#include "kernels/cpu/attention_code.h"
#include "kernels/cpu/exp.h"
#include "kernels/cpu/tile.h"
#include "kernels/cpu/transpose.h"

// The body of attention_avx2.cc, attention_avx512.cc and attention_avx512bf16.cc; see
// attention_code.h. Scores, weights and
// outputs are kept transposed, [key or column][kQueries], and scores in units of log 2.

namespace sd::kernels::cpu::SD_ISA {
namespace {

constexpr int64_t kLanes = Vec::kLanes;
constexpr int64_t kQueries = 2 * kLanes;  ///< of a tile, side by side
constexpr int64_t kTiles = 8;             ///< of queries, at most, that share a block of keys
constexpr int64_t kKeys = 16 * 14;        ///< of a block, at most
constexpr float kLowest = -3.402823466e38F;

constexpr int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

/// One tile of queries on its way.
struct Queries {
  int64_t begin, end;
  float* q;         ///< [units of width][kQueries], scaled
  float* y;         ///< [width][kQueries]: the sum over keys of weight·value
  float* greatest;  ///< [kQueries]: score
  float* sum;       ///< [kQueries]: of the weights
};

struct Scratch {
  float* keys;    ///< [kKeys][kKeyStep]: units of a key's width
  float* values;  ///< [units of kKeys][kKeyStep]: units across keys
  float* scores;  ///< [kKeys][kQueries], then [units of kKeys][kQueries]: weights
};

/// How far apart the keys of a block are copied: a constant, so that a tile's rows need no
/// registers for their addresses; an odd number of cache lines, so that they share no sets.
constexpr int64_t kKeyStep = kMostHeadWidth + 16;
static_assert(kKeyStep / 16 % 2 == 1);

constexpr int64_t queries_floats(int64_t width) { return 2 * (width + 1) * kQueries; }

/// Where heads are narrow, scores are most of what the first-level cache must hold.
int64_t block_keys(int64_t width) { return width <= 64 ? kKeys / 2 : kKeys; }

int64_t scratch_floats(int64_t width) {
  return kTiles * queries_floats(width) + kKeys * (kQueries + 2 * kKeyStep);
}

Queries make_queries(int64_t begin, int64_t end, int64_t width, float* scratch) {
  Queries t{begin, end, scratch, nullptr, nullptr, nullptr};
  t.y = t.q + width * kQueries;
  t.greatest = t.y + width * kQueries;
  t.sum = t.greatest + kQueries;
  return t;
}

void start(const Queries& t, const float* q, int64_t stride, int64_t width) {
  const Vec scale = set1(1.442695041F / __builtin_sqrtf(static_cast<float>(width)));  // log2 e
  for (int64_t half = 0; half < kQueries; half += kLanes) {
    for (int64_t c = 0; c < width; c += kLanes) {
      const int64_t columns = at_most(kLanes, width - c);
      Vec block[kLanes];
      for (int64_t i = 0; i < kLanes; ++i) {
        const int64_t query = t.begin + half + i;
        block[i] = query < t.end ? load(q + query * stride + c, static_cast<int>(columns)) : zero();
      }
      transpose(block);
      for (int64_t i = 0; i < columns; ++i) block[i] = block[i] * scale;
      store_units(block, columns, t.q + unit_count(c) * kQueries + half, kQueries);
    }
    store(t.greatest + half, set1(kLowest));
    store(t.sum + half, zero());
  }
  for (int64_t i = 0; i < width * kQueries; i += kLanes) store(t.y + i, zero());
}

/// scores[key] = k[key]·q for a block's keys.
void multiply_keys(const Queries& t, int64_t keys, int64_t width, const Scratch& scratch) {
  for_each_tile(keys, [&]<int kRows>(int64_t key) {
    Tile<kRows> tile;
    tile.clear();
    tile.template add_product<kKeyStep>(scratch.keys + key * kKeyStep, 1, t.q, kQueries,
                                        unit_count(width));
    float* out = scratch.scores + key * kQueries;
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      store(out + i * kQueries, tile.sums[i][0]);
      store(out + i * kQueries + kLanes, tile.sums[i][1]);
    }
  });
}

/// Hides the keys after each query from it: scores[key] where key > query become -infinity.
void hide_later_keys(const Queries& t, int64_t key, int64_t keys, float* scores) {
  for (int64_t half = 0; half < 2; ++half) {
    const Vec query = iota() + set1(static_cast<float>(t.begin + half * kLanes));
    for (int64_t i = 0; i < keys; ++i) {
      float* score = scores + i * kQueries + half * kLanes;
      store(score, where_negative(query - set1(static_cast<float>(key + i)),
                                  set1(-__builtin_inff()), load(score)));
    }
  }
}

/// 2^x for x <= 0, as exactly as a weight is kept.
#if defined(__AVX512BF16__)
inline Vec weight_of(Vec x) { return rough_exp2_of_negative(x); }
#else
inline Vec weight_of(Vec x) { return exp2_of_negative(x); }
#endif

/// Of each query of a half. In four strands: one would wait for itself.
inline Vec greatest_score(const float* scores, int64_t keys) {
  constexpr int64_t kStrands = 4;
  Vec greatest[kStrands];
#pragma GCC unroll 4
  for (Vec& strand : greatest) strand = set1(kLowest);
  int64_t i = 0;
  for (; i + kStrands <= keys; i += kStrands) {
#pragma GCC unroll 4
    for (int64_t j = 0; j < kStrands; ++j) {
      greatest[j] = max(load(scores + (i + j) * kQueries), greatest[j]);
    }
  }
  for (; i < keys; ++i) greatest[0] = max(load(scores + i * kQueries), greatest[0]);
  return max(max(greatest[0], greatest[1]), max(greatest[2], greatest[3]));
}

/// Turns a block's scores into weights relative to the greatest score so far, and adds them up.
/// `change[kQueries]` becomes what earlier weights must be multiplied with.
void weigh(const Queries& t, int64_t keys, float* scores, float* change) {
  for (int64_t half = 0; half < kQueries; half += kLanes) {
    const Vec before = load(t.greatest + half);
    const Vec greatest = max(greatest_score(scores + half, keys), before);
    Vec sum = zero();
    const Vec nothing = set1(-__builtin_inff());
#pragma GCC unroll 2
    for (int64_t i = 0; i < keys; i += kUnitValues) {
      Vec weights[kUnitValues];
      for (int64_t j = 0; j < kUnitValues; ++j) {
        const Vec score = i + j < keys ? load(scores + (i + j) * kQueries + half) : nothing;
        weights[j] = weight_of(score - greatest);
        sum = sum + weights[j];
      }
      store_units(weights, kUnitValues, scores + unit_count(i) * kQueries + half, kQueries);
    }
    const Vec factor = exp2_of_negative(before - greatest);
    store(change + half, factor);
    store(t.greatest + half, greatest);
    store(t.sum + half, fma(load(t.sum + half), factor, sum));
  }
}

/// Where a block's values are read, as units across keys.
struct Values {
  const float* begin;
  int64_t step;
};

/// A float is a unit where it lies; pairs are made.
Values block_values(const float* v, int64_t stride, int64_t keys, int64_t width, float* scratch) {
  if (kUnitValues == 1) return {v, stride};
  for (int64_t key = 0; key < keys; key += kUnitValues) {
    for (int64_t c = 0; c < width; c += kLanes) {
      const int columns = static_cast<int>(at_most(kLanes, width - c));
      Vec rows[kUnitValues];
      for (int64_t i = 0; i < kUnitValues; ++i) {
        rows[i] = key + i < keys ? load(v + (key + i) * stride + c, columns) : zero();
      }
      store_units(rows, kUnitValues, scratch + unit_count(key) * kKeyStep + c, 0);
    }
  }
  return {scratch, kKeyStep};
}

/// y = y·change + weights·values.
void add_values(const Queries& t, const Values& values, int64_t keys, int64_t width,
                const float* weights, const float* change) {
  const Vec change0 = load(change);
  const Vec change1 = load(change + kLanes);
  for_each_tile(width, [&]<int kRows>(int64_t column) {
    Tile<kRows> tile;
    tile.clear();
    tile.template add_product<1>(values.begin + column, values.step, weights, kQueries,
                                 unit_count(keys));
    float* y = t.y + column * kQueries;
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      float* row = y + i * kQueries;
      store(row, fma(load(row), change0, tile.sums[i][0]));
      store(row + kLanes, fma(load(row + kLanes), change1, tile.sums[i][1]));
    }
  });
}

void finish(const Queries& t, float* y, int64_t stride, int64_t width) {
  for (int64_t half = 0; half < kQueries; half += kLanes) {
    const Vec share = set1(1.0F) / load(t.sum + half);
    const int64_t count = at_most(kLanes, t.end - t.begin - half);
    for (int64_t c = 0; c < width; c += kLanes) {
      const int64_t columns = at_most(kLanes, width - c);
      const float* in = t.y + c * kQueries + half;
      Vec block[kLanes];
      for (int64_t i = 0; i < kLanes; ++i) {
        block[i] = i < columns ? load(in + i * kQueries) * share : zero();
      }
      transpose(block);
      float* out = y + (t.begin + half) * stride + c;
      for (int64_t i = 0; i < count; ++i) {
        store(out + i * stride, block[i], static_cast<int>(columns));
      }
    }
  }
}

/// One block of keys for all tiles of queries.
void attend_block(const AttentionJob& job, const float* k, const float* v, int64_t key,
                  int64_t keys, const Queries* tiles, int64_t tile_count, const Scratch& scratch) {
  for (int64_t i = 0; i < keys; ++i) {
    copy_units(k + (key + i) * job.k_rows.row_stride, job.width, scratch.keys + i * kKeyStep);
  }
  const Values values = block_values(v + key * job.v_rows.row_stride, job.v_rows.row_stride, keys,
                                     job.width, scratch.values);
  for (int64_t i = 0; i < tile_count; ++i) {
    const Queries& t = tiles[i];
    if (job.causal && key >= t.end) continue;
    alignas(64) float change[kQueries];
    multiply_keys(t, keys, job.width, scratch);
    if (job.causal && key + keys > t.begin + 1) hide_later_keys(t, key, keys, scratch.scores);
    weigh(t, keys, scratch.scores, change);
    add_values(t, values, keys, job.width, scratch.scores, change);
  }
}

void attend(const AttentionJob& job, int64_t batch, int64_t head, int64_t query, int64_t query_end,
            float* memory) {
  const int64_t column = head * job.width;
  const float* q = job.q + batch * job.q_rows.batch_stride + column;
  const float* k = job.k + batch * job.k_rows.batch_stride + column;
  const float* v = job.v + batch * job.v_rows.batch_stride + column;
  float* y = job.y + batch * job.y_rows.batch_stride + column;
  Queries tiles[kTiles];
  int64_t tile_count = 0;
  for (int64_t begin = query; begin < query_end; begin += kQueries) {
    Queries& t = tiles[tile_count++];
    t = make_queries(begin, at_most(begin + kQueries, query_end), job.width, memory);
    memory += queries_floats(job.width);
    start(t, q, job.q_rows.row_stride, job.width);
  }
  const Scratch scratch{memory + kKeys * kQueries, memory + kKeys * (kQueries + kKeyStep), memory};
  const int64_t key_end = job.causal ? at_most(job.keys, query_end) : job.keys;
  const int64_t keys = block_keys(job.width);
  for (int64_t key = 0; key < key_end; key += keys) {
    attend_block(job, k, v, key, at_most(keys, job.keys - key), tiles, tile_count, scratch);
  }
  for (int64_t i = 0; i < tile_count; ++i) finish(tiles[i], y, job.y_rows.row_stride, job.width);
}

}  // namespace

const AttentionCode kAttention = {kTiles * kQueries, scratch_floats, attend};

}  // namespace sd::kernels::cpu::SD_ISA
