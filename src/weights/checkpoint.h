#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/mapped_file.h"
#include "weights/formats/contents.h"
#include "weights/tensor_info.h"

namespace sd::weights {

/// The weights of one file: names, shapes and places, and the mapped pages behind them. Immutable,
/// and safe to read from several threads.
class Checkpoint {
 public:
  Checkpoint(std::shared_ptr<const runtime::MappedFile> file, CheckpointContents contents);

  /// Tensors in memory under the names that a file would give them; `path()` is then `label`.
  Checkpoint(std::string label, const std::map<std::string, at::Tensor>& tensors);

  /// Several files as one; `path()` is then `label`. Throws kCheckpoint for a name that two of them
  /// hold.
  Checkpoint(std::string label, std::vector<std::shared_ptr<const Checkpoint>> shards);

  const std::string& path() const { return path_; }
  const std::string& format() const { return contents_.format; }

  /// All weights, sorted by name.
  const std::vector<TensorInfo>& index() const { return contents_.tensors; }

  /// The weight of that name, or nullptr.
  const TensorInfo* find(std::string_view name) const;

  /// True if some weight's name starts with `prefix`.
  bool has_prefix(std::string_view prefix) const;

  /// The tensor as it is stored: a view of the mapped pages, which it keeps alive, with the file's
  /// dtype and strides. It is read-only: never write into it. Data that is not aligned for its
  /// dtype is copied, a packed run is inflated. `info` must come from `index()` or `find()`. Throws
  /// kCheckpoint for a foreign tensor and for a packed run that is damaged.
  at::Tensor tensor(const TensorInfo& info) const;

  /// Takes the file's pages out of this process's memory; the next read brings them back.
  void release_memory() const;

  /// True if weights are views of the file's pages and take no memory of their own.
  bool is_mapped() const;

  /// What the file says beside its weights.
  const CheckpointContents& contents() const { return contents_; }
  std::optional<int64_t> global_step() const { return contents_.global_step; }

 private:
  void index_names();
  at::Tensor inflated(const PackedRun& run) const;

  std::string path_;
  std::shared_ptr<const runtime::MappedFile> file_;  // null for tensors in memory
  CheckpointContents contents_;
  std::unordered_map<std::string_view, size_t> by_name_;
  std::vector<at::Tensor> in_memory_;  // parallel to index(); empty for a file
  std::vector<std::shared_ptr<const Checkpoint>> shards_;
};

/// Finds out the format of a file from its bytes and reads its index, problems included. Throws
/// kCheckpoint if the format is not known or the index is damaged.
CheckpointContents scan_checkpoint(const runtime::MappedFile& file);

/// Maps the file, finds out its format from its bytes and reads its index; no tensor data is read.
/// A wrapper's name before every weight ("module.") is cut off. Throws kFile if the file cannot be
/// read, and kCheckpoint, naming every tensor concerned, if it is in no known format or damaged.
std::shared_ptr<const Checkpoint> open_checkpoint(const std::string& path);

}  // namespace sd::weights
