#pragma once

#include <exception>
#include <optional>
#include <string>

namespace sd::runtime {

/// CUDA's number (cudaError_t) of an error that LibTorch threw; nothing of any other error.
std::optional<int> cuda_error(const std::exception& error);

/// CUDA's number for memory that did not suffice.
inline constexpr int kCudaOutOfMemory = 2;

/// Whether a CUDA error is the card's own or its driver's (another program has the card, a memory
/// fault, a lost card), and no fault of what the program asked for.
bool is_cards_own(int cuda_error);

/// What the user can do about a card's own trouble.
std::string card_hint(int cuda_error);

}  // namespace sd::runtime
