#include "weights/formats/torch_globals.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/strings.h"

namespace sd::weights {
namespace {

using at::ScalarType;

struct DtypeName {
  std::string_view name;
  ScalarType dtype;
};

/// The names that are followed by "Storage".
constexpr DtypeName kStorageClasses[] = {
    {"Float", ScalarType::Float},       {"Half", ScalarType::Half},
    {"BFloat16", ScalarType::BFloat16}, {"Double", ScalarType::Double},
    {"Long", ScalarType::Long},         {"Int", ScalarType::Int},
    {"Short", ScalarType::Short},       {"Char", ScalarType::Char},
    {"Byte", ScalarType::Byte},         {"Bool", ScalarType::Bool},
    {"Untyped", ScalarType::Byte},
};

/// Complex and quantised numbers: nothing that is read here, but a stream has to be walked over
/// their bytes.
struct ForeignStorage {
  std::string_view name;
  uint64_t bytes;
};
constexpr ForeignStorage kForeignStorages[] = {
    {"ComplexFloat", 8}, {"ComplexDouble", 16}, {"QInt8", 1},    {"QUInt8", 1},
    {"QInt32", 4},       {"QUInt4x2", 1},       {"QUInt2x4", 1},
};

constexpr DtypeName kStorageDtypes[] = {
    {"float32", ScalarType::Float},
    {"float", ScalarType::Float},
    {"float16", ScalarType::Half},
    {"half", ScalarType::Half},
    {"bfloat16", ScalarType::BFloat16},
    {"float64", ScalarType::Double},
    {"double", ScalarType::Double},
    {"int64", ScalarType::Long},
    {"long", ScalarType::Long},
    {"int32", ScalarType::Int},
    {"int", ScalarType::Int},
    {"int16", ScalarType::Short},
    {"short", ScalarType::Short},
    {"int8", ScalarType::Char},
    {"uint8", ScalarType::Byte},
    {"uint16", ScalarType::UInt16},
    {"uint32", ScalarType::UInt32},
    {"uint64", ScalarType::UInt64},
    {"bool", ScalarType::Bool},
    {"float8_e4m3fn", ScalarType::Float8_e4m3fn},
    {"float8_e5m2", ScalarType::Float8_e5m2},
};

constexpr std::string_view kTensorMakers[] = {
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_sparse_tensor",
    "torch._utils._rebuild_sparse_csr_tensor",
    "torch._utils._rebuild_nested_tensor",
    "torch._utils._rebuild_qtensor",
    "torch._utils._rebuild_meta_tensor_no_storage",
    "torch._utils._rebuild_device_tensor_from_numpy",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor",
    "torch._utils._rebuild_xla_tensor",
    "torch._utils._rebuild_wrapper_subclass",
};

constexpr std::string_view kTensorWrappers[] = {
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
};

/// Whole names, or with a dot at the end the beginnings of names, that are nothing unusual.
constexpr std::string_view kOrdinary[] = {
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
    "_codecs.encode",
    "copyreg._reconstructor",
    "copy_reg._reconstructor",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.float64",
    "numpy.float32",
    "numpy.int64",
    "torch.Size",
    "torch.device",
    "torch.Tensor",
    "torch._tensor._rebuild_from_type_v2",
    "torch.nn.modules.container.ParameterDict",
    "torch.nn.parameter.Parameter",
    "torch.nn.parameter.Buffer",
    "torch.storage._load_from_bytes",
    "torch.torch_version.TorchVersion",
    "argparse.Namespace",
    "typing.Any",
    "pathlib.PosixPath",
    "datetime.timedelta",
    "omegaconf.",
    "pytorch_lightning.callbacks.",
    "pytorch_lightning.utilities.",
    "lightning.pytorch.callbacks.",
    "lightning_fabric.utilities.",
    "torch.optim.lr_scheduler.",
};

constexpr std::string_view kBuiltins[] = {
    "set", "frozenset", "list",  "dict",      "tuple",  "int",  "float",   "bool",
    "str", "bytes",     "slice", "bytearray", "object", "long", "complex", "unicode"};

/// The part after `prefix`, or nothing if the name does not start with it.
std::optional<std::string_view> after(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  return name.substr(prefix.size());
}

template <size_t N>
std::optional<ScalarType> lookup(const DtypeName (&table)[N], std::string_view name) {
  for (const DtypeName& row : table) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

template <size_t N>
bool contains(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_ordinary(std::string_view name) {
  for (const std::string_view known : kOrdinary) {
    if (known.back() == '.' ? name.starts_with(known) : name == known) return true;
  }
  for (const std::string_view module : {"builtins.", "__builtin__."}) {
    const auto builtin = after(name, module);
    if (builtin && contains(kBuiltins, *builtin)) return true;
  }
  return storage_elements(name).bytes > 0 || torch_dtype(name) || makes_tensor(name) ||
         wraps_tensor(name);
}

}  // namespace

ElementType storage_elements(std::string_view global) {
  constexpr std::string_view kSuffix = "Storage";
  if (!global.ends_with(kSuffix)) return {};
  global.remove_suffix(kSuffix.size());
  for (const std::string_view module : {"torch.storage.", "torch.cuda.", "torch."}) {
    const auto name = after(global, module);
    if (!name) continue;
    if (const auto dtype = lookup(kStorageClasses, *name))
      return {*dtype, c10::elementSize(*dtype)};
    for (const ForeignStorage& row : kForeignStorages) {
      if (row.name == *name) return {ScalarType::Undefined, row.bytes};
    }
  }
  return {};
}

std::optional<ScalarType> torch_dtype(std::string_view global) {
  const auto name = after(global, "torch.");
  return name ? lookup(kStorageDtypes, *name) : std::nullopt;
}

bool makes_tensor(std::string_view global) { return contains(kTensorMakers, global); }
bool wraps_tensor(std::string_view global) { return contains(kTensorWrappers, global); }

std::vector<PickleGlobal> pickle_globals(const pickle::Document& document) {
  std::set<std::string> names;
  for (size_t i = 0; i < document.size(); ++i) {
    const pickle::Value value = document.value(static_cast<pickle::Id>(i));
    if (value.kind() == pickle::Kind::kGlobal) names.insert(printable(value.global_name()));
  }
  std::vector<PickleGlobal> globals;
  globals.reserve(names.size());
  for (const std::string& name : names) globals.push_back({name, is_ordinary(name)});
  return globals;
}

}  // namespace sd::weights
