// Stands in for libFuzzer where the compiler has none: runs a fuzz target once on each file that is
// named, and on each file in the folders that are named.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

void run(const fs::path& path) {
  std::printf("%s\n", path.c_str());
  std::fflush(stdout);  // the last name printed is the input that crashed
  std::ifstream file(path, std::ios::binary);
  // As large as the input: a sanitizer sees a read behind its end.
  const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  size_t inputs = 0;
  for (int k = 1; k < argc; ++k) {
    std::vector<fs::path> paths = {argv[k]};
    if (fs::is_directory(paths[0])) {
      const fs::recursive_directory_iterator all(paths[0]);
      paths.assign(begin(all), end(all));
    }
    for (const fs::path& path : paths) {
      if (!fs::is_regular_file(path)) continue;
      run(path);
      ++inputs;
    }
  }
  std::printf("%zu inputs\n", inputs);
  return inputs > 0 ? 0 : 1;
}
