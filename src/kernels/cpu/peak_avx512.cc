#define SD_ISA avx512
#include "kernels/cpu/peak_body.h"

namespace sd::kernels::cpu {
const Peak kPeakAvx512 = avx512::kPeak;
}
