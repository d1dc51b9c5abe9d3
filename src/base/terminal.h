#pragma once

namespace sd {

/// Columns of the terminal that the descriptor is: what the terminal says, else COLUMNS; 80 where
/// neither tells.
int terminal_columns(int descriptor);

/// Its rows: what the terminal says, else 24.
int terminal_rows(int descriptor);

/// Whether the descriptor is a terminal that can move its cursor and draw a line anew: TERM is set
/// and not "dumb".
bool is_live_terminal(int descriptor);

/// Whether to write colours there: NO_COLOR (no-color.org) forbids it, CLICOLOR_FORCE
/// (bixense.com/clicolors) wants it even into a file; else where the terminal is a live one.
bool wants_colour(int descriptor);

}  // namespace sd
