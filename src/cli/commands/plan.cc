#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/output.h"
#include "base/words.h"
#include "cli/commands/commands.h"
#include "cli/flags.h"
#include "cli/prompt_lines.h"
#include "cli/settings_layers.h"
#include "job/batch_plan.h"
#include "job/model_choice.h"
#include "job/workload.h"
#include "models/model_source.h"
#include "pipeline/adapted_networks.h"
#include "pipeline/memory_choice.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

struct PlanOptions {
  Settings run = Settings(Script::kTxt2Img);
  double card_memory = 0;  // in GB; 0: what the card has free
  bool layers = false;
  bool json = false;
};

/// How such a run would compute, whether or not this machine has the device.
runtime::ExecPolicy planned_policy(const PlanOptions& options) {
  const DeviceOptions& asked = options.run.device;
  runtime::HostInfo host = runtime::probe_host(asked);
  const bool card = asked.device.rfind("cuda", 0) == 0;
  if (host.cuda.empty() && card) {
    constexpr int kMost = 127;  // LibTorch counts devices in eight bits
    const runtime::CudaDevice any{.name = "any card", .major = 9, .minor = 0};
    host.cuda.assign(kMost, any);
    host.why_no_cuda.clear();
    host.cuda_kernels = true;
  }
  runtime::ExecPolicy policy = runtime::resolve(asked, host);
  if (options.card_memory <= 0) return policy;
  if (policy.device.is_cpu()) {
    throw Error(ErrorKind::kUsage, "--card-memory goes with --device cuda",
                "for the CPU, sd plan looks at what is free");
  }
  policy.free_bytes = static_cast<int64_t>(options.card_memory * 1e9);
  return policy;
}

/// The model that is planned: without a checkpoint, that of the config alone.
job::ChosenModel planned_model(const Settings& options) {
  if (!options.ckpt.empty() || options.config.empty()) return job::choose_model(options);
  job::ChosenModel chosen;
  chosen.paths.config = options.config;
  chosen.description = describe_model(chosen.paths);
  return chosen;
}

models::ModelSource planned_source(const job::ChosenModel& model) {
  if (model.paths.checkpoint.empty()) return models::shapes_of(*model.description.config);
  return models::open_model(model.paths, model.description.config);
}

/// A half is a picture under one half of guidance.
double pictures_at_a_time(const models::MemoryPlan& plan, const Workload& load) {
  if (plan.unet_share == models::UNetShare::kAll) return static_cast<double>(load.pictures);
  return plan.unet_share == models::UNetShare::kHalf && load.guided ? 0.5 : 1;
}

nlohmann::json as_json(const pipeline::MemoryChoice& choice, const Workload& load, int64_t free) {
  const models::MemoryPlan& plan = choice.plan;
  nlohmann::json weights = nlohmann::json::array(), stages = nlohmann::json::array();
  for (const models::PlannedWeights& part : plan.weights) {
    weights.push_back({{"part", part.part}, {"mapped", part.mapped}, {"copied", part.copied}});
  }
  for (const models::PlannedStage& stage : plan.stages) {
    nlohmann::json layers = nlohmann::json::array();
    for (const models::PlannedLayer& layer : stage.layers) {
      layers.push_back(
          {{"layer", layer.name}, {"tensors", layer.tensors}, {"result", layer.result}});
    }
    stages.push_back({{"stage", stage.stage},
                      {"layer", stage.layer},
                      {"tensors", stage.tensors},
                      {"held", stage.held},
                      {"weights", plan.weights_during(stage)},
                      {"layers", layers}});
  }
  return {{"pictures", load.pictures},
          {"width", load.width},
          {"height", load.height},
          {"guided", load.guided},
          {"memory", word_of(choice.memory)},
          {"vae_tiling", plan.in_strips},
          {"unet_pictures_at_a_time", pictures_at_a_time(plan, load)},
          {"weights", weights},
          {"stages", stages},
          {"recordings", plan.recordings},
          {"keeps_recordings", plan.keeps_recordings},
          {"workspace", plan.workspace},
          {"program", plan.program},
          {"total", plan.total()},
          {"free", free < INT64_MAX ? nlohmann::json(free) : nlohmann::json(nullptr)},
          {"fits", choice.fits}};
}

