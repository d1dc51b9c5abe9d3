#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <mutex>

namespace sd::runtime {

/// Held while a card records what it is given, and while blocks are given back, which reaches all
/// cards: LibTorch's allocator cannot do the second during the first.
std::mutex& recording_lock();

/// Gives the cards the blocks back that LibTorch's allocator keeps and no tensor uses; nothing
/// where there is no such allocator. Not to be called by a thread that holds `recording_lock`.
void give_kept_card_memory_back();

/// Bytes of the card that are free, as its allocator says; INT64_MAX where it has not been started
/// or does not know. Throws LibTorch's error of a card that cannot be used.
int64_t free_on_card(const c10::Device& device);

}  // namespace sd::runtime
