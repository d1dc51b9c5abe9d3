#pragma once

namespace sd {

/// From now on the first SIGINT or SIGTERM is noted for `interrupted`; a second one ends the
/// program at once.
void catch_interrupts();

/// Whether the user asked to stop.
bool interrupted();

}  // namespace sd
