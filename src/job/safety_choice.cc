#include "job/safety_choice.h"

#include <filesystem>

#include "base/log.h"
#include "base/strings.h"
#include "safety/safety_checker.h"
#include "sd/error.h"

namespace sd::job {

SafetyOptions choose_safety(const Settings& options) {
  if (options.safety == SafetyMode::kOff) {
    notice("safety: pictures are not checked (`safety` off)");
    return {};
  }
  std::error_code ignored;
  std::string checkpoint =
      options.safety_ckpt.empty() ? safety::find_safety_checkpoint().string() : options.safety_ckpt;
  if (std::filesystem::is_directory(checkpoint, ignored)) {
    const std::filesystem::path found = safety::safety_weights_in(checkpoint);
    if (found.empty()) {
      throw Error(ErrorKind::kFile,
                  printable(checkpoint) +
                      ": expected model.safetensors or pytorch_model.bin in the folder, found none",
                  "give the folder of the safety checker, or the file of its weights");
    }
    checkpoint = found.string();
  }
  if (!checkpoint.empty() && std::filesystem::exists(checkpoint, ignored)) {
    return {options.safety.value_or(SafetyMode::kBlack), checkpoint};
  }
  if (!options.safety && checkpoint.empty()) {
    notice("safety: pictures are not checked (no checker at models/safety_checker)");
    return {};
  }
  throw Error(ErrorKind::kFile,
              (options.safety_ckpt.empty() && !checkpoint.empty()
                   ? "the safety checker cannot be reached at "
                   : "there is no safety checker at ") +
                  printable(checkpoint.empty() ? "models/safety_checker" : checkpoint),
              "put its model.safetensors or pytorch_model.bin there, or name it with "
              "`safety_ckpt`; `safety` off draws without");
}

}  // namespace sd::job
