#include <memory>

#include "base/words.h"
#include "cli/commands/commands.h"
#include "cli/flags.h"
#include "cli/run.h"
#include "cli/run_checks.h"
#include "cli/serve.h"
#include "cli/settings_layers.h"

namespace sd::cli {
namespace {

constexpr const char* kTxt2ImgExamples =
    R"(sd txt2img --prompt "a red heart on a blue background" --seed 7
sd txt2img --prompt "a bowl of plums" --sampler dpmpp_2m --schedule karras --steps 20
sd txt2img --ckpt model.safetensors --from-file prompts.txt --n_iter 1 --skip_grid)";

constexpr const char* kImg2ImgExamples =
    R"(sd img2img --init-img sketch.png --prompt "a harbour at dawn" --strength 0.8
sd img2img --init-img photo.jpg --fit 768x768 --exif --prompt "a watercolour")";

void add_script(CLI::App* program, RunFn* run, Script script, const char* what,
                const char* examples) {
  CLI::App* command = program->add_subcommand(word_of(script), what);
  command->footer(examples);
  auto options = std::make_shared<Settings>(script);
  auto layers = std::make_shared<LayerFlags>();
  auto serves = std::make_shared<bool>(false);
  add_run_flags(command, options.get());
  add_layer_flags(command, layers.get());
  add_serve_flag(command, serves.get());
  auto axes = std::make_shared<std::vector<std::string>>();
  command
      ->add_option("--sweep", *axes,
                   "draw the picture with each of these values, as in scale=3,5,7; if repeated, "
                   "with all combinations; also write a labelled sheet")
      ->group(title_of(job::SettingGroup::kPicture))
      ->type_name("SETTING=LIST")
      ->allow_extra_args(false);
  command->callback([=] {
    *run = [=] {
      put_over_layers(*layers, command, options.get());
      job::Sweep sweep;
      for (const std::string& axis : *axes) sweep.push_back(job::parse_sweep_axis(axis));
      if (*serves) {
        check_serve(*options, !sweep.empty());
        return serve(*options);
      }
      if (!sweep.empty()) options->n_iter = 1;  // each combination once
      return run_script(*options, nullptr, sweep);
    };
  });
}

}  // namespace

void add_txt2img_command(CLI::App* program, RunFn* run) {
  add_script(program, run, Script::kTxt2Img, "draw pictures from words", kTxt2ImgExamples);
}

void add_img2img_command(CLI::App* program, RunFn* run) {
  add_script(program, run, Script::kImg2Img, "draw pictures from a picture and words",
             kImg2ImgExamples);
}

}  // namespace sd::cli
