#define SD_ISA avx512
#include "kernels/cpu/attention_body.h"
