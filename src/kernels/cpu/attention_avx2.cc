#define SD_ISA avx2
#include "kernels/cpu/attention_body.h"
