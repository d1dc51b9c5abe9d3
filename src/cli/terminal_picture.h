#pragma once

#include <string>

#include "sd/image.h"

namespace sd::cli {

/// What makes the terminal show the picture, at most `columns` × `rows` cells, with libchafa: by
/// kitty's, iTerm2's or sixel graphics where the environment names a terminal that has them, else,
/// and within tmux and screen, in coloured symbols; without colours where `colour` is false. Ends
/// with a line break.
std::string terminal_picture(const Image& image, int columns, int rows, bool colour);

/// The picture in symbols, for any terminal: it takes as many lines as it has line breaks, and the
/// cursor ends at the beginning of the line after them.
std::string symbol_picture(const Image& image, int columns, int rows, bool colour);

}  // namespace sd::cli
