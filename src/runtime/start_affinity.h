#pragma once

namespace sd::runtime {

/// How many CPUs this process might use when it began. Later the mask of the first thread is no
/// measure: where OMP_PROC_BIND or GOMP_CPU_AFFINITY is set, OpenMP binds that thread to one CPU.
int cpus_at_start();

/// Lets the calling thread use all of them again. What a thread may use, its new threads may, too.
void use_cpus_of_start();

}  // namespace sd::runtime
