#pragma once

#include <CLI/CLI.hpp>

#include <functional>

// Each command adds itself to the program and sets `*run` to what it does once the flags are read;
// the function returns the exit code.

namespace sd::cli {

using RunFn = std::function<int()>;

void add_txt2img_command(CLI::App* program, RunFn* run);
void add_img2img_command(CLI::App* program, RunFn* run);
void add_show_command(CLI::App* program, RunFn* run);
void add_replay_command(CLI::App* program, RunFn* run);
void add_watermark_command(CLI::App* program, RunFn* run);
void add_tokenize_command(CLI::App* program, RunFn* run);
void add_inspect_command(CLI::App* program, RunFn* run);
void add_plan_command(CLI::App* program, RunFn* run);
void add_convert_command(CLI::App* program, RunFn* run);
void add_devices_command(CLI::App* program, RunFn* run);
void add_samplers_command(CLI::App* program, RunFn* run);
void add_job_command(CLI::App* program, RunFn* run);
void add_random_checkpoint_command(CLI::App* program, RunFn* run);
void add_settings_command(CLI::App* program, RunFn* run);
void add_completion_command(CLI::App* program, RunFn* run);
void add_man_command(CLI::App* program, RunFn* run);
void add_selftest_command(CLI::App* program, RunFn* run);
void add_setup_cuda_command(CLI::App* program, RunFn* run);

}  // namespace sd::cli
