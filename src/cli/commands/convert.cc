#include <memory>

#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "cli/flag_group.h"
#include "weights/convert.h"
#include "weights/weight_view.h"

namespace sd {
namespace {

struct ConvertFlags {
  std::string in;
  std::string out;
  ConvertOptions options;
};

int run_convert(const ConvertFlags& flags) {
  const auto checkpoint = open_checkpoint(flags.in);
  const ConvertResult result = convert_checkpoint(checkpoint, flags.out, flags.options);
  if (result.left_out > 0) {
    notice(format("left out: the UNet's %s weights, %lld tensors (--weights %s takes them)",
                  flags.options.ema ? "last" : "averaged", static_cast<long long>(result.left_out),
                  flags.options.ema ? "plain" : "ema"));
  }
  notice(format("%lld tensors, %s", static_cast<long long>(result.tensors),
                human_bytes(result.bytes).c_str()));
  print_path(flags.out);
  return 0;
}

}  // namespace

void add_convert_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand(
      "convert", "write a checkpoint's weights to a new file, smaller and quick to load");
  auto flags = std::make_shared<ConvertFlags>();
  command->add_option("IN", flags->in, "checkpoint to read")->required();
  command->add_option("OUT", flags->out, "file to write, .safetensors or .ckpt")->required();
  FlagGroup group(command, "What to write");
  group.choice<std::optional<at::ScalarType>>(
      "dtype", flags->options.dtype,
      {{"keep", std::nullopt}, {"fp32", at::kFloat}, {"fp16", at::kHalf}}, 0,
      "precision of the networks' weights");
  group.choice<bool>("weights", flags->options.ema, {{"plain", false}, {"ema", true}}, 0,
                     "last (plain) or averaged (ema) weights of the UNet");
  command->callback([flags, run] { *run = [flags] { return run_convert(*flags); }; });
}

}  // namespace sd
