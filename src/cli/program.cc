#include "cli/program.h"

#include <csignal>
#include <exception>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/output.h"
#include "base/split.h"
#include "base/strings.h"
#include "base/version.h"
#include "cli/did_you_mean.h"
#include "cli/error_of.h"
#include "cli/flag_group.h"
#include "cli/flag_names.h"
#include "cli/flags.h"
#include "cli/help_page.h"
#include "cli/whole_words.h"
#include "runtime/cuda_library.h"
#include "runtime/libtorch_log.h"
#include "runtime/mapped_file.h"
#include "runtime/openmp.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

int report(ErrorKind kind, const std::string& message, const std::string& hint) {
  complain("error: " + message);
  if (!hint.empty()) complain("hint: " + hint);
  return static_cast<int>(kind);
}

std::string version_text(const CLI::App& program) {
  if (program.count("--json") == 0) return program_version();
  const nlohmann::json version = {
      {"version", program_version()}, {"commit", program_commit()}, {"torch", torch_version()}};
  return version.dump();
}

}  // namespace

void add_commands(CLI::App* program, RunFn* run) {
  program->formatter(help_formatter());
  program->set_version_flag(
      "--version", [program] { return version_text(*program); }, "show the version");
  program->add_flag_function(
      "--json", [](int64_t) {}, "with --version: as JSON, with the commit");
  program->require_subcommand(1);
  program->set_help_flag("-h,--help", "show the flags that people use most");  // inherited
  program->set_help_all_flag("--help-all", "show all flags");                  // by the commands
  add_verbosity_flags(program);
  add_txt2img_command(program, run);
  add_img2img_command(program, run);
  add_show_command(program, run);
  add_replay_command(program, run);
  add_watermark_command(program, run);
  add_inspect_command(program, run);
  add_tokenize_command(program, run);
  add_plan_command(program, run);
  add_convert_command(program, run);
  add_job_command(program, run);
  add_devices_command(program, run);
  add_samplers_command(program, run);
  add_random_checkpoint_command(program, run);
  add_settings_command(program, run);
  add_completion_command(program, run);
  add_man_command(program, run);
  add_selftest_command(program, run);
  add_setup_cuda_command(program, run);
  for (CLI::App* command : program->get_subcommands({})) {
    command->formatter(help_formatter());
    add_verbosity_flags(command);
  }
}

namespace {

/// Of the commands below `app`, too.
void check_words(CLI::App* app) {
  for (CLI::Option* option : app->get_options()) {
    require_name(option);
    option->transform(unmarked);
  }
  for (CLI::App* command : app->get_subcommands({})) check_words(command);
}

/// As CLI11 takes them: without the program's name, the last one first.
std::vector<std::string> marked_words(int argc, const char* const* argv) {
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) words.push_back(marked(argv[i]));
  return words;
}

int parse_and_run(int argc, const char* const* argv) {
  CLI::App program("draw pictures with Stable Diffusion v1 from a shell", "sd");
  RunFn run;
  add_commands(&program, &run);
  check_words(&program);
  try {
    program.parse(marked_words(argc, argv));
  } catch (const CLI::Success& asked_for_help) {
    std::ostringstream text;
    program.exit(asked_for_help, text);
    print(text.str());
    return 0;
  } catch (const CLI::ParseError& error) {
    const auto chosen = program.get_subcommands();
    const std::string name = chosen.empty() ? "sd" : "sd " + chosen.front()->get_name();
    std::string message(first_line(error.what()));  // which may go on with a list
    std::string hint = name + " --help lists the flags";
    if (!program.remaining(/*recurse=*/true).empty())
      message = unexpected_arguments(program, &hint);
    return report(ErrorKind::kUsage, message, hint);
  }
  runtime::require_same_torch();
  const int code = run();
  runtime::throw_if_cut();
  return code;
}

/// Tells what was thrown, and gives the exit code.
int report(const std::exception_ptr& thrown) {
  begin_wind_up();
  // Of a file that was cut while it was read, any error may come: that one says more.
  const auto damage = runtime::damage_of_mapped_files();
  const Error error = damage ? *damage : error_of(thrown);
  for (const std::string& line : error.details()) complain("  " + line);
  return report(error.kind(), error.what(), error.hint());
}

/// What `work` returns, or the exit code of what it throws, which is told.
int reporting_errors(const std::function<int()>& work) {
  try {
    return work();
  } catch (...) {
    return report(std::current_exception());
  }
}

}  // namespace

int run_program(int argc, const char* const* argv) {
  hold_standard_files();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not be so large is said where it is written
  runtime::limit_spinning();
  runtime::silence_libtorch_warnings();
  set_log_sink([](LogKind, const std::string& line) { write_line(with_flags(line)); });
  const int code = reporting_errors([&] { return parse_and_run(argc, argv); });
  if (code != 0) {
    flush_output();
    return code;
  }
  return reporting_errors(finish_output);
}

}  // namespace sd::cli
