#include <memory>

#include "base/output.h"
#include "cli/commands/commands.h"
#include "models/random_checkpoint.h"
#include "runtime/data_files.h"

namespace sd::cli {
namespace {

struct RandomCheckpointOptions {
  std::string out;
  std::string config;
};

int run_random_checkpoint(const RandomCheckpointOptions& options) {
  const std::string config =
      options.config.empty()
          ? runtime::data_file("configs/stable-diffusion/v1-inference.yaml").string()
          : options.config;
  models::write_random_checkpoint(options.out, models::read_model_config(config));
  print_path(options.out);
  return 0;
}

}  // namespace

void add_random_checkpoint_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand(
      "random-checkpoint",
      "write a checkpoint of random weights in a model's layout, for tests and timings");
  auto options = std::make_shared<RandomCheckpointOptions>();
  command->add_option("OUT", options->out, "file to write, .ckpt or .safetensors")->required();
  command->add_option("--config", options->config, "the model's YAML file")
      ->type_name("FILE")
      ->default_str("Stable Diffusion v1: 4.3 GB");
  command->callback(
      [options, run] { *run = [options] { return run_random_checkpoint(*options); }; });
}

}  // namespace sd::cli
