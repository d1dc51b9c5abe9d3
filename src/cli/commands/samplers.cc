#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "sampling/sampler.h"
#include "sampling/schedule.h"

namespace sd::cli {
namespace {

using Json = nlohmann::json;

const char* word_of(sampling::NoiseUse noise) {
  switch (noise) {
    case sampling::NoiseUse::kNone:
      return "none";
    case sampling::NoiseUse::kDraws:
      return "draws";
    case sampling::NoiseUse::kBrownian:
      return "brownian";
  }
  return "";
}

/// The settings that a sampler looks at, beside those of schedules and guidance.
std::vector<std::string> knobs_of(const sampling::Sampler& sampler) {
  std::vector<std::string> knobs;
  if (sampler.eta == sampling::Eta::kTaken) knobs.emplace_back("eta");
  if (sampler.knobs & sampling::kNoiseKnob) knobs.emplace_back("s_noise");
  if (sampler.knobs & sampling::kChurnKnobs) knobs.emplace_back("s_churn");
  if (sampler.knobs & sampling::kUniPcKnobs) knobs.emplace_back("unipc_*");
  if (sampler.knobs & sampling::kDistilledKnobs) knobs.emplace_back("original_steps");
  if (sampler.knobs & sampling::kTrailingKnobs) knobs.emplace_back("set_alpha_to_one");
  return knobs;
}

/// What lays the levels where no schedule is named.
std::string usual_schedule(const sampling::Sampler& sampler) {
  return sampler.grid == sampling::Grid::kSigmas || sampler.grid == sampling::Grid::kEnds
             ? sampler.schedule
             : "its own";
}

bool is_webuis(const sampling::Sampler& sampler) { return sampler.webui && !sampler.reference; }

Json to_json(const sampling::Sampler& sampler) {
  return {{"name", sampler.name},
          {"webui_name", is_webuis(sampler) ? Json(sampler.label) : Json(nullptr)},
          {"reference", sampler.reference},
          {"noise", word_of(sampler.noise)},
          {"evaluations", sampler.evaluations},
          {"schedule", usual_schedule(sampler)},
          {"starts_from_picture", sampler.starts_from_picture},
          {"settings", knobs_of(sampler)}};
}

void print_tables() {
  print(fmt::format("{:18} {:18} {:8} {:>11}  {:11} {}\n", "sampler", "web UI", "noise",
                    "evaluations", "schedule", "settings"));
  for (const sampling::Sampler& sampler : sampling::samplers()) {
    print(fmt::format("{:18} {:18} {:8} {:11}  {:11} {}\n", sampler.name,
                      sampler.reference ? "(reference's own)"
                      : sampler.webui   ? sampler.label
                                        : "(diffusers')",
                      word_of(sampler.noise), sampler.evaluations, usual_schedule(sampler),
                      join(knobs_of(sampler), ", ")));
  }
  print(fmt::format("\n{:18} {}\n", "schedule", "web UI"));
  for (const sampling::Schedule& schedule : sampling::schedules()) {
    print(fmt::format("{:18} {}\n", schedule.name, schedule.label));
  }
}

Json tables() {
  Json all = Json::array(), laid = Json::array();
  for (const sampling::Sampler& sampler : sampling::samplers()) all.push_back(to_json(sampler));
  for (const sampling::Schedule& schedule : sampling::schedules()) {
    laid.push_back({{"name", schedule.name}, {"webui_name", schedule.label}});
  }
  return {{"samplers", all}, {"schedules", laid}};
}

}  // namespace

void add_samplers_command(CLI::App* program, RunFn* run) {
  auto* command = program->add_subcommand(
      "samplers", "list the names for --sampler and --schedule, and the properties of each");
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "as JSON");
  command->callback([as_json, run] {
    *run = [as_json] {
      if (*as_json) {
        print_json(tables().dump(2));
      } else {
        print_tables();
      }
      return 0;
    };
  });
}

}  // namespace sd::cli
