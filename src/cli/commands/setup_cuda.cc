#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/log.h"
#include "base/output.h"
#include "cli/commands/commands.h"
#include "runtime/cuda_library.h"
#include "runtime/data_files.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

namespace fs = std::filesystem;

/// Runs the script that comes with the program in place of this process.
int run_setup_cuda(const std::string& site) {
  const std::string script = runtime::data_file("packaging/setup-cuda").string();
  const std::string pins =
      runtime::data_file("third_party/requirements.txt").parent_path().string();
  const std::string libraries = runtime::torch_folder().string();
  notice("libraries go to " + libraries);
  flush_output();
  ::execl("/bin/sh", "sh", script.c_str(), libraries.c_str(), pins.c_str(), site.c_str(), nullptr);
  throw Error(ErrorKind::kFile, std::string("/bin/sh cannot be started: ") + std::strerror(errno),
              "run " + script + " by hand");
}

}  // namespace

void add_setup_cuda_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand(
      "setup-cuda", "fetch what an NVIDIA card needs, by pip, or link an installed torch's");
  auto site = std::make_shared<std::string>();
  command
      ->add_option("--from", *site,
                   "link the libraries of the torch in this folder of Python packages instead")
      ->type_name("DIR");
  command->callback([=] { *run = [=] { return run_setup_cuda(*site); }; });
}

}  // namespace sd::cli
