#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace sd::cli {

/// Says which arguments nobody expects, in their order, and in `*hint` which flag or command was
/// perhaps meant by the first of them that abbreviates one or is nearly one.
std::string unexpected_arguments(const CLI::App& program, std::string* hint);

}  // namespace sd::cli
