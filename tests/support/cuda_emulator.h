#pragma once

#include <ATen/ATen.h>

#include <type_traits>
#include <vector>

#include "kernels/cuda/conv_tail_body.h"
#include "kernels/cuda/geglu_body.h"
#include "kernels/cuda/group_norm_body.h"
#include "kernels/cuda/guide_body.h"
#include "kernels/cuda/mix_body.h"
#include "kernels/guide.h"
#include "kernels/mix.h"

// Runs what a card's threads do one after the other on the processor: all threads of a block up to
// a barrier, then on to the next one, block by block.

namespace sd::test {

/// What the wrapper on the card chooses for x [N, C, h, w] channels_last; `packs` off takes single
/// values, as for memory that is not aligned. `processors`: of the card.
template <class T>
struct EmulatedNorm {
  EmulatedNorm(const at::Tensor& input, const at::Tensor& by, const at::Tensor& plus, int groups,
               bool silu, bool packs, int processors = 132)
      : x(input.contiguous(at::MemoryFormat::ChannelsLast)),
        y(at::full_like(x, NAN)),
        weight(by),
        bias(plus),
        affine(at::full({3, x.size(0), x.size(1)}, NAN, at::kFloat)) {
    job.x = x.template const_data_ptr<T>();
    job.y = y.template mutable_data_ptr<T>();
    job.weight = weight.template const_data_ptr<float>();
    job.bias = bias.template const_data_ptr<float>();
    job.pixels = x.size(2) * x.size(3);
    job.channels = static_cast<int>(x.size(1));
    job.groups = groups;
    job.eps = 1e-5F;
    job.silu = silu;
    width = packs && job.channels % kernels::cuda::kPackWidth<T> == 0 ? kernels::cuda::kPackWidth<T>
                                                                      : 1;
    job.one_over_count =
        kernels::cuda::pair_of(1.0 / static_cast<double>(job.pixels * job.width()));
    job.layout = kernels::cuda::norm_layout({job.channels, groups, job.pixels, x.size(0)}, width,
                                            processors);
    parts = at::full({x.size(0), job.layout.chunks, groups, 2}, NAN, at::kFloat);
    job.parts = parts.template mutable_data_ptr<float>();
    job.mean = affine[0].template mutable_data_ptr<float>();
    job.scale = affine[1].template mutable_data_ptr<float>();
    job.shift = affine[2].template mutable_data_ptr<float>();
  }

  at::Tensor run() {
    if (width == 1) {
      run_in_packs<1>();
    } else {
      run_in_packs<kernels::cuda::kPackWidth<T>>();
    }
    return y;
  }

  template <int kWidth>
  void run_in_packs() {
    for (int64_t n = 0; n < x.size(0); ++n) {
      for (int64_t chunk = 0; chunk < job.layout.chunks; ++chunk) sum_chunk<kWidth>(chunk, n);
      for (int64_t chunk = 0; chunk < job.layout.chunks; ++chunk) {
        const std::vector<float> groups = make_groups(n);
        for_threads(
            [&](int t) { kernels::cuda::norm_apply<kWidth>(job, chunk, n, t, groups.data()); });
      }
      const std::vector<float> groups = make_groups(n);
      for_threads([&](int t) { kernels::cuda::norm_write_affine(job, n, t, groups.data()); });
    }
  }

  template <class Work>
  void for_threads(const Work& work) const {
    for (int t = 0; t < job.threads(); ++t) work(t);
  }

  /// The first launch's block.
  template <int kWidth>
  void sum_chunk(int64_t chunk, int64_t n) const {
    std::vector<float> shared(static_cast<size_t>(job.layout.sums_floats(job.channels)), NAN);
    float* s = shared.data();
    for_threads([&](int t) { kernels::cuda::norm_accumulate<kWidth>(job, chunk, n, t, s); });
    for_threads([&](int t) { kernels::cuda::norm_fold_rows(job, t, s); });
    for_threads([&](int t) { kernels::cuda::norm_fold_channels(job, chunk, n, t, s); });
  }

  /// What each block of the second launch begins with.
  std::vector<float> make_groups(int64_t n) const {
    std::vector<float> shared(static_cast<size_t>(job.layout.groups_floats(job.groups)), NAN);
    for_threads([&](int t) { kernels::cuda::norm_gather(job, n, t, shared.data()); });
    for_threads([&](int t) { kernels::cuda::norm_finish(job, n, t, shared.data()); });
    return shared;
  }

