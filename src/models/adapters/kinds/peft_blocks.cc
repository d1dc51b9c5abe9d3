// OFT as PEFT stored it before 0.16, and its BOFT: whole square blocks, of which the skew part
// counts by half (tuners/oft/layer.py of 0.13 and 0.15, tuners/boft/layer.py of 0.13 and 0.18).
#include <ATen/ATen.h>

#include "models/adapters/kinds/kinds.h"
#include "models/adapters/kinds/turning.h"

namespace sd::models {
namespace {

using namespace adapters;
using Role = AdapterRole;

bool are_blocks(const AdapterShape& shape, size_t sizes) {
  return shape.size() == sizes && is_rank(shape[sizes - 1]) &&
         shape[sizes - 2] == shape[sizes - 1] && is_rank(shape[sizes - 3]);
}

bool lengths_fit(const AdapterParts& parts, const AdapterShape& weight) {
  if (!parts.has(Role::kPeftLengths)) return true;
  const AdapterShape lengths = parts.shape(Role::kPeftLengths);
  return lengths.size() == 2 && lengths[0] * lengths[1] == weight[0];
}

/// The rotations of B [n, s, s]: (I - Q)(I + Q)^-1 with Q = (B - B^T) / 2.
at::Tensor rotations(const at::Tensor& blocks) {
  const at::Tensor q = (blocks - blocks.transpose(1, 2)) / 2;
  return cayley(q.neg());
}

/// The rotations of an OFT, whose limit PEFT multiplies by `side` squared.
at::Tensor limited_rotations(const AdapterParts& parts, int64_t side) {
  at::Tensor blocks = parts.get(Role::kPeftBlocks);
  const double limit = parts.number(Role::kOftLimit, 0) * static_cast<double>(side * side);
  if (limit > 0) blocks = shortened(blocks, limit);
  return rotations(blocks);
}

int64_t round_up(int64_t number, int64_t divisor) { return (number + divisor - 1) / divisor; }

at::Tensor difference(const AdapterParts& parts, const at::Tensor& turned,
                      const at::Tensor& weight) {
  return change_by_turning(parts, Role::kPeftLengths, turned, weight);
}

/// Until 0.13 blocks turned the outputs, the last of them as far as there are any: block k of the
/// rows becomes R_k^T times it.
at::Tensor turn_outputs(const AdapterParts& parts, const at::Tensor& weight) {
  const int64_t out = weight.size(0), side = parts.shape(Role::kPeftBlocks)[1];
  const int64_t count = round_up(out, side);
  const at::Tensor r = limited_rotations(parts, side);
  const at::Tensor rows =
      at::constant_pad_nd(weight.reshape({out, -1}), {0, 0, 0, count * side - out});
  const at::Tensor used = r.narrow(0, 0, std::min(count, r.size(0)));
  const at::Tensor turned = at::matmul(used.transpose(1, 2), rows.view({count, side, -1}));
  return turned.reshape({count * side, -1}).narrow(0, 0, out).contiguous();
}

/// In 0.14 and 0.15, which have lengths beside them, inputs: block k of the columns becomes that of
/// the weight times R_k^T.
at::Tensor turn_inputs(const AdapterParts& parts, const at::Tensor& weight) {
  const int64_t out = weight.size(0), side = parts.shape(Role::kPeftBlocks)[1];
  const at::Tensor columns = weight.reshape({out, -1, side}).transpose(0, 1);
  const at::Tensor r = limited_rotations(parts, round_up(out, columns.size(0)));
  return at::matmul(columns, r.transpose(1, 2)).transpose(0, 1).contiguous();
}

bool old_oft_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape blocks = parts.shape(Role::kPeftBlocks);
  if (weight.size() < 2 || !are_blocks(blocks, 3) || !lengths_fit(parts, weight)) return false;
  const int64_t side = blocks[1];
  if (!parts.has(Role::kPeftLengths)) {  // one block may turn all (`block_share`)
    return side <= weight[0] && (blocks[0] == 1 || blocks[0] >= round_up(weight[0], side));
  }
  const int64_t inputs = columns_of(weight);
  return inputs % side == 0 && (blocks[0] == 1 || blocks[0] == inputs / side);
}

/// Puts the even ones of the parts of `half` rows before the odd ones in each group of 2 * `pairs`
/// parts; or back.
at::Tensor sorted(const at::Tensor& rows, int64_t pairs, int64_t half, bool back) {
  const at::Tensor parts = rows.view({-1, back ? 2 : pairs, back ? pairs : 2, half, rows.size(1)});
  return parts.transpose(1, 2).reshape(rows.sizes());
}

/// The inputs [inputs, …] after the rounds: in round i the blocks turn those that lie 2^i halves of
/// a block apart.
at::Tensor turn_in_rounds(const AdapterParts& parts, at::Tensor inputs) {
  const at::Tensor blocks = parts.get(Role::kPeftBoft);
  const int64_t rounds = blocks.size(0), count = blocks.size(1), side = blocks.size(2);
  for (int64_t i = 0; i < rounds; ++i) {
    const int64_t pairs = int64_t{1} << i;
    if (i > 0) inputs = sorted(inputs, pairs, side / 2, /*back=*/true);
    const at::Tensor r = rotations(blocks[i]);
    inputs = at::matmul(r, inputs.view({count, side, -1})).view({count * side, -1});
    if (i > 0) inputs = sorted(inputs, pairs, side / 2, /*back=*/false);
  }
  return inputs;
}

at::Tensor boft_delta(const AdapterParts& parts, const at::Tensor& weight) {
  const int64_t out = weight.size(0);
  const at::Tensor inputs = weight.reshape({out, -1}).t().contiguous();
  return difference(parts, turn_in_rounds(parts, inputs).t().contiguous(), weight);
}

/// Before 0.14 a convolution's weight was read as [inputs, out] as it lies in memory, and its
/// columns were multiplied by the lengths.
at::Tensor old_boft_delta(const AdapterParts& parts, const at::Tensor& weight) {
  at::Tensor turned = turn_in_rounds(parts, weight.reshape({-1, weight.size(0)}));
  if (parts.has(Role::kPeftLengths)) {
    turned = turned * parts.get(Role::kPeftLengths).reshape({1, weight.size(0)});
  }
  return turned.view(weight.sizes()) - weight;
}

bool boft_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape r = parts.shape(Role::kPeftBoft);
  if (weight.size() < 2 || !are_blocks(r, 4) || !lengths_fit(parts, weight)) return false;
  if (r[0] < 1 || r[0] > 16 || r[1] * r[2] != columns_of(weight)) return false;
  return r[0] == 1 || (r[2] % 2 == 0 && r[1] % (int64_t{1} << (r[0] - 1)) == 0);
}

}  // namespace

const AdapterKind kPeftBlocksKind = {
    "OFT", [](const AdapterParts& parts) { return parts.has(Role::kPeftBlocks); }, old_oft_fits,
    no_rank,
    [](const AdapterParts& parts, const at::Tensor& weight) {
      const bool of_inputs = parts.has(Role::kPeftLengths);
      const at::Tensor turned =
          of_inputs ? turn_inputs(parts, weight) : turn_outputs(parts, weight);
      return difference(parts, turned, weight);
    }};

const AdapterKind kPeftBoftKind = {
    "BOFT", [](const AdapterParts& parts) { return parts.has(Role::kPeftBoft); }, boft_fits,
    no_rank,
    [](const AdapterParts& parts, const at::Tensor& weight) {
      const bool in_memory = weight.dim() == 4 && parts.number(Role::kInMemory, 0) != 0;
      return in_memory ? old_boft_delta(parts, weight) : boft_delta(parts, weight);
    }};

}  // namespace sd::models
