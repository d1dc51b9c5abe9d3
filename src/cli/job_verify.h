#pragma once

#include <string>

namespace sd::cli {

/// What sd job verify is given. Empty: not given.
struct VerifyOptions {
  std::string folder;  ///< the job's
  std::string prompts;
  std::string ckpt;
  std::string config;
  bool json = false;
};

/// Reads every file of a job, compares its record with job.json and, where the prompt file is at
/// hand, with its line, and prints its SHA-256 as sha256sum does, or what is wrong with it. Returns
/// 0; throws Error(kFile) where a file is not sound, kUsage for a prompt file that is not the
/// job's.
int verify_job(const VerifyOptions& options);

}  // namespace sd::cli
