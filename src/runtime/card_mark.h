#pragma once

#include <c10/core/Device.h>

#include <functional>

namespace sd::runtime {

/// Returns once a card has done what was marked.
using CardWait = std::function<void()>;

/// Marks the end of what the card's current stream has been given, by c10's table of devices: the
/// program is not linked with CUDA.
CardWait mark_card(const c10::Device& device);

}  // namespace sd::runtime
