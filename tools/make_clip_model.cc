// sd_make_clip_model MERGES.txt.gz OUT: writes CLIP's tokenizer model (src/text/clip_vocab.h).
// A step of the build; the program reads only what it writes.
#include <zlib.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include "sd/error.h"
#include "text/clip_vocab.h"

namespace {

std::string gunzip(const char* path) {
  gzFile file = gzopen(path, "rb");
  if (file == nullptr) {
    throw sd::Error(sd::ErrorKind::kFile, std::string("cannot open ") + path);
  }
  std::string text;
  char buffer[1 << 16];
  int count = 0;
  while ((count = gzread(file, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(count));
  }
  gzclose(file);
  if (count < 0) throw sd::Error(sd::ErrorKind::kFile, std::string("damaged gzip file: ") + path);
  return text;
}

/// Under another name first: an interrupted build leaves no half file.
void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::absolute(path).parent_path());
  const std::filesystem::path unfinished = path.string() + ".part";
  std::ofstream file(unfinished, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw sd::Error(sd::ErrorKind::kFile, "cannot write " + unfinished.string());
  std::filesystem::rename(unfinished, path);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fputs("usage: sd_make_clip_model MERGES.txt.gz OUT\n", stderr);
    return static_cast<int>(sd::ErrorKind::kUsage);
  }
  write_file(argv[2], sd::text::clip_sentencepiece_model(sd::text::clip_pieces(gunzip(argv[1]))));
  return 0;
} catch (const sd::Error& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return error.exit_code();
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return static_cast<int>(sd::ErrorKind::kInternal);
}
