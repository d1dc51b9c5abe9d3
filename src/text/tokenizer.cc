#include "text/tokenizer.h"

#include <fmt/core.h>

#include "base/strings.h"
#include "sd/error.h"
#include "text/unicode.h"

namespace sd::text {

// How many bytes before the fault a message quotes.
constexpr size_t kContext = 40;

void check_prompt(std::string_view utf8) {
  for (size_t i = 0; i < utf8.size();) {
    char32_t c = 0;
    if (read_utf8(utf8, i, c)) continue;
    size_t shown = i > kContext ? i - kContext : 0;
    while ((static_cast<unsigned char>(utf8[shown]) & 0xC0) == 0x80 && shown < i) ++shown;
    throw Error(ErrorKind::kUsage,
                fmt::format("the prompt is not UTF-8 text: byte {} is 0x{:02X}, after \"{}{}\"",
                            i + 1, static_cast<unsigned char>(utf8[i]), shown > 0 ? "…" : "",
                            printable(utf8.substr(shown, i - shown))),
                "give the prompt in UTF-8, for example through iconv -f latin1 -t utf-8");
  }
}

}  // namespace sd::text
