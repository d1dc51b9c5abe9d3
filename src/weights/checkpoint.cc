#include "weights/checkpoint.h"

#include <ATen/ATen.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "base/strings.h"
#include "runtime/profile.h"
#include "sd/error.h"
#include "weights/formats/inflate.h"
#include "weights/formats/mistaken.h"
#include "weights/formats/safetensors.h"
#include "weights/formats/torch_legacy.h"
#include "weights/formats/torch_zip.h"

namespace sd::weights {
namespace {

/// How many problems or keys an error's one line names; its details name all problems.
constexpr size_t kNamed = 3;

struct Format {
  bool (*recognise)(std::string_view file);
  CheckpointContents (*read)(std::string_view file);
};

/// Asked in this order.
constexpr Format kFormats[] = {
    {is_torch_zip, read_torch_zip},
    {is_torch_legacy, read_torch_legacy},
    {is_torch_tar, refuse_torch_tar},
    {is_safetensors, read_safetensors},
};

CheckpointContents read_contents(const runtime::MappedFile& file) {
  for (const Format& format : kFormats) {
    if (format.recognise(file.bytes())) return format.read(file.bytes());
  }
  refuse_mistaken(file.bytes());
}

std::string describe(const TensorProblem& problem) {
  return problem.name.empty() ? problem.what : printable(problem.name) + ": " + problem.what;
}

/// The first few, for one line.
std::string name_some(std::vector<std::string> all, std::string_view separator) {
  if (all.size() > kNamed) {
    const size_t more = all.size() - kNamed;
    all.resize(kNamed);
    all.push_back(fmt::format("and {} more", more));
  }
  return join(all, separator);
}

void require_sound(const std::string& path, const CheckpointContents& contents) {
  if (!contents.problems.empty()) {
    std::vector<std::string> lines;
    for (const TensorProblem& problem : contents.problems) lines.push_back(describe(problem));
    const std::string message = printable(path) + ": " + name_some(lines, "; ");
    if (lines.size() <= kNamed) lines.clear();
    throw Error(ErrorKind::kCheckpoint, message,
                "`sd inspect` describes the file; fetch or copy it again if it is damaged",
                std::move(lines));
  }
  if (contents.tensors.empty()) {
    throw Error(
        ErrorKind::kCheckpoint,
        printable(path) + ": expected weights at top level or under \"state_dict\", found " +
            (contents.other_keys.empty() ? "none" : "only " + name_some(contents.other_keys, ", ")),
        "give a checkpoint in the layout of the original training program");
  }
}

/// The tensor over `bytes`, which `keep` keeps alive; a copy if it is not aligned there.
template <class Keep>
at::Tensor tensor_over(const std::byte* bytes, const TensorInfo& info, Keep keep) {
  const std::byte* begin = bytes + info.offset;
  const size_t item = c10::elementSize(info.dtype);
  const at::TensorOptions options(info.dtype);
  if (reinterpret_cast<uintptr_t>(begin) % item != 0) {
    at::Tensor copy = at::empty({static_cast<int64_t>(info.bytes / item)}, options);
    std::memcpy(copy.mutable_data_ptr(), begin, info.bytes);
    return copy.as_strided(info.shape, info.strides);
  }
  // from_blob takes a pointer to non-const; the pages are mapped read-only and a write is a fault.
  const auto release = [keep = std::move(keep)](void*) mutable { keep.reset(); };
  return at::from_blob(const_cast<std::byte*>(begin), info.shape, info.strides, release, options);
}

/// What programs put before every name when they save a model inside of another: torch's
/// DataParallel, and torch.compile.
constexpr std::string_view kWrappers[] = {"module.", "_orig_mod."};

bool all_begin_with(const std::vector<TensorInfo>& tensors, std::string_view prefix) {
  return !tensors.empty() && std::all_of(tensors.begin(), tensors.end(), [&](const auto& info) {
    return info.name.size() > prefix.size() && info.name.starts_with(prefix);
  });
}

/// What torch.compile puts before the part of a name that it compiled, which may be the UNet alone.
constexpr std::string_view kCompiled = "_orig_mod.";

/// Whether the mark was found, and cut out, behind the beginning of a name.
bool cut_compiled(std::string* name) {
  bool found = false;
  for (size_t at = name->find(kCompiled); at != std::string::npos; at = name->find(kCompiled, at)) {
    if (at > 0 && (*name)[at - 1] != '.') {
      ++at;  // the end of another word
    } else {
      name->erase(at, kCompiled.size());
      found = true;
    }
  }
  return found;
}

/// Cuts it out of all names, which are sorted again.
void cut_compiled(CheckpointContents* contents) {
  bool found = false;
  for (TensorInfo& info : contents->tensors) found = cut_compiled(&info.name) || found;
  if (!found) return;
  contents->wrapper += kCompiled;
  std::stable_sort(contents->tensors.begin(), contents->tensors.end(),
                   [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
}

/// Cuts such names off. The order of the names stays.
void unwrap_names(CheckpointContents* contents) {
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view wrapper : kWrappers) {
      if (!all_begin_with(contents->tensors, wrapper)) continue;
      for (TensorInfo& info : contents->tensors) info.name.erase(0, wrapper.size());
      contents->wrapper += wrapper;
      found = true;
    }
  }
}

}  // namespace

CheckpointContents scan_checkpoint(const runtime::MappedFile& file) {
  try {
    CheckpointContents contents = read_contents(file);
    unwrap_names(&contents);
    cut_compiled(&contents);
    return contents;
  } catch (const Error& error) {  // the readers do not know the file's name
    throw Error(error.kind(), printable(file.path()) + ": " + error.what(), error.hint(),
                error.details());
  }
}

Checkpoint::Checkpoint(std::shared_ptr<const runtime::MappedFile> file, CheckpointContents contents)
    : path_(file->path()), file_(std::move(file)), contents_(std::move(contents)) {
  index_names();
}

Checkpoint::Checkpoint(std::string label, const std::map<std::string, at::Tensor>& tensors)
    : path_(std::move(label)) {
  contents_.format = "memory";
  for (const auto& [name, tensor] : tensors) {
    TensorInfo info;
    info.name = name;
    info.dtype = tensor.scalar_type();
    info.shape = tensor.sizes().vec();
    info.strides = tensor.strides().vec();
    info.bytes = tensor.nbytes();
    contents_.tensors.push_back(std::move(info));
    in_memory_.push_back(tensor);
  }
  index_names();
}

Checkpoint::Checkpoint(std::string label, std::vector<std::shared_ptr<const Checkpoint>> shards)
    : path_(std::move(label)), shards_(std::move(shards)) {
  contents_.format = shards_.front()->format();
  for (const auto& shard : shards_) {
    const auto& own = shard->index();
    contents_.tensors.insert(contents_.tensors.end(), own.begin(), own.end());
  }
  std::sort(contents_.tensors.begin(), contents_.tensors.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  index_names();
  if (by_name_.size() == contents_.tensors.size()) return;
  throw Error(ErrorKind::kCheckpoint,
              printable(path_) + ": expected each weight in one of its files, found one in two",
              "fetch the files again, all of one model");
}

bool Checkpoint::is_mapped() const {
  return contents_.packed.empty() && std::all_of(shards_.begin(), shards_.end(),
                                                 [](const auto& one) { return one->is_mapped(); });
}

void Checkpoint::index_names() {
  by_name_.reserve(contents_.tensors.size());
  for (size_t i = 0; i < contents_.tensors.size(); ++i) {
    by_name_.emplace(contents_.tensors[i].name, i);
  }
}

const TensorInfo* Checkpoint::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &contents_.tensors[found->second];
}

bool Checkpoint::has_prefix(std::string_view prefix) const {
  const auto first = std::lower_bound(
      index().begin(), index().end(), prefix,
      [](const TensorInfo& info, std::string_view text) { return info.name < text; });
  return first != index().end() && first->name.starts_with(prefix);
}

void Checkpoint::release_memory() const {
  if (file_ != nullptr) runtime::release_pages(file_->data(), file_->size());
  for (const auto& shard : shards_) shard->release_memory();
}

at::Tensor Checkpoint::tensor(const TensorInfo& info) const {
  for (const auto& shard : shards_) {
    if (const TensorInfo* own = shard->find(info.name)) return shard->tensor(*own);
  }
  if (!file_) return in_memory_[by_name_.at(info.name)];
  if (!info.foreign.empty()) {
    throw Error(ErrorKind::kCheckpoint,
                printable(path_) + ": cannot read " + printable(info.name) + ": expected numbers " +
                    "of a plain type, found " + info.foreign,
                "save the tensor again as float32 or float16, or without it if nothing needs it");
  }
  if (info.numel() == 0) return at::empty(info.shape, at::TensorOptions(info.dtype));
  if (info.packed < 0) return tensor_over(file_->data(), info, file_);
  const at::Tensor run = inflated(contents_.packed[static_cast<size_t>(info.packed)]);
  return tensor_over(static_cast<const std::byte*>(run.const_data_ptr()), info,
                     std::make_optional(run));
}

at::Tensor Checkpoint::inflated(const PackedRun& run) const {
  at::Tensor bytes = at::empty({static_cast<int64_t>(run.bytes)}, at::kByte);
  const std::string problem =
      inflate_run(file_->bytes(), run, static_cast<char*>(bytes.mutable_data_ptr()));
  if (problem.empty()) return bytes;
  throw Error(ErrorKind::kCheckpoint, printable(path_) + ": " + problem,
              "the file is damaged: fetch or copy it again");
}

std::shared_ptr<const Checkpoint> open_checkpoint(const std::string& path) {
  const runtime::Zone zone("index");
  auto file = runtime::MappedFile::open(path);
  CheckpointContents contents = scan_checkpoint(*file);
  require_sound(path, contents);
  if (contents.format != "safetensors" && !contents.nested_state_dict) {
    detail(printable(path) + ": weights at top level, not under \"state_dict\"");
  }
  if (!contents.wrapper.empty()) {
    notice("checkpoint: \"" + contents.wrapper +
           "\" is left out of the names (a model that was saved inside of a wrapper)");
  }
  return std::make_shared<const Checkpoint>(std::move(file), std::move(contents));
}

}  // namespace sd::weights
