#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/output.h"
#include "cli/commands/commands.h"
#include "runtime/cuda_library.h"
#include "runtime/data_files.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

namespace fs = std::filesystem;

struct SetupOptions {
  std::string site;    ///< an installed torch whose libraries are linked; empty: they are fetched
  std::string folder;  ///< where they go; empty: beside LibTorch's CPU library
  bool yes = false;
};

/// Runs the script that comes with the program in place of this process.
int run_setup_cuda(const SetupOptions& options) {
  const std::string script = runtime::data_file("packaging/setup-cuda").string();
  const std::string pins =
      runtime::data_file("third_party/requirements.txt").parent_path().string();
  const std::string own = runtime::torch_folder().string();
  const std::string folder =
      options.folder.empty() ? own : fs::absolute(options.folder).lexically_normal().string();
  flush_output();
  ::execl("/bin/sh", "sh", script.c_str(), folder.c_str(), own.c_str(), pins.c_str(),
          options.yes ? "yes" : "ask", options.site.c_str(), nullptr);
  throw Error(ErrorKind::kFile, std::string("/bin/sh cannot be started: ") + std::strerror(errno),
              "run " + script + " by hand");
}

}  // namespace

void add_setup_cuda_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand(
      "setup-cuda",
      "download what an NVIDIA GPU needs, with pip, or link the libraries of an installed torch");
  auto options = std::make_shared<SetupOptions>();
  command
      ->add_option("--from", options->site,
                   "link the libraries of the torch in this folder of Python packages instead")
      ->type_name("DIR");
  command
      ->add_option("--to", options->folder,
                   "the folder for the libraries, which SD_CUDA_DIR must then name; default: "
                   "beside LibTorch's library")
      ->type_name("DIR");
  command->add_flag("--yes", options->yes, "download and write without asking");
  command->callback([=] { *run = [=] { return run_setup_cuda(*options); }; });
}

}  // namespace sd::cli
