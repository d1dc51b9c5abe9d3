#include "weights/formats/mistaken.h"

#include <algorithm>
#include <string>

#include "base/strings.h"
#include "base/text_file.h"
#include "sd/error.h"

namespace sd::weights {
namespace {

/// Files that are given for checkpoints by mistake, by their first bytes.
struct Mistaken {
  std::string_view begin;
  const char* what;
  const char* way;
};

constexpr Mistaken kMistaken[] = {
    {"version https://git-lfs", "a Git LFS pointer", "fetch the file itself with git lfs pull"},
    {"<", "a web page", "download the file itself; the site may want a login"},
    {"{", "a JSON text", "give the weights that it belongs to"},
    {"GGUF", "a GGUF file of stable-diffusion.cpp",
     "give the .safetensors file that it was made of"},
    {"\x08", "an ONNX model", "give the .ckpt or .safetensors file that it was made of"},
    {"\x89HDF", "an HDF5 file of Keras", "give the .ckpt or .safetensors file of the model"},
    {"\x1F\x8B", "a gzip archive", "unpack it, and give the file that was in it"},
    {"7z\xBC\xAF", "a 7z archive", "unpack it, and give the file that was in it"},
    {"Rar!", "a RAR archive", "unpack it, and give the file that was in it"},
    {"\x89PNG", "a picture", "give the model that drew it"},
    {"\x80", "a pickle that torch did not write",
     "save the weights with torch.save or safetensors"},
};

/// The most bytes of what a server answers in place of a file.
constexpr size_t kMostOfAnswer = 4096;

/// The file's beginning without the white space, or the mark of UTF-8, that a text may begin with.
std::string_view trimmed(std::string_view file) {
  file = file.substr(0, kMostOfAnswer);
  if (file.starts_with(kByteOrderMark)) file.remove_prefix(kByteOrderMark.size());
  return file.substr(std::min(file.find_first_not_of(" \t\r\n"), file.size()));
}

/// A short text in place of a file is what a server answered: "Entry not found".
bool is_answer(std::string_view file) {
  return file.size() <= kMostOfAnswer && std::all_of(file.begin(), file.end(), [](char c) {
           return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
         });
}

}  // namespace

void refuse_mistaken(std::string_view file) {
  const std::string expected =
      "expected a .ckpt that torch.save wrote or a .safetensors file, found ";
  const std::string_view text = trimmed(file);
  for (const Mistaken& one : kMistaken) {
    if (!text.starts_with(one.begin)) continue;
    throw Error(ErrorKind::kCheckpoint, expected + one.what, one.way);
  }
  if (is_answer(file)) {
    throw Error(ErrorKind::kCheckpoint, expected + "the text \"" + printable(text, 60) + "\"",
                "download the file itself; the site may want a login");
  }
  const std::string begin = printable(file.substr(0, 8), 40);
  throw Error(ErrorKind::kCheckpoint, expected + "\"" + begin + "\" at its beginning",
              "check that the download is complete");
}

}  // namespace sd::weights
