// Any bytes are a JSON tree that can be copied and written, or none.
#include <string_view>

#include "base/json.h"
#include "support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = sd::parse_json({reinterpret_cast<const char*>(data), size});
  if (parsed.is_discarded()) return 0;
  const nlohmann::json copy = parsed;
  using Handler = nlohmann::json::error_handler_t;
  const std::string text = copy.dump(-1, ' ', false, Handler::replace);
  sd::test::require(!text.empty(), "a tree without a text");
  return 0;
}
