#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "job/batch_plan.h"
#include "job/file_hash.h"
#include "job/lora_hash.h"
#include "job/model_choice.h"
#include "job/picture_record.h"
#include "job/sinks/sink_thread.h"
#include "models/model_source.h"
#include "sd/pipeline.h"

namespace sd::job {

/// Writes what says how each picture was drawn. What it is given must outlive it.
class Recorder {
 public:
  Recorder(const Settings& settings, const ChosenModel& model, SafetyMode safety_mode)
      : settings_(settings),
        model_(model),
        safety_mode_(safety_mode),
        checkpoint_hash_(models::main_file_of(model.paths)) {
    if (!model.paths.vae.empty()) vae_hash_.emplace(models::main_vae_file(model.paths.vae));
  }

  /// Begins to read the files of adapters that pictures are going to be drawn with.
  void expect(const std::vector<std::vector<LoraUse>>& sets);

  /// `pipeline`: what drew it. A job's record says nothing of the machine.
  PictureRecord record(const Request& request, const Picture& picture, const Pipeline& pipeline);

 private:
  const Settings& settings_;
  const ChosenModel& model_;
  SafetyMode safety_mode_;
  FileHash checkpoint_hash_;
  std::optional<FileHash> vae_hash_;
  LoraHashes lora_hashes_;
  std::map<std::string, std::string> embedding_hashes_;  // by file
  /// Of the init images that were used so far; it keeps none of them alive.
  std::map<std::weak_ptr<const Image>, std::string, std::owner_less<>> init_hashes_;
  std::map<std::weak_ptr<const Inpainting>, std::string, std::owner_less<>> mask_hashes_;
};

/// Told of a picture that is not let out, and why.
using RefusedFn = std::function<void(int64_t place, const std::string& reason)>;

/// Hands pictures to the sink, in the order that the user asked for them, or those of a job as they
/// come, for each has a name. Thread-safe.
class OrderedOutput {
 public:
  /// `recorder` is null when no record is wanted. `refused`: the run is a job.
  OrderedOutput(SinkThread* sink, Recorder* recorder, RefusedFn refused = nullptr)
      : sink_(sink), recorder_(recorder), refused_(std::move(refused)) {}

  /// `place`: among all pictures of the run, from 0.
  void add(int64_t place, const Request& request, Picture picture, const Pipeline& pipeline);
  /// No picture of that block follows.
  void end_block(int64_t block);

  /// Pictures that were drawn, and those of them that the sink was given: the safety checker may
  /// withhold some.
  int64_t count() const { return count_; }
  int64_t kept() const { return kept_; }

  /// Pictures that the safety checker failed on, and let not through.
  int64_t unchecked() const { return unchecked_; }

  /// Pictures that hold values that are not numbers, and what was probably the cause of the first.
  int64_t not_numbers() const { return not_numbers_; }
  const std::string& cause() const { return cause_; }

  /// Hands on what waits for a picture that will not come, and finishes the sink.
  void finish();

  /// Finishes it, or does nothing and is false if another thread is adding a picture for longer.
  bool finish_within(std::chrono::milliseconds patience);

 private:
  std::string why_refused(const Picture& picture) const;
  void say_safety(int64_t place, const SafetyOutcome& safety);
  void write_first();
  void finish_sink();

  std::timed_mutex mutex_;
  SinkThread* sink_;
  Recorder* recorder_;
  RefusedFn refused_;
  std::map<int64_t, FinishedPicture> waiting_;  // by place
  int64_t next_ = 0;
  std::atomic<int64_t> count_ = 0;
  std::atomic<int64_t> kept_ = 0;
  int64_t unchecked_ = 0;
  int64_t not_numbers_ = 0;
  std::string cause_;
};

}  // namespace sd::job
