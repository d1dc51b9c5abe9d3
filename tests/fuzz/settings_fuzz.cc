// A settings file, such as another's ./sd.toml: what is wrong with it is told, and no key that such
// a file may not set comes out of it.
#include "cli/settings_file.h"
#include "support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  sd::test::expect_error_kinds({sd::ErrorKind::kUsage}, [&] {
    const auto file =
        sd::cli::parse_settings(text, "sd.toml", sd::Script::kTxt2Img, sd::cli::Trust::kProject);
    for (const auto& value : file.layer.values) {
      const auto group = value.setting->about.group;
      sd::test::require(group != sd::job::SettingGroup::kSafety &&
                            group != sd::job::SettingGroup::kOutput &&
                            value.setting->kind != "FILE",
                        "a key that the file may not set");
    }
  });
  return 0;
}
