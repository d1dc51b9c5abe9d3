#define SD_ISA avx2
#include "kernels/cpu/gemm_body.h"
