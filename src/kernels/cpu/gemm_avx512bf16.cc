#define SD_ISA avx512bf16
#include "kernels/cpu/gemm_body.h"
