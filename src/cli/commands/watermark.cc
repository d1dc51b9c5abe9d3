#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "image/image_io.h"
#include "image/watermark.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

struct WatermarkOptions {
  std::vector<std::string> files;
  std::string expected{image::kReferenceWatermark};
  bool json = false;
};

void print_match(const std::string& file, const std::string& read,
                 const image::WatermarkMatch& match) {
  print(fmt::format("{}: {} of {} bits agree (by chance: {:.2g}); read: {}\n",
                    printable(file, std::string::npos), match.matching, match.bits, match.chance,
                    printable(read, std::string::npos)));
}

void print_match_json(const std::string& file, const std::string& read,
                      const image::WatermarkMatch& match) {
  std::string bytes;
  for (const char c : read) bytes += fmt::format("{:02x}", static_cast<unsigned char>(c));
  const nlohmann::json line = {{"file", printable(file, std::string::npos)},
                               {"bytes", bytes},
                               {"text", printable(read, std::string::npos)},
                               {"matching", match.matching},
                               {"bits", match.bits},
                               {"chance", match.chance}};
  print_json(line.dump());
}

image::WatermarkReading read_watermark(const std::string& file, size_t length) {
  const Image image = image::read_image(file);
  if (image::watermark_capacity(image) == 0) {
    throw Error(ErrorKind::kFile,
                fmt::format("{} has {}x{} pixels, too few to carry a watermark",
                            printable(file, std::string::npos), image.width, image.height),
                "it needs as many as 256x256 has");
  }
  return image::decode_watermark(image, length);
}

int run_watermark(const WatermarkOptions& options) {
  for (const std::string& file : options.files) {
    const image::WatermarkReading reading = read_watermark(file, options.expected.size());
    const image::WatermarkMatch match = image::watermark_match(reading, options.expected);
    (options.json ? print_match_json : print_match)(file, reading.bytes, match);
  }
  return 0;
}

}  // namespace

void add_watermark_command(CLI::App* program, RunFn* run) {
  CLI::App* command =
      program->add_subcommand("watermark", "read the invisible watermark of pictures");
  auto options = std::make_shared<WatermarkOptions>();
  command->add_option("FILE", options->files, "pictures")->required();
  command->add_option("--expect", options->expected, "what it should say")
      ->type_name("TEXT")
      ->capture_default_str();
  command->add_flag("--json", options->json, "as JSON, one line per file");
  command->callback([options, run] { *run = [options] { return run_watermark(*options); }; });
}

}  // namespace sd::cli
