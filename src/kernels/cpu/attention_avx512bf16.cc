#define SD_ISA avx512bf16
#include "kernels/cpu/attention_body.h"
