#include "weights/formats/torch_tensor.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "weights/formats/byte_cursor.h"
#include "weights/formats/torch_globals.h"

namespace sd::weights {
namespace {

using pickle::Document;
using pickle::Kind;
using pickle::Value;

/// More dimensions than any weight has; it bounds what a damaged shape can cost.
constexpr size_t kMaxDims = 8;
/// Longer than any key of a storage. A text that a pickle uses many times is written once, so that
/// without a bound work could grow as the square of the file's size.
constexpr size_t kMaxKey = 1024;

/// A storage or a run of its elements.
struct StorageView {
  TorchStorage storage;
  uint64_t first = 0;
  uint64_t numel = 0;
};

/// ("storage", class, key, location, numel[, (view key, first, numel)]) → the storage and the part
/// meant. Returns what is wrong with it, or "".
std::string parse_storage(const Value& reference, StorageView* view) {
  const auto id = reference.persistent_id();
  if (!id) return "expected a reference to a storage";
  if (id->kind() != Kind::kTuple || id->size() < 5 || id->size() > 6 ||
      id->item(0).as_text() != "storage") {
    return "expected a storage reference of 5 or 6 parts";
  }
  const auto key = id->item(2).as_text();
  const auto numel = id->item(4).as_int();
  if (!key || key->size() > kMaxKey || !numel || *numel < 0) {
    return "expected a storage with a key and a length";
  }
  view->storage = {*key, storage_elements(id->item(1).global_name()),
                   static_cast<uint64_t>(*numel)};
  view->first = 0;
  view->numel = view->storage.numel;
  if (id->size() == 5 || id->item(5).kind() == Kind::kNone) return "";
  const Value part = id->item(5);
  if (part.kind() != Kind::kTuple || part.size() != 3) return "expected a storage view of 3 parts";
  const int64_t first = part.item(1).as_int().value_or(-1);
  const int64_t count = part.item(2).as_int().value_or(-1);
  if (first < 0 || count < 0 || count > *numel || first > *numel - count) {
    return "expected a storage view within its storage";
  }
  view->first = static_cast<uint64_t>(first);
  view->numel = static_cast<uint64_t>(count);
  return "";
}

/// A tuple of sizes or strides, none negative. A torch.Size wraps such a tuple.
bool parse_sizes(Value value, std::vector<int64_t>* sizes) {
  const auto arguments = value.arguments();
  if (arguments && arguments->kind() == Kind::kTuple && arguments->size() == 1) {
    value = arguments->item(0);
  }
  if ((value.kind() != Kind::kTuple && value.kind() != Kind::kList) || value.size() > kMaxDims) {
    return false;
  }
  for (const Value& item : value.items()) {
    sizes->push_back(item.as_int().value_or(-1));
    if (sizes->back() < 0) return false;
  }
  return true;
}

/// The number of elements and how far the last lies behind the first; nothing on overflow.
struct Extent {
  uint64_t numel = 1;
  uint64_t last = 0;
};

std::optional<Extent> measure(const TensorInfo& info) {
  constexpr uint64_t kLimit = INT64_MAX / 16;  // bytes of such tensors can be counted, too
  Extent extent;
  bool empty = false;
  for (size_t i = 0; i < info.shape.size(); ++i) {
    uint64_t step = 0;
    const auto size = static_cast<uint64_t>(std::max<int64_t>(info.shape[i], 1));
    const auto stride = static_cast<uint64_t>(info.strides[i]);
    empty = empty || info.shape[i] == 0;
    if (stride > kLimit || __builtin_mul_overflow(extent.numel, size, &extent.numel) ||
        __builtin_mul_overflow(size - 1, stride, &step) ||
        __builtin_add_overflow(extent.last, step, &extent.last)) {
      return std::nullopt;
    }
  }
  if (extent.numel > kLimit || extent.last > kLimit) return std::nullopt;
  return empty ? Extent{0, 0} : extent;
}

/// Checks that the tensor's elements are all in their storage, and says where.
std::string place_tensor(const StorageView& view, const StoragePlace& place, uint64_t first,
                         const Extent& extent, uint64_t file_size, TensorInfo* info) {
  if (!place.problem.empty()) return place.problem;
  const uint64_t item = c10::elementSize(info->dtype);
  const uint64_t stored_item = view.storage.elements.bytes;
  if (view.storage.numel > place.bytes / stored_item) {
    return fmt::format("expected {} elements in its storage, found bytes for {}",
                       view.storage.numel, place.bytes / stored_item);
  }
  const uint64_t available = view.numel * stored_item / item;  // elements
  const uint64_t needed = extent.numel == 0 ? 0 : extent.last + 1;
  if (first > available || needed > available - first) {
    return fmt::format("expected its elements up to number {}, found a storage of {}",
                       first + needed, available);
  }
  if (extent.numel > std::max(file_size, place.bytes) / item) {
    return "expected no more elements than the file has bytes for, found shape " +
           shape_string(info->shape);
  }
  info->packed = place.packed;
  info->offset = place.offset + view.first * stored_item + first * item;
  info->bytes = needed * item;
  return "";
}

std::string kind_or_unknown(const std::string& name) {
  return name.empty() ? "an unknown kind" : printable(name, 60);
}

/// What makes the tensor's numbers unreadable: "", or words for it. Sets the dtype otherwise.
std::string foreign_kind(const TensorCall& call, const StorageView& view, TensorInfo* info) {
  info->dtype = view.storage.elements.dtype;
  if (call.function == "torch._utils._rebuild_tensor_v3") {
    const std::string dtype = call.arguments.item(6).global_name();
    info->dtype = torch_dtype(dtype).value_or(at::ScalarType::Undefined);
    if (info->dtype == at::ScalarType::Undefined) return kind_or_unknown(dtype);
  }
  // A storage of unknown elements cannot be looked into, whatever the tensor's dtype.
  if (view.storage.elements.bytes > 0 && info->dtype != at::ScalarType::Undefined) return "";
  info->dtype = at::ScalarType::Undefined;
  const Value reference = call.arguments.item(0);
  return kind_or_unknown(reference.persistent_id()->item(1).global_name());
}

/// Words for a tensor that is not a dense one: "sparse_tensor" of "_rebuild_sparse_tensor".
std::string kind_made_by(std::string_view function) {
  constexpr std::string_view kRebuild = "_rebuild_";
  const size_t at = function.find(kRebuild);
  return printable(at == std::string_view::npos ? function : function.substr(at + kRebuild.size()));
}

}  // namespace

std::optional<TensorCall> find_tensor_call(Value value) {
  for (int wrapper = 0; wrapper < 4; ++wrapper) {
    const auto callable = value.callable();
    const auto arguments = value.arguments();
    if (!callable || arguments->kind() != Kind::kTuple) return std::nullopt;
    const std::string name = callable->global_name();
    if (makes_tensor(name)) return TensorCall{value, name, *arguments};
    if (name == "torch._tensor._rebuild_from_type_v2" && arguments->size() >= 3) {
      // (function, type, its arguments, state)
      const std::string function = arguments->item(0).global_name();
      if (makes_tensor(function) && arguments->item(2).kind() == Kind::kTuple) {
        return TensorCall{value, function, arguments->item(2)};
      }
      if (!wraps_tensor(function) || arguments->item(2).size() == 0) return std::nullopt;
      value = arguments->item(2).item(0);
    } else if (wraps_tensor(name) && arguments->size() > 0) {
      value = arguments->item(0);
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::string describe_tensor(const TensorCall& call, const FindStorage& find, uint64_t file_size,
                            TensorInfo* info, bool* described) {
  const bool v3 = call.function == "torch._utils._rebuild_tensor_v3";
  if (!v3 && call.function != "torch._utils._rebuild_tensor" &&
      call.function != "torch._utils._rebuild_tensor_v2") {
    info->foreign = kind_made_by(call.function);
    info->dtype = at::ScalarType::Undefined;
    *described = true;
    return "";
  }
  if (call.arguments.size() < (v3 ? 7 : 4)) return "expected a storage, an offset and a shape";
  StorageView view;
  if (auto problem = parse_storage(call.arguments.item(0), &view); !problem.empty()) {
    return problem;
  }
  info->foreign = foreign_kind(call, view, info);
  if (!info->foreign.empty()) {
    *described = true;
    return "";
  }
  const auto first = call.arguments.item(1).as_int();
  if (!first || *first < 0 || !parse_sizes(call.arguments.item(2), &info->shape) ||
      !parse_sizes(call.arguments.item(3), &info->strides) ||
      info->shape.size() != info->strides.size()) {
    return "expected an offset, a shape and its strides, found other values";
  }
  const auto extent = measure(*info);
  if (!extent) return "expected a shape that fits in memory, found " + shape_string(info->shape);
  *described = true;
  return place_tensor(view, find(view.storage), static_cast<uint64_t>(*first), *extent, file_size,
                      info);
}

std::vector<TorchStorage> torch_storages(const Document& document) {
  std::vector<TorchStorage> storages;
  std::set<std::string_view> seen;
  for (size_t i = 0; i < document.size(); ++i) {
    const Value value = document.value(static_cast<pickle::Id>(i));
    const auto id = value.persistent_id();
    if (!id || (id->kind() == Kind::kTuple && id->size() > 0 &&
                id->item(0).as_text() == "module")) {  // a class with its source text
      continue;
    }
    StorageView view;
    const std::string problem = parse_storage(value, &view);
    if (!problem.empty()) throw damaged(problem);
    if (seen.insert(view.storage.key).second) storages.push_back(view.storage);
  }
  return storages;
}

}  // namespace sd::weights
