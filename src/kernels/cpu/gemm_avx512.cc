#define SD_ISA avx512
#include "kernels/cpu/gemm_body.h"
