// OFT (Qiu et al. 2023) turns blocks of a weight's rows; BOFT (Liu et al. 2023) turns pairs of them
// in several rounds, as the butterflies of a Fourier transform.
#include <ATen/ATen.h>

#include <algorithm>

#include "models/adapters/kinds/kinds.h"
#include "models/adapters/kinds/turning.h"

namespace sd::models {
namespace {

using namespace adapters;
using Role = AdapterRole;

AdapterShape blocks_shape(const AdapterParts& parts) { return parts.shape(Role::kOftBlocks); }

bool is_oft(const AdapterParts& parts, size_t sizes) {
  return parts.has(Role::kOftBlocks) && blocks_shape(parts).size() == sizes;
}

bool rescale_fits(const AdapterParts& parts, const AdapterShape& weight) {
  if (!parts.has(Role::kRescale)) return true;
  const AdapterShape rescale = parts.shape(Role::kRescale);
  return !rescale.empty() && rescale[0] == weight[0] && columns_of(rescale) == 1;
}

/// Whether so many square blocks of this size turn all rows.
bool blocks_fit(int64_t count, int64_t rows, int64_t columns, const AdapterShape& weight) {
  return weight.size() >= 2 && is_rank(count) && is_rank(rows) && rows == columns &&
         count * rows == weight[0];
}

/// The rotations of B [..., s, s], after Cayley: (I + Q)(I - Q)^-1 with Q = B - B^T, whose size
/// over all blocks is at most alpha times the number of rows.
at::Tensor rotations(const AdapterParts& parts, int64_t rows) {
  const at::Tensor blocks = parts.get(Role::kOftBlocks);
  at::Tensor q = blocks - blocks.transpose(-1, -2);
  const double most = parts.number(Role::kAlpha, 0) * static_cast<double>(rows);
  const double size = q.norm().item<double>();
  if (most > 0) q = q * ((std::min(size, most) + 1e-8) / (size + 1e-8));
  return cayley(q);
}

at::Tensor difference(const AdapterParts& parts, const at::Tensor& turned,
                      const at::Tensor& weight) {
  return change_by_turning(parts, Role::kRescale, turned, weight);
}

/// R [n, s, s]: block k of the rows becomes R_k^T times it.
at::Tensor turn_blocks(const at::Tensor& r, const at::Tensor& weight) {
  return at::matmul(r.transpose(1, 2), weight.reshape({r.size(0), r.size(1), -1}));
}

/// R [rounds, n, s, s].
at::Tensor turn_butterflies(const at::Tensor& r, const at::Tensor& weight) {
  const int64_t n = r.size(1), s = r.size(2);
  at::Tensor rows = weight.reshape({weight.size(0), -1});
  for (int64_t i = 0; i < r.size(0); ++i) {
    const int64_t apart = (int64_t{1} << i) * (s / 2);  // of the two rows of a pair
    const at::Tensor paired =
        rows.unflatten(0, {-1, 2, apart}).transpose(1, 2);  // [c, apart, 2, …]
    const at::Tensor turned = at::matmul(r[i], paired.reshape({n, s, -1}));
    rows = turned.reshape({-1, apart, 2, rows.size(1)}).transpose(1, 2).reshape(rows.sizes());
  }
  return rows;
}

bool boft_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape r = blocks_shape(parts);
  if (!blocks_fit(r[1], r[2], r[3], weight) || r[0] <= 0 || r[0] > 32 || r[2] % 2 != 0)
    return false;
  return weight[0] % ((int64_t{1} << (r[0] - 1)) * r[2]) == 0 && rescale_fits(parts, weight);
}

}  // namespace

const AdapterKind kOftKind = {
    "OFT", [](const AdapterParts& parts) { return is_oft(parts, 3); },
    [](const AdapterParts& parts, const AdapterShape& weight) {
      const AdapterShape r = blocks_shape(parts);
      return blocks_fit(r[0], r[1], r[2], weight) && rescale_fits(parts, weight);
    },
    no_rank,
    [](const AdapterParts& parts, const at::Tensor& weight) {
      return difference(parts, turn_blocks(rotations(parts, weight.size(0)), weight), weight);
    }};

const AdapterKind kBoftKind = {
    "BOFT", [](const AdapterParts& parts) { return is_oft(parts, 4); }, boft_fits, no_rank,
    [](const AdapterParts& parts, const at::Tensor& weight) {
      return difference(parts, turn_butterflies(rotations(parts, weight.size(0)), weight), weight);
    }};

const AdapterKind kOldOftKind = {
    "OFT", [](const AdapterParts& parts) { return parts.has(Role::kOftDiag); },
    [](const AdapterParts& parts, const AdapterShape& weight) {
      const AdapterShape r = parts.shape(Role::kOftDiag);
      return r.size() == 3 && blocks_fit(r[0], r[1], r[2], weight) && rescale_fits(parts, weight);
    },
    no_rank,
    [](const AdapterParts& parts, const at::Tensor& weight) {
      return difference(parts, turn_blocks(parts.get(Role::kOftDiag), weight), weight);
    }};

}  // namespace sd::models
