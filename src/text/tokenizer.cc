#include "text/tokenizer.h"

#include "base/strings.h"
#include "sd/error.h"
#include "text/unicode.h"

namespace sd {

void check_prompt(std::string_view utf8) {
  for (size_t i = 0; i < utf8.size();) {
    char32_t c = 0;
    if (read_utf8(utf8, i, c)) continue;
    throw Error(ErrorKind::kUsage,
                format("the prompt is not UTF-8 text: byte %zu is 0x%02X, after \"%s\"", i + 1,
                       static_cast<unsigned>(static_cast<unsigned char>(utf8[i])),
                       printable(utf8.substr(0, i), 40).c_str()),
                "give the prompt in UTF-8, for example through iconv -f latin1 -t utf-8");
  }
}

}  // namespace sd
