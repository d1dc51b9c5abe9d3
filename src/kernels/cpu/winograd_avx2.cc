#define SD_ISA avx2
#include "kernels/cpu/winograd_body.h"

namespace sd::kernels::cpu::winograd {
const Steps kStepsAvx2 = avx2::kSteps;
}
