#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "job/infotext.h"

namespace sd::job {

/// What the web UI (1.10.1) makes of a text that is pasted into it: an object of its fields, with
/// "Prompt", "Negative prompt", a size as "Size-1" and "Size-2", the defaults of what the text
/// leaves out, and what a text of an older version implies.
nlohmann::ordered_json pasted_fields(const InfoText& text);

/// Which of its settings that changes: a list of [field, setting, value].
nlohmann::ordered_json pasted_overrides(const nlohmann::ordered_json& fields);

/// A sampler and a schedule as the web UI calls them.
struct WebUiSampler {
  std::string sampler;
  std::string schedule;
  bool known = true;  ///< false: it took a name that it does not know for this sampler

  bool operator==(const WebUiSampler&) const = default;
};

/// What the web UI takes these names for: a schedule may stand at the end of the sampler's; a
/// sampler that it does not know is its first, DPM++ 2M, and a schedule Automatic. When it pastes,
/// a sampler's usual schedule is Automatic, too.
WebUiSampler webui_sampler(std::string sampler, const std::string& schedule, bool pastes);

}  // namespace sd::job
