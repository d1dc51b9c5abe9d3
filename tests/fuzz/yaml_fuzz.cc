// Any bytes are a model's config or an error that says why not.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "base/log.h"
#include "models/model_config.h"
#include "support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sd::set_verbosity(sd::Verbosity::kQuiet);
  const int file = ::memfd_create("config.yaml", MFD_CLOEXEC);
  sd::test::require(file >= 0 && ::write(file, data, size) == static_cast<ssize_t>(size));
  sd::test::expect_error_kinds({sd::ErrorKind::kCheckpoint}, [&] {
    sd::models::read_model_config("/proc/self/fd/" + std::to_string(file));
  });
  ::close(file);
  return 0;
}