  at::Tensor x, y, weight, bias, affine, parts;
  kernels::cuda::NormJob<T> job{};
  int width = 1;
};

/// Calls work(width, i) for each thread of a kernel that takes `values` in packs of `width`, one
/// after the other: rows of `columns`, each value alone where packs do not fill them. Index: what a
/// thread's number is.
template <class T, class Index, class Work>
void each_thread(bool packs, int64_t columns, int64_t values, const Work& work) {
  constexpr int kWidth = kernels::cuda::kPackWidth<T>;
  const auto call = [&](auto width) {
    const auto count = static_cast<Index>(values / width());
    for (Index i = 0; i < count; ++i) work(width, i);
  };
  if (packs && columns % kWidth == 0) {
    call(std::integral_constant<int, kWidth>());
  } else {
    call(std::integral_constant<int, 1>());
  }
}

/// What follows a convolution whose result is y [N, C, h, w] channels_last. Index: what a thread's
/// number is.
template <class T, class Index>
at::Tensor emulated_conv_tail(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& added,
                              const at::Tensor& residual, bool packs, bool relu = false) {
  at::Tensor result = y.clone(at::MemoryFormat::ChannelsLast);
  const auto data_of = [](const at::Tensor& x) {
    return x.defined() ? x.template const_data_ptr<T>() : nullptr;
  };
  const kernels::cuda::ConvTailJob<T> job{.y = result.template mutable_data_ptr<T>(),
                                          .bias = data_of(bias),
                                          .added = data_of(added),
                                          .residual = data_of(residual),
                                          .pictures = y.size(0),
                                          .pixels = y.size(2) * y.size(3),
                                          .channels = y.size(1),
                                          .added_rows = added.defined() ? added.size(0) : 1,
                                          .relu = relu};
  each_thread<T, Index>(packs, job.channels, job.count(),
                        [&](auto width, Index i) { kernels::cuda::conv_tail_at<width()>(job, i); });
  return result;
}

/// x [rows, 2*columns] → [rows, columns]. Index: what a thread's number is.
template <class T, class Index>
at::Tensor emulated_geglu(const at::Tensor& x, bool packs) {
  at::Tensor y = at::full({x.size(0), x.size(1) / 2}, NAN, x.options());
  const kernels::cuda::GegluJob<T> job{.x = x.const_data_ptr<T>(),
                                       .y = y.mutable_data_ptr<T>(),
                                       .rows = y.size(0),
                                       .columns = y.size(1)};
  each_thread<T, Index>(packs, job.columns, y.numel(),
                        [&](auto width, Index i) { kernels::cuda::geglu_at<width()>(job, i); });
  return y;
}

/// All threads of a sum, one after the other.
inline at::Tensor emulated_mix(const std::vector<kernels::MixTerm>& terms, double divisor) {
  at::Tensor y = at::full_like(terms.front().x, NAN);
  kernels::cuda::MixJob job{};
  job.divisor = static_cast<float>(divisor);
  job.y = y.mutable_data_ptr<float>();
  job.count = y.numel();
  for (const kernels::MixTerm& term : terms) {
    job.weights[job.terms] = static_cast<float>(term.weight);
    job.x[job.terms++] = term.x.const_data_ptr<float>();
  }
  for (int64_t i = 0; i < job.count; ++i) kernels::cuda::mix_at(job, i);
  return y;
}

/// All threads of guidance, one after the other; `scales` may be undefined.
inline kernels::GuidedAnswer emulated_guide(const kernels::GuideInputs& inputs,
                                            const at::Tensor& scales) {
  const auto unwritten = [&] { return at::full_like(inputs.x, NAN); };
  const bool guided = scales.defined();
  kernels::GuidedAnswer result{guided ? unwritten() : inputs.answer, unwritten()};
  const kernels::cuda::GuideJob job{.answer = inputs.answer.const_data_ptr<float>(),
                                    .scales = guided ? scales.const_data_ptr<float>() : nullptr,
                                    .x = inputs.x.const_data_ptr<float>(),
                                    .alpha = static_cast<float>(inputs.alpha),
                                    .sigma = static_cast<float>(inputs.sigma),
                                    .eps = guided ? result.eps.mutable_data_ptr<float>() : nullptr,
                                    .x0 = result.x0.mutable_data_ptr<float>(),
                                    .count = inputs.x.numel(),
                                    .picture = inputs.x.numel() / inputs.x.size(0)};
  for (int64_t i = 0; i < job.count; ++i) kernels::cuda::guide_at(job, i);
  return result;
}

}  // namespace sd::test
