#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weights/checkpoint.h"
#include "weights/weight_shelf.h"

namespace sd::weights {

/// The name that a weight has in its file, of the name that the reference gives it.
using NameMap = std::function<std::string(std::string_view name)>;

/// What is made of some weights before a network sees them.
struct WeightEdit {
  /// Whether it changes the weight of this reference name.
  std::function<bool(std::string_view name)> touches;
  /// The changed weight, of the shape of `values` and in f32 as they. They lie on the CPU and must
  /// not be written to.
  std::function<at::Tensor(std::string_view name, const at::Tensor& values)> apply;
};

inline bool is_touched(const std::vector<WeightEdit>& edits, std::string_view name) {
  return std::any_of(edits.begin(), edits.end(),
                     [&](const WeightEdit& edit) { return edit.touches(name); });
}

/// The values, f32 and contiguous, of the weight of this reference name with all edits of it made.
inline at::Tensor with_edits(const std::vector<WeightEdit>& edits, std::string_view name,
                             at::Tensor values) {
  for (const WeightEdit& edit : edits) {
    if (edit.touches(name)) values = edit.apply(name, values);
  }
  return values;
}

/// Where the weights of a part of a model come from.
struct PartSource {
  std::shared_ptr<const Checkpoint> file;  ///< never null
  std::string scope = "";                  ///< the part's scope in the reference's names
  NameMap names = nullptr;                 ///< null: the file has the reference's names
  std::vector<WeightEdit> edits = {};      ///< made one after the other
  /// Where networks that differ in edits alone find what they share; null: each has its own.
  std::shared_ptr<WeightShelf> shelf = nullptr;

  /// The name in the file of a weight with this name of the reference.
  std::string name_in_file(const std::string& name) const { return names ? names(name) : name; }

  bool is_edited(std::string_view name) const { return is_touched(edits, name); }
};

}  // namespace sd::weights
