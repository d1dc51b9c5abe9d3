#pragma once

#include <CLI/CLI.hpp>

#include "cli/options.h"

namespace sd {

/// Adds the flags of txt2img to `app`, bound to `options`.
void add_txt2img_flags(CLI::App* app, Txt2ImgOptions* options);

/// Adds --quiet and --verbose.
void add_verbosity_flags(CLI::App* app);

/// A help page that shows one spelling of each flag, the reference's.
std::shared_ptr<CLI::Formatter> help_formatter();

/// A seed: any whole number of 64 bits, with or without a sign (a negative one as torch takes it,
/// in two's complement). Throws kUsage.
uint64_t parse_seed(const std::string& text);

}  // namespace sd
