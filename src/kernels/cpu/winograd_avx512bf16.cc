#define SD_ISA avx512bf16
#include "kernels/cpu/winograd_body.h"

namespace sd::kernels::cpu::winograd {
const Steps kStepsAvx512Bf16 = avx512bf16::kSteps;
}
