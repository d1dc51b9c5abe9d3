#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "job/job_folder.h"
#include "job/model_choice.h"
#include "job/prompt_file.h"
#include "job/setting_layers.h"
#include "sd/options.h"
#include "sd/settings.h"

namespace sd::job {

/// What job.json says: all that decides what the files of a job hold. `settings`: as they are used,
/// with nothing about the device left to be chosen. Reads the files of the model, and of the safety
/// checker where there is one, for their hashes.
nlohmann::json job_sheet(const Settings& settings, const ChosenModel& model,
                         const SafetyOptions& safety, const PromptFile& prompts);

/// The job.json of a folder. Throws Error(kFile) where there is none, or something else.
nlohmann::json read_job_sheet(const std::filesystem::path& folder);
/// Null where there is no such file, or it is empty.
nlohmann::json find_job_sheet(const std::filesystem::path& folder);

/// What settings files and variables chose when the job in the folder began; nothing where there is
/// none. Throws Error(kFile) for a sheet that is not as a run wrote it.
std::optional<SettingLayer> layer_of_job(const std::filesystem::path& folder, Script script);

/// Writes the sheet as the folder's job.json, or compares it with the one that is there. Throws
/// Error(kUsage) with what differs, a line each in `details`.
void join_job(const JobFolder& folder, const nlohmann::json& sheet);

/// What differs between two sheets: "seed: 42 in the job, 43 here".
std::vector<std::string> sheet_differences(const nlohmann::json& job, const nlohmann::json& here);

/// The settings with the device as this machine has it for the job in that folder: its kernels and
/// precision, where there is one and the command leaves the choice. Throws kDevice, naming what
/// this machine lacks.
Settings with_device_of_job(Settings settings);

/// What a job.json says, of what its readers need.
struct JobDescription {
  Settings settings;    ///< those that it holds; none of the machine, the model or the prompts
  std::string version;  ///< of the program that began the job
  std::string prompts_name;
  std::string prompts_sha256;
  int64_t lines = 1;  ///< of the prompt file
  int64_t pictures = 1;
};

/// Reads the sheet of a job in that folder. Throws Error(kFile), naming what cannot be read.
JobDescription describe_job(const std::filesystem::path& folder, const nlohmann::json& sheet);

}  // namespace sd::job
