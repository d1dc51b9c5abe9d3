#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "models/embedding_card.h"
#include "models/inspect.h"

namespace sd::cli {
namespace {

struct InspectOptions {
  std::vector<std::string> files;
  bool json = false;
  bool sha256 = false;
};

/// A picture that carries an embedding; false: it carries none, or the file is no picture.
bool inspect_card(const std::string& file, bool as_json) {
  const std::string extension = std::filesystem::path(file).extension().string();
  if (extension != ".png" && extension != ".PNG" && extension != ".webp") return false;
  const auto card = models::read_embedding_card(file);
  if (!card) return false;
  const int64_t vectors = card->vectors.size(0);
  const int64_t width = card->vectors.size(1);
  const nlohmann::json json = {{"path", file},
                               {"format", "picture"},
                               {"family", "embedding"},
                               {"name", card->name},
                               {"dims", {{"embedding_vectors", vectors}, {"text_width", width}}}};
  if (as_json) {
    print_json(json.dump(2));
  } else {
    print(
        fmt::format("file         {}\nformat       picture\nfamily       embedding\n"
                    "name         {}\ndimensions   text width {}, vectors {}\n",
                    printable(file), printable(card->name), width, vectors));
  }
  return true;
}

int run_inspect(const InspectOptions& options) {
  for (const std::string& file : options.files) {
    if (inspect_card(file, options.json)) continue;
    const models::Inspection inspection = models::inspect_file(file, options.sha256);
    if (options.json) {
      print_json(models::to_json(inspection).dump(2));
    } else {
      print(models::to_text(inspection));
    }
  }
  return 0;
}

}  // namespace

void add_inspect_command(CLI::App* program, RunFn* run) {
  CLI::App* command =
      program->add_subcommand("inspect", "describe a checkpoint without reading its weights");
  auto options = std::make_shared<InspectOptions>();
  command->add_option("FILE", options->files, "checkpoints")->required();
  command->add_flag("--json", options->json, "as JSON, one object per file");
  command->add_flag("--sha256", options->sha256, "also hash the whole file");
  command->callback([options, run] { *run = [options] { return run_inspect(*options); }; });
}

}  // namespace sd::cli
