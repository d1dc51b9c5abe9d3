#include <memory>

#include "base/new_file.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/command_page.h"
#include "cli/commands/commands.h"
#include "cli/completion.h"
#include "cli/man_page.h"
#include "sd/error.h"

// What is made of all commands: completions and manual pages.

namespace sd::cli {
namespace {

namespace fs = std::filesystem;

/// All manual pages into a folder.
int write_man_pages(const CommandPage& program, const fs::path& folder) {
  fs::create_directories(folder);
  const auto write = [&](const CommandPage& page) {
    const fs::path path = folder / (man_name(page) + ".1");
    write_over(path, man_page(page, program));
    print_path(path);
  };
  write(program);
  for (const CommandPage& command : program.commands) write(command);
  return 0;
}

int print_man_page(const CommandPage& program, const std::string& name) {
  std::vector<std::string> names = {man_name(program)};
  if (name == names.front()) return print(man_page(program, program)), 0;
  for (const CommandPage& command : program.commands) {
    names.push_back(command.name);
    if (name != command.name && name != man_name(command)) continue;
    print(man_page(command, program));
    return 0;
  }
  throw Error(ErrorKind::kUsage, "no manual page " + printable(name, 60),
              "pages: " + join(names, ", "));
}

struct ManFlags {
  std::string page = "sd";
  std::string outdir;
};

}  // namespace

void add_completion_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand(
      "completion", "print a script with which a shell completes commands, flags and values");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "the shell")
      ->required()
      ->type_name(join(completion_shells(), "|"));
  command->footer(
      "sd completion bash > ~/.local/share/bash-completion/completions/sd\n"
      "# with fpath+=(~/.zfunc) before compinit:\n"
      "sd completion zsh > ~/.zfunc/_sd\n"
      "sd completion fish > ~/.config/fish/completions/sd.fish");
  command->callback([=] {
    *run = [=] {
      print(completion_script(page_of(*program), *shell));
      return 0;
    };
  });
}

void add_man_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand("man", "print a manual page");
  auto flags = std::make_shared<ManFlags>();
  command->add_option("PAGE", flags->page, "sd, or a command")->type_name("PAGE");
  command->add_option("--outdir", flags->outdir, "write all pages into this folder instead")
      ->type_name("DIR");
  command->footer("sd man txt2img | man -l -");
  command->callback([=] {
    *run = [=] {
      const CommandPage page = page_of(*program);
      if (!flags->outdir.empty()) return write_man_pages(page, flags->outdir);
      return print_man_page(page, flags->page);
    };
  });
}

}  // namespace sd::cli
