#pragma once

#include <string>
#include <vector>

#include "job/setting_names.h"
#include "sd/request.h"
#include "sd/settings.h"

namespace sd::job {

/// Headings of the help page, in its order.
enum class SettingGroup {
  kPicture,
  kInpaint,
  kPrompts,
  kSampling,
  kHires,
  kModel,
  kOutput,
  kJob,
  kSafety,
  kDevice
};

/// Which of the scripts know a setting.
enum class Scripts { kBoth, kTxt2Img, kImg2Img };

/// Where a setting may be set.
enum class Settable {
  kCommand,  ///< on the command line
  kLine,     ///< in a line of a prompt file
  kBoth,
  kNowhere,  ///< it is worked out, and recorded
};

/// The least and the most that a number may be.
struct Limits {
  double least = 0;
  double most = -1;  ///< below `least`: no limits

  bool exist() const { return least <= most; }
};

/// About::decides of those that name the model's files.
inline constexpr const char* kModelFiles = "model";

/// What the table says of a setting besides its name and value. Texts are without dashes: "n_iter".
struct About {
  const char* flags = "";  ///< all spellings, the help page's first; n_iter stands for n-iter, too
  SettingGroup group = SettingGroup::kPicture;
  const char* help = "";
  const char* more = "";          ///< what README says after `help`
  const char* kind = "";          ///< such as FILE, where the type says too little
  const char* fallback = "";      ///< what the help page calls the default, where it is no constant
  const char* fallback_img = "";  ///< img2img's, where it is another
  Limits limits = {};
  Scripts scripts = Scripts::kBoth;
  Settable where = Settable::kCommand;
  const char* record = "";  ///< its place in a picture's JSON, a JSON pointer; empty: none
  bool required = false;    ///< a record without it is refused (those of the first release have it)
  bool sparse = false;      ///< recorded only where it is not the default
  bool local = false;       ///< no part of a job, whose files it does not change
  const char* a1111 = "";   ///< its name in the text that AUTOMATIC1111's web UI writes
  const char* decides = "";  ///< what it decides together with others: see LayeredSettings
  bool common = false;       ///< on the short help page
  std::vector<std::string> (*names)() = nullptr;  ///< what it may name, for a shell to complete
  const char* endings = "";                       ///< of files it names: "ckpt safetensors"
};

}  // namespace sd::job
