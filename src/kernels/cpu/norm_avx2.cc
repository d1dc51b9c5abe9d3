#define SD_ISA avx2
#include "kernels/cpu/norm_body.h"

namespace sd::kernels::cpu::norm {
const Steps kStepsAvx2 = avx2::kSteps;
}
