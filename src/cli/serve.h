#pragma once

#include <CLI/CLI.hpp>

#include "job/settings.h"

namespace sd::cli {

/// What --serve does: loads the model once, reads requests from standard input, JSON Lines, and
/// draws each as it arrives, until the input ends. A request is an object as a line of a prompt
/// file may be, with an "id" of the caller's; {"cancel": id} takes one back. Events, the objects of
/// --progress-fd with that "id", go to stdout, or with --progress-fd to that descriptor, and paths
/// to stdout then. A bad line is answered with the event "error". docs/embedding.md has the whole.
/// Returns the exit code; throws Error where nothing can be drawn at all.
int serve(const Settings& settings);

/// Adds --serve.
void add_serve_flag(CLI::App* command, bool* serves);

}  // namespace sd::cli
