#include "job/sinks/sinks.h"

#include <string>
#include <vector>

#include "base/strings.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr SinkKind kSinks[] = {{"folder", open_folder_sink}};

}  // namespace

std::span<const SinkKind> sink_kinds() { return kSinks; }

const SinkKind& find_sink(std::string_view name) {
  std::vector<std::string> names;
  for (const SinkKind& sink : kSinks) {
    if (sink.name == name) return sink;
    names.emplace_back(sink.name);
  }
  throw Error(ErrorKind::kUsage, "there is no sink '" + printable(name, 40) + "'",
              "there are " + join(names, ", "));
}

}  // namespace sd
