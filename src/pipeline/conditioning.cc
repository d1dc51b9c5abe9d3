#include "pipeline/conditioning.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace sd::pipeline {
namespace {

/// Alternation goes to and fro between a few contexts, whose keys and values are kept.
constexpr size_t kMostPrepared = 4;

/// [T, width] → [length, width], the last vector repeated.
at::Tensor lengthen(const at::Tensor& context, int64_t length) {
  const int64_t missing = length - context.size(0);
  if (missing <= 0) return context;
  return at::cat({context, context.narrow(0, -1, 1).expand({missing, -1})});
}

/// The context, and that of the empty text as often as there is room up to `length`.
at::Tensor pad_context(const at::Tensor& context, const at::Tensor& empty, int64_t length) {
  const int64_t times = (length - context.size(0)) / empty.size(0);
  return times <= 0 ? context : at::cat({context, empty.repeat({times, 1})});
}

void make_equal(UnequalLengths how, const at::Tensor& empty, std::vector<at::Tensor>* parts,
                at::Tensor* negative) {
  const int64_t length = parts->front().size(0);
  if (how == UnequalLengths::kPad) {
    const int64_t longest = std::max(length, negative->size(0));
    *negative = pad_context(*negative, empty, longest);
    for (at::Tensor& part : *parts) part = pad_context(part, empty, longest);
  } else if (how == UnequalLengths::kPadOld) {
    *negative = lengthen(*negative, length).narrow(0, 0, length);
  }
}

/// Calls `each` for the parts of the pictures in the order of their rows: all first parts, then all
/// second ones …  `counts`: how many parts each picture has.
void for_each_part(const std::vector<size_t>& counts,
                   const std::function<void(size_t picture, size_t part)>& each) {
  const size_t most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  for (size_t part = 0; part < most; ++part) {
    for (size_t picture = 0; picture < counts.size(); ++picture) {
      if (part < counts[picture]) each(picture, part);
    }
  }
}

bool counts_up(const std::vector<int64_t>& pictures, int64_t n) {
  if (std::ssize(pictures) % n != 0) return false;
  for (size_t i = 0; i < pictures.size(); ++i) {
    if (pictures[i] != static_cast<int64_t>(i) % n) return false;
  }
  return true;
}

}  // namespace

std::vector<size_t> Conditioning::stages_at(int64_t evaluation) const {
  std::vector<size_t> stages;
  for (const PictureConditioning& picture : pictures) {
    if (picture.negative) stages.push_back(text::stage_at(picture.negative->ends, evaluation));
    for (const WeightedPart& part : picture.parts) {
      stages.push_back(text::stage_at(part.text->ends, evaluation));
    }
  }
  return stages;
}

Conditioning::Span Conditioning::at(int64_t evaluation) const {
  Span span;
  for (const PictureConditioning& picture : pictures) {
    int64_t length = 0;
    for (const WeightedPart& part : picture.parts) {
      length = std::max(length, part.text->at(evaluation).size(0));
    }
    std::vector<at::Tensor>& parts = span.parts.emplace_back();
    for (const WeightedPart& part : picture.parts) {
      parts.push_back(lengthen(part.text->at(evaluation), length));
    }
    if (!picture.negative) continue;
    span.negatives.push_back(picture.negative->at(evaluation));
    make_equal(unequal, empty, &parts, &span.negatives.back());
  }
  return span;
}

bool Conditioning::is_plain() const {
  return std::all_of(pictures.begin(), pictures.end(), [](const PictureConditioning& picture) {
    return picture.parts.size() == 1 && picture.parts.front().weight == 1;
  });
}

std::vector<size_t> Conditioning::part_counts() const {
  std::vector<size_t> counts;
  for (const PictureConditioning& picture : pictures) counts.push_back(picture.parts.size());
  return counts;
}

int64_t Conditioning::longest() const {
  int64_t length = 0;
  const auto look = [&](const StagedContext& text) {
    for (const at::Tensor& one : text.contexts) length = std::max(length, one.size(0));
  };
  for (const PictureConditioning& picture : pictures) {
    if (picture.negative) look(*picture.negative);
    for (const WeightedPart& part : picture.parts) look(*part.text);
  }
  return length;
}

