// The programs under test must hear signals, also where the tests run in the background of a shell,
// which ignores SIGINT for them.

#include <csignal>
#include <initializer_list>

namespace sd::test {
namespace {

[[maybe_unused]] const bool kSignalsAreDefault = [] {
  for (const int signal : {SIGINT, SIGHUP, SIGTERM, SIGPIPE}) std::signal(signal, SIG_DFL);
  return true;
}();

}  // namespace
}  // namespace sd::test
