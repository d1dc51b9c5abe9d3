#include "job/options.h"

namespace sd {

const char* default_outdir(const RunOptions& options) {
  if (options.script == Script::kImg2Img) return "outputs/img2img-samples";
  return options.laion400m ? "outputs/txt2img-samples-laion400m" : "outputs/txt2img-samples";
}

}  // namespace sd
