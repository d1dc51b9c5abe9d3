#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "job/batch_plan.h"
#include "job/blocks.h"
#include "job/job_sheet.h"
#include "job/model_choice.h"
#include "job/picture_record.h"
#include "job/prompt_file.h"

namespace sd::job {

/// "steps: expected 20, found 30".
std::string difference_text(const std::string& name, const nlohmann::json& expected,
                            const nlohmann::json& found);

/// What is known of the model of a job without its weights: by `ckpt` and `config` of the settings,
/// where the one is given; else that of the model, or of a config, that comes with the program and
/// has the hash in the sheet; else nothing. Throws kUsage for a config that is not the job's, kFile
/// for a file that cannot be read.
std::optional<ChosenModel> find_model_of_job(const Settings& settings, const nlohmann::json& sheet);

/// Compares what records of a job's pictures say with what the lines of its prompt file ask for.
/// The lines are planned as the job plans them, a block at a time: only one block is held.
class LineCheck {
 public:
  using ParseFn = std::function<PromptLine(const std::string& text, int64_t number)>;

  /// `settings`: the job's, with the prompt file. What it is given must outlive it. Throws kUsage
  /// for settings that the model cannot serve.
  LineCheck(const Settings& settings, const ChosenModel& model, const PromptFile& prompts,
            ParseFn parse);

  /// What a picture's record says otherwise than its line, by place in the job: "line 3 of p.txt in
  /// seed: expected 7, found 8". Empty where it says the same, or the line cannot be planned here.
  std::string difference(int64_t place, const PictureRecord& record);

  /// Pictures that were not compared, and why the first of them was not.
  int64_t skipped() const { return skipped_; }
  const std::string& why_skipped() const { return why_skipped_; }

 private:
  struct Row {
    size_t batch = 0;
    int64_t row = 0;
  };
  struct Line {
    int64_t number = 0;
    std::string problem;    // why it can be drawn nowhere
    std::string unplanned;  // why it cannot be planned here
  };

  void plan(int64_t block);
  void add(int64_t place, const PromptFile::Line& line);
  std::optional<Settings> expected(int64_t place, int64_t pass);
  void skip(const std::string& why);

  const Settings& settings_;
  const PromptFile& prompts_;
  ParseFn parse_;
  Blocks blocks_;
  BatchPlanner planner_;
  int64_t planned_ = -1;  // the block, of a pass
  std::vector<PlannedBatch> batches_;
  std::map<int64_t, Row> rows_;    // by place in a pass
  std::map<int64_t, Line> lines_;  // by place in a pass, too
  int64_t skipped_ = 0;
  std::string why_skipped_;
};

}  // namespace sd::job
