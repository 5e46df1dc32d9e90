#pragma once

namespace lvm {

// Installs our allocator for CPU tensors, for the whole process. It caches large blocks that were freed for the next tensor of
// nearly the same size: training steps and blocks of rows request the same sizes again and again, and clearing fresh pages from
// the system costs a tenth of a training step, and on a virtual machine a third of a fit.
void allocate_by_ourselves();

// Returns free memory to the system: the cached blocks, and what the C library keeps (glibc).
void give_back_free_memory();

}  // namespace lvm
