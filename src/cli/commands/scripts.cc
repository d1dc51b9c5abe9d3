#include <memory>

#include "cli/commands/commands.h"
#include "cli/flags.h"
#include "cli/run.h"

namespace sd {
namespace {

void add_script(CLI::App* program, RunFn* run, Script script, const char* name, const char* what) {
  CLI::App* command = program->add_subcommand(name, what);
  auto options = std::make_shared<Settings>(script);
  add_run_flags(command, options.get());
  command->callback([options, run] { *run = [options] { return run_script(*options); }; });
}

}  // namespace

void add_txt2img_command(CLI::App* program, RunFn* run) {
  add_script(program, run, Script::kTxt2Img, "txt2img", "draw pictures from words");
}

void add_img2img_command(CLI::App* program, RunFn* run) {
  add_script(program, run, Script::kImg2Img, "img2img", "draw pictures from a picture and words");
}

}  // namespace sd