ConditionedUNet::Group ConditionedUNet::group(const std::vector<at::Tensor>& contexts,
                                              const std::vector<int64_t>& pictures,
                                              std::vector<int64_t> rows) const {
  const auto n = std::ssize(conditioning_.pictures);
  std::vector<at::Tensor> stacked;
  std::vector<int64_t> of_rows;
  for (const int64_t row : rows) {
    stacked.push_back(contexts[static_cast<size_t>(row)]);
    of_rows.push_back(pictures[static_cast<size_t>(row)]);
  }
  const bool all = counts_up(of_rows, n);
  const int64_t x_rows = all ? n : std::ssize(of_rows);
  if (all) of_rows.clear();
  return {prepare_(at::stack(stacked), x_rows), std::move(rows), std::move(of_rows)};
}

ConditionedUNet::Prepared ConditionedUNet::prepare(const Conditioning::Span& span,
                                                   bool guided) const {
  std::vector<at::Tensor> contexts;
  std::vector<int64_t> pictures;
  for (size_t i = 0; guided && i < span.negatives.size(); ++i) {
    contexts.push_back(span.negatives[i]);
    pictures.push_back(static_cast<int64_t>(i));
  }
  for_each_part(conditioning_.part_counts(), [&](size_t picture, size_t part) {
    contexts.push_back(span.parts[picture][part]);
    pictures.push_back(static_cast<int64_t>(picture));
  });
  std::map<int64_t, std::vector<int64_t>> by_length;
  for (size_t row = 0; row < contexts.size(); ++row) {
    by_length[contexts[row].size(0)].push_back(static_cast<int64_t>(row));
  }
  Prepared result{.stages = {}, .guided = guided, .groups = {}, .rows = std::ssize(contexts)};
  for (auto& [length, rows] : by_length) {
    result.groups.push_back(group(contexts, pictures, std::move(rows)));
  }
  return result;
}

const ConditionedUNet::Prepared& ConditionedUNet::prepare_for(int64_t evaluation, bool guided) {
  const std::vector<size_t> stages = conditioning_.stages_at(evaluation);
  const auto known = std::find_if(prepared_.begin(), prepared_.end(), [&](const Prepared& one) {
    return one.guided == guided && one.stages == stages;
  });
  if (known != prepared_.end()) {
    prepared_.splice(prepared_.begin(), prepared_, known);
    return prepared_.front();
  }
  if (prepared_.size() == kMostPrepared) prepared_.pop_back();
  prepared_.push_front(prepare(conditioning_.at(evaluation), guided));
  prepared_.front().stages = stages;
  return prepared_.front();
}

/// eps of all rows → the halves of guidance.
at::Tensor ConditionedUNet::combine(const at::Tensor& eps, bool guided) const {
  if (conditioning_.is_plain()) return eps;
  const auto n = std::ssize(conditioning_.pictures);
  const at::Tensor base = eps.narrow(0, 0, n);
  at::Tensor sum = base.clone();
  int64_t row = guided ? n : 0;
  for_each_part(conditioning_.part_counts(), [&](size_t picture, size_t part) {
    const auto i = static_cast<int64_t>(picture);
    sum[i] += (eps[row++] - base[i]) * conditioning_.pictures[picture].parts[part].weight;
  });
  return guided ? at::cat({base, sum}) : sum;
}

at::Tensor ConditionedUNet::operator()(const at::Tensor& x, double t, int64_t evaluation,
                                       bool guided) {
  const Prepared& now = prepare_for(evaluation, guided);
  const auto answer = [&](const Group& group) {
    if (group.pictures.empty()) return group.model(x, t);
    return group.model(x.index_select(0, at::tensor(group.pictures, at::kLong).to(x.device())), t);
  };
  if (now.groups.size() == 1) return combine(answer(now.groups.front()), guided);
  at::Tensor eps;
  for (const Group& group : now.groups) {
    const at::Tensor part = answer(group);
    if (!eps.defined()) {
      std::vector<int64_t> shape = part.sizes().vec();
      shape.front() = now.rows;
      eps = at::empty(shape, part.options());
    }
    eps.index_copy_(0, at::tensor(group.rows, at::kLong).to(eps.device()), part);
  }
  return combine(eps, guided);
}

}  // namespace sd::pipeline
