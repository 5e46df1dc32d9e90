#pragma once

namespace lvm {

// Installs our allocator for CPU tensors, for the whole process.
void allocate_by_ourselves();

// While an instance lives, freed large blocks are cached for the next tensor of the same size. Training steps request the same
// sizes again and again, and clearing fresh pages from the system costs a tenth of the step.
struct Recycling {
  Recycling();
  ~Recycling();
  Recycling(const Recycling&) = delete;
};

// Returns free memory to the system where the C library keeps it (glibc).
void give_back_free_memory();

}  // namespace lvm
