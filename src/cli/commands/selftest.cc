#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "base/interrupt.h"
#include "base/output.h"
#include "base/strings.h"
#include "base/words.h"
#include "cli/commands/commands.h"
#include "image/difference.h"
#include "image/image_io.h"
#include "job/batch_plan.h"
#include "job/model_choice.h"
#include "runtime/data_files.h"
#include "runtime/kernel_policy.h"
#include "sd/error.h"
#include "sd/pipeline.h"

namespace sd::cli {
namespace {

namespace fs = std::filesystem;

/// A picture of the built-in model that comes with the program, drawn with plain kernels.
struct Known {
  const char* file;
  const char* prompt;
  const char* sampler;
};
constexpr Known kKnown[] = {
    {"models/demo/selftest/heart.png", "a red heart on a blue background", "ddim"},
    {"models/demo/selftest/sun.png", "a sun on a turquoise background", "dpmpp_2m"}};

Settings settings_of(const Known& known, KernelChoice kernels) {
  Settings settings(Script::kTxt2Img);
  settings.picture.prompt = known.prompt;
  settings.batch.sampler = known.sampler;
  settings.batch.steps = 20;
  settings.seed = 7;
  settings.n_samples = 1;
  settings.n_iter = 1;
  settings.device.device = "cpu";
  settings.device.kernels = kernels;
  return settings;
}

/// The pictures of `kKnown` in their order.
std::vector<Image> draw_known(KernelChoice kernels) {
  const job::ChosenModel model = job::built_in_model();
  const Settings common = settings_of(kKnown[0], kernels);
  LoadOptions load;
  load.model = model.paths;
  load.device = common.device;
  const Pipeline pipeline = Pipeline::load(load, model.description.config);
  Session session = pipeline.start();
  std::vector<Image> images;
  for (const Known& known : kKnown) {
    const Settings settings = settings_of(known, kernels);
    const job::BatchPlan plan = job::plan_batches(settings, model.description, model.built_in);
    session.generate(
        job::request_of(plan.batches.front(), 0),
        [&](Picture picture) { images.push_back(std::move(picture.image)); },
        [](const ProgressEvent&) { return !interrupted(); });
  }
  return images;
}

/// Kernel choices that this processor can run.
std::vector<KernelChoice> choices_here() {
  std::vector<KernelChoice> choices = {KernelChoice::kAten};
  if (runtime::probe_isa() >= runtime::Isa::kAvx2) choices.push_back(KernelChoice::kAvx2);
  if (runtime::probe_isa() >= runtime::Isa::kAvx512) choices.push_back(KernelChoice::kAvx512);
  return choices;
}

/// Whether at most one value of a thousand differs, and by no more than 1.
bool is_close(const Image& drawn, const Image& known, std::string* difference) {
  if (drawn.rgb.size() != known.rgb.size()) {
    *difference = "of another size";
    return false;
  }
  const image::ImageDifference found = image::difference_of(drawn, known);
  *difference = fmt::format("{} of {} values differ, by at most {}", found.values, drawn.rgb.size(),
                            found.largest);
  return found.largest <= 1 && found.values * 1000 <= drawn.rgb.size();
}

bool check(KernelChoice kernels) {
  const std::vector<Image> images = draw_known(kernels);
  bool right = true;
  for (size_t i = 0; i < images.size(); ++i) {
    std::string difference;
    const bool close =
        is_close(images[i], image::read_image(runtime::data_file(kKnown[i].file)), &difference);
    print(fmt::format("{:8} {:10} {}: {}\n", word_of(kernels),
                      fs::path(kKnown[i].file).stem().string(), close ? "right" : "WRONG",
                      difference));
    flush_output();
    right = right && close;
  }
  return right;
}

int write_known(const fs::path& folder) {
  catch_interrupts();
  const std::vector<Image> images = draw_known(KernelChoice::kAten);
  for (size_t i = 0; i < images.size(); ++i) {
    const fs::path path = folder / fs::path(kKnown[i].file).filename();
    if (image::write_png(path, images[i], {}) == image::WriteOutcome::kExists) {
      throw Error(ErrorKind::kFile, printable(path.string()) + " is already there",
                  "choose another folder");
    }
    print_path(path);
  }
  return 0;
}

/// The exit code of a process that found wrong pictures; no other end of the program has it.
constexpr int kWrongPictures = 99;

/// Waits for the process that checks the kernels. Its exit code; kWrongPictures, and a line that
/// says so, where a signal ended it: an instruction that the processor does not know, say.
int code_of(pid_t process, KernelChoice kernels) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  print(fmt::format("{:8} {:10} WRONG: ended by a signal: {}\n", word_of(kernels), "",
                    strsignal(WTERMSIG(status))));
  return kWrongPictures;
}

[[noreturn]] void throw_wrong(const std::vector<std::string>& right) {
  throw Error(ErrorKind::kDevice, "this machine does not draw the pictures that it should",
              right.empty()
                  ? "its memory, its processor or a library may be damaged; please report it"
                  : "please report it; these kernels are right here: " + join(right, ", ") +
                        ", as in --kernels " + right.back());
}

/// Each kind of kernel is checked by a process of its own, so that one that ends it is told, too.
/// (There is no other thread yet.)
int run_selftest(const std::string& folder) {
  if (!folder.empty()) return write_known(folder);
  const std::vector<KernelChoice> choices = choices_here();
  std::vector<std::string> right;
  for (const KernelChoice kernels : choices) {
    flush_output();
    const pid_t process = ::fork();
    if (process < 0) {
      throw Error(ErrorKind::kDevice, std::string("no process: ") + std::strerror(errno),
                  "end some of the running processes");
    }
    if (process == 0) {
      catch_interrupts();
      return check(kernels) ? 0 : kWrongPictures;
    }
    const int code = code_of(process, kernels);
    if (code == 0) right.push_back(word_of(kernels));
    if (code != 0 && code != kWrongPictures) return code;  // the process has said why
  }
  if (right.size() < choices.size()) throw_wrong(right);
  return 0;
}

}  // namespace

void add_selftest_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand(
      "selftest", "draw known pictures with each kind of kernel, and say whether they are right");
  auto folder = std::make_shared<std::string>();
  command->add_option("--write", *folder, "write the pictures into this folder instead")
      ->type_name("DIR");
  command->callback([=] { *run = [=] { return run_selftest(*folder); }; });
}

}  // namespace sd::cli
