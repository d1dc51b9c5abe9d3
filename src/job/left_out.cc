#include "job/left_out.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "text/prompt_syntax.h"

namespace sd::job {
namespace {

std::string reason_of_use(const text::NetworkUse& use) {
  const std::string kind = printable(use.kind, 40);
  const std::string why = use.kind == "hypernet"
                              ? "hypernetworks are not supported"
                              : fmt::format("{} is not a kind of network; lora and lyco are", kind);
  return fmt::format("<{}:{}>: {}", kind, printable(use.name, 60), why);
}

}  // namespace

std::string left_out_of(const PictureSettings& picture) {
  std::vector<std::string> reasons;
  for (const std::string& prompt : {picture.prompt, picture.hires_prompt}) {
    for (const text::NetworkUse& use : text::parse_prompt(prompt, PromptSyntax::kWebUi).networks) {
      if (text::is_adapter(use)) continue;
      std::string reason = reason_of_use(use);
      if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) {
        reasons.push_back(std::move(reason));
      }
    }
  }
  return join(reasons, "; ");
}

}  // namespace sd::job
