#pragma once

namespace sd::runtime {

/// Keeps LibTorch's warnings off stderr, unless TORCH_CPP_LOG_LEVEL says what the user wants: they
/// are for its developers. (NNPACK's, on a processor without AVX2: its convolutions are left out
/// there, and nothing else changes.) Its errors reach us as exceptions.
void silence_libtorch_warnings();

}  // namespace sd::runtime
