#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weights/checkpoint.h"

namespace sd {

/// The name that a weight has in its file, of the name that the reference gives it.
using NameMap = std::function<std::string(std::string_view name)>;

/// What is made of a weight before a network sees it, given its reference name and its values,
/// which must not be written to: the values themselves, or a tensor of their shape and type.
using WeightEdit = std::function<at::Tensor(std::string_view name, at::Tensor values)>;

/// Where the weights of a part of a model come from.
struct PartSource {
  std::shared_ptr<const Checkpoint> file;  ///< never null
  std::string scope = "";                  ///< the part's scope in the reference's names
  NameMap names = nullptr;                 ///< null: the file has the reference's names
  std::vector<WeightEdit> edits = {};      ///< made one after the other

  /// The name in the file of a weight with this name of the reference.
  std::string name_in_file(const std::string& name) const { return names ? names(name) : name; }

  /// True if weights may be views of the file's pages and take no memory of their own.
  bool is_mapped() const { return file->is_mapped() && edits.empty(); }
};

}  // namespace sd
