#pragma once

#include <functional>

namespace sd {

class Error;

/// From now on the first SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 or SIGXCPU is noted for
/// `interrupted`; a further SIGINT or SIGTERM ends the program at once, but a SIGTERM behind one of
/// the last three, which warn of it. What the parent process had ignored stays ignored. SIGPIPE is
/// ignored: `output_failed` tells.
///
/// A computation may be deaf for long. So another thread waits: if nobody calls `begin_wind_up`
/// within a second and a half, it calls `wind_up` and ends the program, with exit code 130 or,
/// after a signal of an engine, `engine_code`.
void catch_interrupts(std::function<void()> wind_up = nullptr, int engine_code = 130);

/// Whether the signal was SIGTERM, SIGUSR1, SIGUSR2 or SIGXCPU, with which engines stop their jobs.
bool interrupted_by_engine();

/// Whether the user asked to stop.
bool interrupted();

/// Throws Error(kCancelled) if the user asked to stop: for long work between two polls.
void stop_if_interrupted();

/// Throws on, in a `catch`, what says that the user asked to stop: no fault of what was tried.
void rethrow_if_stopped(const Error& error);

/// Whoever calls this will end the program soon, and is let alone. Does not return if the thread of
/// `catch_interrupts` has begun to do that.
void begin_wind_up();

}  // namespace sd
