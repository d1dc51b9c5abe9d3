#define SD_ISA avx2
#include "kernels/cpu/peak_body.h"

namespace sd::kernels::cpu {
const Peak kPeakAvx2 = avx2::kPeak;
}
