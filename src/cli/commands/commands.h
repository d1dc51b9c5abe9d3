#pragma once

#include <CLI/CLI.hpp>

#include <functional>

#include "cli/options.h"
#include "sd/pipeline.h"

// One subcommand a file. Each adds itself to the program and sets `*run` to what it does once the
// flags are read; the function returns the exit code.

namespace sd {

using RunFn = std::function<int()>;

void add_txt2img_command(CLI::App* program, RunFn* run);
void add_tokenize_command(CLI::App* program, RunFn* run);
void add_inspect_command(CLI::App* program, RunFn* run);
void add_random_checkpoint_command(CLI::App* program, RunFn* run);

/// What `sd txt2img` does. `tap` sees the tensors of the run (see Session::set_tap).
int run_txt2img(const Txt2ImgOptions& options, const Session::Tap& tap = nullptr);

}  // namespace sd
