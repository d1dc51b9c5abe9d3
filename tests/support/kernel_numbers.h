#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/attention.h"
#include "runtime/noise.h"

/// What tests of kernels compute on, and compare with.
namespace sd::test {

inline at::Tensor numbers(at::IntArrayRef shape, uint64_t seed = 1) {
  return runtime::PhiloxNoise(seed).normal(shape);
}

/// The largest; infinite where values are not numbers, or shapes differ.
inline double difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  if (a.sizes() != b.sizes()) return INFINITY;
  if (a.numel() == 0) return 0;
  const double most = (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
  return std::isnan(most) ? INFINITY : most;
}

inline at::Tensor heads_in_double(const at::Tensor& x, int64_t heads) {
  return x.to(at::kDouble).unflatten(2, {heads, -1}).transpose(1, 2);
}

inline at::Tensor attention_in_double(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                      const kernels::AttentionSpec& spec) {
  const at::Tensor queries = heads_in_double(q, spec.heads);
  const double scale = 1 / std::sqrt(static_cast<double>(queries.size(3)));
  at::Tensor scores = at::matmul(queries, heads_in_double(k, spec.heads).transpose(2, 3)) * scale;
  if (spec.causal) {
    const at::Tensor hidden = at::ones({q.size(1), k.size(1)}, at::kBool).triu(1);
    scores = scores.masked_fill(hidden, -INFINITY);
  }
  const at::Tensor mixed = at::matmul(scores.softmax(3), heads_in_double(v, spec.heads));
  return mixed.transpose(1, 2).reshape(q.sizes());
}

}  // namespace sd::test
