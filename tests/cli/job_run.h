#pragma once

#include <map>

#include "cli/small_model.h"

namespace sd::test {

/// Jobs of the small model, by default of ten lines in batches of two, a block each.
class JobRun : public SmallModel {
 protected:
  void SetUp() override {
    SmallModel::SetUp();
    write_prompts(10);
  }
  void write_prompts(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "prompt " + std::to_string(i) + "\n";
    out_.write("prompts.txt", text);
  }

  Words words(const std::string& folder, const Words& more = {}) const {
    Words all = job_arguments(folder, {"--steps", "2", "--n_samples", "2", "--block", "1"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished draw(const std::string& folder, const Words& more = {}) const {
    return run_here(words(folder, more));
  }
  Finished job(const std::string& part, const std::string& folder, const Words& more = {}) const {
    Words all = {"job", part, folder};
    all.insert(all.end(), more.begin(), more.end());
    return run_here(all);
  }

  /// Relative path → bytes.
  std::map<std::string, std::string> files(const std::string& folder) const {
    std::map<std::string, std::string> all;
    const std::filesystem::path base = out_ / folder;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(base)) {
      if (entry.is_regular_file()) {
        all[entry.path().lexically_relative(base).string()] = read_file(entry.path());
      }
    }
    return all;
  }
  static Words names(const std::map<std::string, std::string>& files) {
    Words all;
    for (const auto& [name, bytes] : files) all.push_back(name);
    return all;
  }
};

}  // namespace sd::test