void print_line(const std::string& what, int64_t bytes, const std::string& note = "") {
  print(fmt::format("{:34} {:>9.3f} GB{}{}\n", what, static_cast<double>(bytes) / 1e9,
                    note.empty() ? "" : "  ", note));
}

void print_layers(const models::PlannedStage& stage) {
  for (const models::PlannedLayer& layer : stage.layers) {
    const double result = static_cast<double>(layer.result) / 1e9;
    print_line("  " + layer.name, layer.tensors,
               layer.result > 0 ? fmt::format("result {:.3f} GB", result) : "");
  }
}

void print_text(const pipeline::MemoryChoice& choice, const Workload& load,
                const runtime::ExecPolicy& policy, bool layers) {
  const models::MemoryPlan& plan = choice.plan;
  std::string ways = plan.in_strips ? ", VAE in tiles" : "";
  if (plan.unet_share != models::UNetShare::kAll)
    ways += std::string(", ") + pipeline::share_words(plan.unet_share);
  print(fmt::format(
      "{} of {}x{} at once{}, {}{}{}\n", load.pictures, load.width, load.height,
      load.guided ? ", guided" : "", policy.device.str(),
      policy.device.is_cpu() ? fmt::format(", --memory {}", word_of(choice.memory)) : "", ways));
  for (const models::PlannedWeights& part : plan.weights) {
    print_line("weights: " + part.part, part.mapped + part.copied,
               part.copied == 0 ? "of the file's pages"
                                : fmt::format("of these {:.3f} GB in copies",
                                              static_cast<double>(part.copied) / 1e9));
  }
  for (const models::PlannedStage& stage : plan.stages) {
    print_line("tensors: " + stage.stage, stage.tensors, "most at " + stage.layer);
    if (layers) print_layers(stage);
    if (stage.held > stage.tensors) {
      print_line("  with what is kept for the next", stage.held);
    }
  }
  if (plan.recordings > 0) {
    print_line("graphs of the UNet, beside decode", plan.keeps_recordings ? plan.recordings : 0,
               plan.keeps_recordings ? "" : "given up before it");
  }
  print_line("workspace of kernels", plan.workspace);
  print_line("program and libraries", plan.program);
  print_line("most at a time (" + plan.largest().stage + ")", plan.total());
}

int run_plan(const PlanOptions& options) {
  if (!options.run.devices.empty()) {
    throw Error(ErrorKind::kUsage, "sd plan is for one device, and --devices names several",
                "each needs the same: use --device");
  }
  const job::ChosenModel model = planned_model(options.run);
  const runtime::ExecPolicy policy = planned_policy(options);
  const job::BatchPlan plan = job::plan_batches(options.run, model.description, model.built_in,
                                                read_prompt_lines(options.run));
  Workload load = job::largest_load(plan.batches, model.description);
  const models::ModelSource source = planned_source(model);
  models::AdapterLibrary adapters(source.config);
  for (const std::vector<LoraUse>& uses : job::lora_sets(plan.batches)) {
    load.adapted = std::max(load.adapted, pipeline::adapted_bytes(uses, policy, &adapters));
  }
  const pipeline::MemoryChoice choice = pipeline::choose_memory(source, policy, load);
  if (options.json) {
    print_json(as_json(choice, load, policy.free_bytes).dump(2));
    return 0;
  }
  print_text(choice, load, policy, options.layers);
  if (policy.free_bytes < INT64_MAX) {
    print_line("free", policy.free_bytes, choice.fits ? "" : "that is too little");
  }
  return 0;
}

}  // namespace

void add_plan_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand(
      "plan",
      "show how much memory a txt2img run with these flags needs, without a GPU or weights");
  auto options = std::make_shared<PlanOptions>();
  auto layers = std::make_shared<LayerFlags>();
  add_run_flags(command, &options->run);
  add_layer_flags(command, layers.get());
  command
      ->add_option("--card-memory", options->card_memory,
                   "with --device cuda: free memory of the GPU, in GB (10^9 bytes); default: that "
                   "of the GPU, if there is one")
      ->type_name("GB")
      ->check(CLI::PositiveNumber.description(""));
  command->add_flag("--layers", options->layers, "show the most memory in use in each layer");
  command->add_flag("--json", options->json, "as JSON, in bytes");
  command->callback([=] {
    *run = [=] {
      put_over_layers(*layers, command, &options->run);
      return run_plan(*options);
    };
  });
}

}  // namespace sd::cli
