#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "runtime/exec_policy.h"

namespace sd::cli {
namespace {

std::string cuda_version(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

std::string memory_text(uint64_t total, uint64_t free) {
  if (total == 0) return "memory not known";
  if (free == 0) return human_bytes(total);
  return human_bytes(total) + ", " + human_bytes(free) + " free";
}

nlohmann::json to_json(const runtime::HostInfo& host) {
  using nlohmann::json;
  json cards = json::array();
  for (size_t i = 0; i < host.cuda.size(); ++i) {
    const runtime::CudaDevice& card = host.cuda[i];
    cards.push_back({{"device", "cuda:" + std::to_string(i)},
                     {"name", printable(card.name)},
                     {"compute_capability", fmt::format("{}.{}", card.major, card.minor)},
                     {"total_bytes", card.total_bytes},
                     {"free_bytes", card.free_bytes}});
  }
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
  };
  return {{"auto", runtime::resolve({}, host).chosen.device},
          {"cpu",
           {{"threads", runtime::default_threads(host)},
            {"usable_cpus", host.usable_cpus},
            {"instructions", runtime::isa_name(host.isa)},
            {"total_bytes", host.total_bytes},
            {"free_bytes", host.free_bytes}}},
          {"cuda",
           {{"devices", cards},
            {"why_not", text_or_null(host.why_no_cuda)},
            {"driver", host.cuda_driver},
            {"runtime", host.cuda_runtime},
            {"own_kernels", host.cuda_kernels},
            {"why_no_own_kernels", text_or_null(host.why_no_cuda_kernels)}}}};
}

void print_host(const runtime::HostInfo& host) {
  const int threads = runtime::default_threads(host);
  print(fmt::format("cpu: {} thread{}{}, {}, {}\n", threads, threads == 1 ? "" : "s",
                    host.omp_threads ? " (OMP_NUM_THREADS)" : "", runtime::isa_name(host.isa),
                    memory_text(host.total_bytes, host.free_bytes)));
  for (size_t i = 0; i < host.cuda.size(); ++i) {
    const runtime::CudaDevice& card = host.cuda[i];
    print(fmt::format("cuda:{}: {}, compute capability {}.{}, {}\n", i, printable(card.name),
                      card.major, card.minor, memory_text(card.total_bytes, card.free_bytes)));
  }
  if (!host.why_no_cuda.empty()) {
    print("cuda: " + host.why_no_cuda + "\n");
    return;
  }
  print(fmt::format("cuda: driver for CUDA {}, LibTorch for CUDA {}, {}\n",
                    cuda_version(host.cuda_driver), cuda_version(host.cuda_runtime),
                    host.cuda_kernels ? "own kernels" : host.why_no_cuda_kernels));
}

}  // namespace

void add_devices_command(CLI::App* program, RunFn* run) {
  CLI::App* command =
      program->add_subcommand("devices", "list the devices that --device can name on this machine");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "as JSON");
  command->callback([json, run] {
    *run = [json] {
      const runtime::HostInfo host = runtime::probe_host(/*cards=*/true);
      if (*json) {
        print_json(to_json(host).dump(2));
      } else {
        print_host(host);
      }
      return 0;
    };
  });
}

}  // namespace sd::cli
