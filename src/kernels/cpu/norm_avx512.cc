#define SD_ISA avx512
#include "kernels/cpu/norm_body.h"

namespace sd::kernels::cpu::norm {
const Steps kStepsAvx512 = avx512::kSteps;
}
