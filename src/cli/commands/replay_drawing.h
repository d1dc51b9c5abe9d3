#pragma once

#include <map>
#include <optional>
#include <string>

#include "cli/commands/replay_inputs.h"
#include "cli/commands/replay_networks.h"
#include "sd/pipeline.h"

namespace sd::cli {

/// Draws pictures again; keeps the model from one to the next.
class Replayer {
 public:
  explicit Replayer(const ReplayOptions& options) : options_(options), networks_(options) {}

  /// The record gets the hash of the model that drew it. `file`: the picture's. Throws as
  /// `find_model`, `check_model`, `NetworkFinder::find` and `say_differences`.
  Image replay(const std::string& file, ReplayInput* input);

  /// The picture that was replayed last, with the draws that its record has now.
  Image draw(const job::PictureRecord& record) const;

 private:
  void prepare(const std::string& file, ReplayInput* input);
  void load_pipeline(const job::ChosenModel& model, const job::PictureRecord& record,
                     const std::map<std::string, std::string>& embeddings);

  const ReplayOptions& options_;
  NetworkFinder networks_;
  std::optional<Pipeline> pipeline_;
  std::string key_;      // of the pipeline
  BatchSettings batch_;  // of the last picture
};

}  // namespace sd::cli
