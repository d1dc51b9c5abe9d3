#define SD_ISA avx512
#include "kernels/cpu/winograd_body.h"

namespace sd::kernels::cpu::winograd {
const Steps kStepsAvx512 = avx512::kSteps;
}
