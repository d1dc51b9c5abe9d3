#include "job/sinks/sinks.h"

#include <string>
#include <vector>

#include "base/strings.h"
#include "job/settings_rows/jobs.h"
#include "sd/error.h"

namespace sd::job {
namespace {

constexpr SinkKind kSinks[] = {{"folder", open_folder_sink, open_job_sink},
                               {"tar", open_tar_sink, open_job_tar_sink}};

}  // namespace

std::vector<std::string> sink_names() {
  std::vector<std::string> names;
  for (const SinkKind& sink : kSinks) names.emplace_back(sink.name);
  return names;
}

const SinkKind& find_sink(std::string_view name) {
  for (const SinkKind& sink : kSinks) {
    if (sink.name == name) return sink;
  }
  throw Error(ErrorKind::kUsage, "there is no sink '" + printable(name, 40) + "'",
              "there are " + join(sink_names(), ", "));
}

}  // namespace sd::job
