#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "weights/formats/contents.h"
#include "weights/formats/pickle.h"

namespace sd::weights {

/// What a storage holds.
struct ElementType {
  at::ScalarType dtype = at::ScalarType::Undefined;  ///< Undefined: nothing that is read here
  uint64_t bytes = 0;                                ///< of an element; 0: not known
};

/// The element type of a storage class ("torch.HalfStorage"); of an unknown one nothing is known.
ElementType storage_elements(std::string_view global);

/// The type of a dtype ("torch.float16") that is read here.
std::optional<at::ScalarType> torch_dtype(std::string_view global);

/// True for a function that makes a tensor ("torch._utils._rebuild_tensor_v2" and its kin).
bool makes_tensor(std::string_view global);

/// True for a function that only wraps a tensor which is its first argument.
bool wraps_tensor(std::string_view global);

/// All globals the document names, sorted, each once; marked known where torch, Lightning and the
/// libraries they record settings with write them in the ordinary course.
std::vector<PickleGlobal> pickle_globals(const pickle::Document& document);

}  // namespace sd::weights
