#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "cli/batch_plan.h"
#include "cli/commands/commands.h"
#include "cli/flags.h"
#include "cli/model_choice.h"
#include "pipeline/memory_choice.h"
#include "runtime/free_memory.h"
#include "weights/checkpoint.h"

namespace sd {
namespace {

struct PlanOptions {
  RunOptions run = RunOptions(Script::kTxt2Img);
  bool json = false;
};

/// How such a run would compute, whether or not this machine has the device.
ExecPolicy planned_policy(const DeviceOptions& asked) {
  HostInfo host = probe_host(asked);
  if (host.cuda.empty()) {
    constexpr int kMost = 127;  // LibTorch counts devices in eight bits
    const CudaDevice any{.name = "any card", .major = 9, .minor = 0};
    host.cuda.assign(asked.device.rfind("cuda", 0) == 0 ? kMost : 0, any);
    host.why_no_cuda.clear();
  }
  return resolve(asked, host);
}

/// The model's config, and the type of its weights.
struct PlannedModel {
  ModelDescription description;
  std::string config;
  at::ScalarType stored = at::kFloat;
  bool built_in = false;
};

PlannedModel planned_model(const RunOptions& options) {
  if (options.ckpt.empty() && !options.config.empty()) {
    return {describe_model(options.config), options.config};
  }
  const ChosenModel chosen = choose_model(options);
  return {chosen.description, chosen.paths.config,
          stored_type(*open_checkpoint(chosen.paths.checkpoint)), chosen.built_in};
}

nlohmann::json as_json(const MemoryChoice& choice, const PlannedLoad& load, int64_t free) {
  const MemoryPlan& plan = choice.plan;
  nlohmann::json weights = nlohmann::json::array(), stages = nlohmann::json::array();
  for (const PlannedWeights& part : plan.weights) {
    weights.push_back({{"part", part.part}, {"mapped", part.mapped}, {"copied", part.copied}});
  }
  for (const PlannedStage& stage : plan.stages) {
    stages.push_back({{"stage", stage.stage},
                      {"layer", stage.layer},
                      {"tensors", stage.tensors},
                      {"held", stage.held},
                      {"weights", plan.weights_during(stage)}});
  }
  return {{"pictures", load.pictures},
          {"width", load.width},
          {"height", load.height},
          {"guided", load.guided},
          {"memory", memory_word(choice.memory)},
          {"vae_tiling", plan.in_strips},
          {"weights", weights},
          {"stages", stages},
          {"workspace", plan.workspace},
          {"program", plan.program},
          {"total", plan.total()},
          {"free", free},
          {"fits", choice.fits}};
}

void print_line(const std::string& what, int64_t bytes, const std::string& note = "") {
  std::printf("%-34s %9.3f GB%s%s\n", what.c_str(), static_cast<double>(bytes) / 1e9,
              note.empty() ? "" : "  ", note.c_str());
}

void print_text(const MemoryChoice& choice, const PlannedLoad& load, const ExecPolicy& policy) {
  const MemoryPlan& plan = choice.plan;
  std::printf(
      "%lld of %lldx%lld at once%s, %s%s%s\n", static_cast<long long>(load.pictures),
      static_cast<long long>(load.width), static_cast<long long>(load.height),
      load.guided ? ", guided" : "", policy.device.str().c_str(),
      policy.device.is_cpu() ? format(", --memory %s", memory_word(choice.memory)).c_str() : "",
      plan.in_strips ? ", VAE in tiles" : "");
  for (const PlannedWeights& part : plan.weights) {
    print_line("weights: " + part.part, part.mapped + part.copied,
               part.copied == 0
                   ? "of the file's pages"
                   : format("of these %.3f GB in copies", static_cast<double>(part.copied) / 1e9));
  }
  for (const PlannedStage& stage : plan.stages) {
    print_line("tensors: " + stage.stage, stage.tensors, "most at " + stage.layer);
    if (stage.held > stage.tensors) {
      print_line("  with what is kept for the next", stage.held);
    }
  }
  print_line("workspace of kernels", plan.workspace);
  print_line("program and libraries", plan.program);
  print_line("most at a time (" + plan.largest().stage + ")", plan.total());
}

int run_plan(const PlanOptions& options) {
  const PlannedModel model = planned_model(options.run);
  const ExecPolicy policy = planned_policy(options.run.device);
  const LargestBatch largest =
      largest_batch(plan_batches(options.run, model.description, model.built_in));
  const PlannedLoad load{.pictures = largest.pictures,
                         .height = largest.height,
                         .width = largest.width,
                         .guided = largest.guided,
                         .encodes = false};
  const int64_t free = policy.device.is_cpu() ? free_memory() : INT64_MAX;
  const MemoryChoice choice =
      choose_memory(read_model_config(model.config), policy, model.stored, load, free);
  if (options.json) {
    std::printf("%s\n", as_json(choice, load, policy.device.is_cpu() ? free : 0).dump(2).c_str());
    return 0;
  }
  print_text(choice, load, policy);
  if (policy.device.is_cpu()) print_line("free", free, choice.fits ? "" : "that is too little");
  return 0;
}

}  // namespace

void add_plan_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand(
      "plan", "say what memory a txt2img run of these flags needs, without a GPU or weights");
  auto options = std::make_shared<PlanOptions>();
  add_run_flags(command, &options->run);
  command->add_flag("--json", options->json, "as JSON, in bytes");
  command->callback([options, run] { *run = [options] { return run_plan(*options); }; });
}

}  // namespace sd
