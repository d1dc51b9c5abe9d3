#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace sd::test {

/// What a command of the shell prints to its standard output; its exit status in `*status`.
inline std::string printed_by(const std::string& command, int* status = nullptr) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  while (const size_t count = fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), count);
  }
  const int ended = pclose(pipe);
  if (status != nullptr) *status = ended;
  return output;
}

}  // namespace sd::test
