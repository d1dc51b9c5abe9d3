#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/adapters/parts.h"

/// The kinds of adapters: what each adds to a weight. Formulas: LyCORIS (KohakuBlueleaf/LyCORIS
/// f49d30d), as the web UI reads them (networks of its extension Lora, v1.10.1) and, where that
/// misreads a file, as the trainer wrote it.
namespace sd::models {

using AdapterShape = std::vector<int64_t>;

/// One kind: its row in the table.
struct AdapterKind {
  const char* name;  ///< as people call it: "LoRA"
  bool (*is)(const AdapterParts& parts);
  /// Whether the parts are of sizes that make a change of a weight of this shape.
  bool (*fits)(const AdapterParts& parts, const AdapterShape& weight);
  /// By which alpha is divided; 0: there is none, and alpha counts for nothing.
  int64_t (*rank)(const AdapterParts& parts);
  /// What is added to the weight, before strength and scale: as the weight, f32.
  at::Tensor (*delta)(const AdapterParts& parts, const at::Tensor& weight);
};

/// Asked in this order.
std::span<const AdapterKind> adapter_kinds();

extern const AdapterKind kLoraKind;
extern const AdapterKind kTuckerKind;
extern const AdapterKind kAdaLoraKind;
extern const AdapterKind kLohaKind;
extern const AdapterKind kLohaTuckerKind;
extern const AdapterKind kLokrKind;
extern const AdapterKind kIa3Kind;
extern const AdapterKind kPeftIa3Kind;
extern const AdapterKind kFullKind;
extern const AdapterKind kNormKind;
extern const AdapterKind kGloraKind;
extern const AdapterKind kSwappedGloraKind;
extern const AdapterKind kOftKind;
extern const AdapterKind kBoftKind;
extern const AdapterKind kOldOftKind;
extern const AdapterKind kPeftOftKind;
extern const AdapterKind kPeftBlocksKind;
extern const AdapterKind kPeftBoftKind;
extern const AdapterKind kWholeKind;

/// What several kinds need.
namespace adapters {

/// No trained rank is near it; products of more would take memory without end.
constexpr int64_t kMostRank = 16384;

inline bool is_rank(int64_t rank) { return rank > 0 && rank <= kMostRank; }

/// Whether the sizes are of so many rows, and so many values in each, however they are divided.
bool is_matrix(const AdapterShape& shape, int64_t rows, int64_t columns);

/// The number of values behind one place of the first size: in * k * k of a weight.
int64_t columns_of(const AdapterShape& shape);

/// Which size of a weight DoRA's lengths are of: 1, its inputs (the web UI and LyCORIS 2 store
/// [1, in, …]), or 0, its outputs (LyCORIS 3 and PEFT: [out, 1, …]). None: they are of neither.
std::optional<int64_t> lengths_size(const AdapterShape& lengths, const AdapterShape& weight);

/// Whether PEFT's IA3 of this layer multiplies its inputs; else it multiplies outputs and bias.
bool peft_ia3_is_on_input(const AdapterParts& parts, const AdapterShape& weight);

/// The terms of the series by which PEFT's OFT turns where no config says otherwise.
inline constexpr double kUsualOftTerms = 5;

/// Whether the sizes from the third on are the same, ones at the end left out.
bool has_kernel_of(const AdapterShape& part, const AdapterShape& weight);

/// [r, s, k, k], a [r, p], b [s, q] → [p, q, k, k]: the sum over r and s (Tucker).
at::Tensor rebuild_tucker(const at::Tensor& core, const at::Tensor& a, const at::Tensor& b);

inline int64_t no_rank(const AdapterParts&) { return 0; }

}  // namespace adapters
}  // namespace sd::models
