#include "runtime/libtorch_log.h"

#include <c10/util/Logging.h>

#include <algorithm>
#include <cstdlib>

namespace sd::runtime {

void silence_libtorch_warnings() {
  if (std::getenv("TORCH_CPP_LOG_LEVEL") != nullptr) return;
  FLAGS_caffe2_log_level = std::max(FLAGS_caffe2_log_level, int{c10::GLOG_ERROR});
}

}  // namespace sd::runtime
