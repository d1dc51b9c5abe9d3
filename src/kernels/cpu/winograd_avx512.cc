#define SD_ISA avx512
#include "kernels/cpu/winograd_body.h"

namespace sd::cpu::winograd {
const Steps kStepsAvx512 = avx512::kSteps;
}
