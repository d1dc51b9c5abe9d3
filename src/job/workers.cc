#include "job/workers.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "sd/error.h"

namespace sd::job {

std::vector<runtime::ExecPolicy> resolve_workers(const Settings& settings,
                                                 const runtime::HostInfo& host) {
  const auto on_cpu = std::count(settings.devices.begin(), settings.devices.end(), "cpu");
  std::vector<runtime::ExecPolicy> workers;
  std::set<std::string> cards;
  for (const std::string& device : settings.devices) {
    DeviceOptions asked = settings.device;
    asked.device = device;
    runtime::ExecPolicy policy = runtime::resolve(asked, host);
    if (policy.device.is_cuda() && !cards.insert(policy.chosen.device).second) {
      throw Error(ErrorKind::kUsage, "`devices` names " + policy.chosen.device + " twice",
                  "name each GPU once");
    }
    if (policy.device.is_cpu() && on_cpu > 1) {
      asked.threads = std::max(1, policy.threads / static_cast<int>(on_cpu));
      const int64_t free = policy.free_bytes;
      policy = runtime::resolve(asked, host);
      if (free < INT64_MAX) policy.free_bytes = free / on_cpu;
    }
    workers.push_back(std::move(policy));
  }
  return workers;
}

}  // namespace sd::job
