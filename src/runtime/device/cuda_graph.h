#pragma once

#include "runtime/graph_recorder.h"

namespace sd::runtime::device {

/// Records CUDA graphs on the card.
std::unique_ptr<GraphCard> make_graph_card(const c10::Device& device);

}  // namespace sd::runtime::device
