#include <memory>
#include <nlohmann/json.hpp>

#include "base/output.h"
#include "cli/commands/commands.h"
#include "models/inspect.h"

namespace sd {
namespace {

struct InspectOptions {
  std::vector<std::string> files;
  bool json = false;
  bool sha256 = false;
};

int run_inspect(const InspectOptions& options) {
  for (const std::string& file : options.files) {
    const Inspection inspection = inspect_file(file, options.sha256);
    if (options.json) {
      print_json(to_json(inspection).dump(2));
    } else {
      print(to_text(inspection));
    }
  }
  return 0;
}

}  // namespace

void add_inspect_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand(
      "inspect", "say what a checkpoint holds, without reading its weights");
  auto options = std::make_shared<InspectOptions>();
  command->add_option("FILE", options->files, "checkpoints")->required();
  command->add_flag("--json", options->json, "as JSON, one object a file");
  command->add_flag("--sha256", options->sha256, "hash the whole file, too");
  command->callback([options, run] { *run = [options] { return run_inspect(*options); }; });
}

}  // namespace sd
