#include "sd/pipeline.h"

#include <ATen/Context.h>
#include <fmt/core.h>

#include <algorithm>
#include <future>
#include <utility>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/strings.h"
#include "models/families.h"
#include "pipeline/adapted_networks.h"
#include "pipeline/describe.h"
#include "pipeline/memory_choice.h"
#include "pipeline/model.h"
#include "pipeline/used_embeddings.h"
#include "runtime/card_memory.h"
#include "runtime/computing.h"
#include "runtime/cuda_driver.h"
#include "runtime/profile.h"
#include "sd/error.h"

namespace sd {

namespace {

/// On a card: what of its memory is free where the driver did not say; and where the run is timed,
/// zones that wait for it, which no recording could.
void start_card(runtime::ExecPolicy* policy) {
  if (!policy->device.is_cuda()) return;
  if (policy->free_bytes == INT64_MAX) {
    at::globalContext().lazyInitDevice(policy->device.type());
    policy->free_bytes = runtime::free_on_card(policy->device);
  }
  if (!runtime::profiling()) return;
  runtime::wait_at_zones(policy->device);
  policy->cuda_graphs = false;
}

/// Opens the adapters, so that what is wrong with one is known before anything is drawn. Returns
/// the sets of all that can be opened.
std::vector<std::vector<LoraUse>> open_adapters(const LoadOptions& options,
                                                models::AdapterLibrary* adapters) {
  const runtime::Zone zone("adapters");
  const auto open = [adapters](const std::vector<LoraUse>& uses) {
    for (const LoraUse& use : uses) adapters->get(use.file);
  };
  std::vector<std::vector<LoraUse>> sets = options.loras;
  for (const std::vector<LoraUse>& uses : sets) open(uses);
  for (const std::vector<LoraUse>& uses : options.loras_of_some) {
    try {
      open(uses);
      sets.push_back(uses);
    } catch (const Error& error) {
      rethrow_if_stopped(error);
    }
  }
  return sets;
}

/// The bytes of weights that the largest of the sets of adapters changes.
int64_t most_adapted(const std::vector<std::vector<LoraUse>>& sets,
                     const runtime::ExecPolicy& policy, models::AdapterLibrary* adapters) {
  int64_t most = 0;
  for (const std::vector<LoraUse>& uses : sets) {
    most = std::max(most, pipeline::adapted_bytes(uses, policy, adapters));
  }
  return most;
}

/// What plans the run's memory. Where its largest batch is known, says what that needs, and spends
/// less than asked where it does not fit.
std::unique_ptr<const models::MemoryPlanner> make_planner(const LoadOptions& options,
                                                          const models::ModelSource& source,
                                                          models::AdapterLibrary* adapters,
                                                          runtime::ExecPolicy* policy) {
  const auto sets = open_adapters(options, adapters);
  if (!options.largest) return std::make_unique<const models::MemoryPlanner>(source, *policy);
  Workload load = *options.largest;
  load.adapted = most_adapted(sets, *policy, adapters);
  pipeline::MemoryChoice choice = pipeline::choose_memory(source, *policy, load);
  notice(pipeline::memory_line(choice, *policy));
  policy->kernels.memory = policy->chosen.memory = choice.memory;
  return std::move(choice.planner);
}

models::EmbeddingSet read_folder(const std::string& folder, int64_t width) {
  if (folder.empty()) return {};
  const runtime::Zone zone("embeddings");
  models::EmbeddingSet set = models::load_embeddings(folder, width);
  detail(fmt::format("{} embeddings in {}", set.embeddings.size(), printable(folder)));
  return set;
}

/// The embeddings of the folder, and of files that are named; what is not used is said.
models::EmbeddingSet read_embeddings(const LoadOptions& options, int64_t width) {
  models::EmbeddingSet set = read_folder(options.embeddings, width);
  for (const auto& [name, file] : options.embedding_files) {
    models::put_embedding(name, file, width, &set);
  }
  for (const models::SkippedEmbedding& one : set.skipped) {
    notice("not used: " + printable(one.file.string()) + ": " + one.reason);
  }
  return set;
}

}  // namespace

Pipeline::Pipeline(std::shared_ptr<const Model> model) : model_(std::move(model)) {}
Pipeline::~Pipeline() = default;
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;

/// What is read whatever the device.
struct Pipeline::Files {
  models::ModelSource source;
  std::unique_ptr<const text::Tokenizer> tokenizer;
};

Pipeline::Files Pipeline::read(const LoadOptions& options,
                               std::shared_ptr<const models::ModelConfig> config) {
  models::ModelSource source = models::open_model(options.model, std::move(config));
  source.text.shelf = std::make_shared<weights::WeightShelf>();
  source.unet.shelf = std::make_shared<weights::WeightShelf>();
  auto tokenizer =
      runtime::in_zone("tokenizer", [&] { return models::make_tokenizer(source.config); });
  return {std::move(source), std::move(tokenizer)};
}

Pipeline Pipeline::load(const LoadOptions& options,
                        std::shared_ptr<const models::ModelConfig> config) {
  const auto probe = [asked = options.device] { return runtime::probe_host(asked); };
  // Where no card is, what is wrong with the options is told before a file is read.
  if (options.device.device == "cpu" || !runtime::may_have_card()) {
    return load(options, runtime::resolve(options.device, probe()), std::move(config));
  }
  const c10::InferenceMode inference;
  const runtime::Zone zone("load");
  // For a card this opens its libraries, which takes a second or two: beside the files.
  std::future<runtime::HostInfo> host =
      std::async(std::launch::async | std::launch::deferred, probe);
  Files files = read(options, std::move(config));
  return build(options, runtime::resolve(options.device, host.get()), std::move(files));
}

Pipeline Pipeline::load(const LoadOptions& options, runtime::ExecPolicy policy,
                        std::shared_ptr<const models::ModelConfig> config) {
  const c10::InferenceMode inference;
  const runtime::Zone zone("load");
  return build(options, std::move(policy), read(options, std::move(config)));
}

Pipeline Pipeline::build(const LoadOptions& options, runtime::ExecPolicy policy, Files files) {
  const runtime::Computing computing(policy.device);
  runtime::apply_threads(policy);
  runtime::apply_device(policy);
  start_card(&policy);
  notice(policy.reason);
  const models::ModelSource& source = files.source;
  auto adapters = std::make_unique<models::AdapterLibrary>(source.config);
  auto planner = make_planner(options, source, adapters.get(), &policy);
  runtime::apply_memory(policy);
  models::LatentDiffusion diffusion =
      models::load_latent_diffusion(source, models::CoderParts::kDecoderFirst, policy);
  std::unique_ptr<const safety::SafetyChecker> checker;
  if (options.safety.mode != SafetyMode::kOff) {
    checker = safety::load_safety_checker(options.safety.checkpoint, policy.kernels);
  }
  models::EmbeddingSet embeddings = read_embeddings(options, diffusion.text_encoder->width());
  text::EmbeddingNames names(*files.tokenizer, embeddings.names());
  return Pipeline(std::make_shared<const Model>(
      Model{std::move(policy), pipeline::describe(source.config), std::move(files.tokenizer),
            std::move(diffusion), options.safety.mode, std::move(checker), std::move(planner),
            std::move(embeddings), std::move(adapters), std::move(names)}));
}

const ModelDescription& Pipeline::description() const { return model_->description; }
bool Pipeline::ema() const { return model_->diffusion.source.ema; }
const DeviceOptions& Pipeline::device() const { return model_->policy.chosen; }

std::vector<EmbeddingUse> Pipeline::embeddings_of(const Request& request, int64_t row) const {
  std::vector<EmbeddingUse> uses;
  const auto& known = model_->embeddings.embeddings;
  if (known.empty()) return uses;
  const pipeline::PromptReader reader{*model_->tokenizer, model_->embedding_names, description()};
  for (const size_t place : pipeline::used_embeddings(reader, request, row)) {
    uses.push_back({known[place].name, known[place].file.string()});
  }
  return uses;
}

}  // namespace sd
