#pragma once

namespace lvm {

// Has the tensors of the processor come from an allocator of ours, for the whole process.
void allocate_by_ourselves();

// While one of these lives, large blocks that are freed wait for the next tensor of their size. A training step asks for the
// same blocks again and again: to give them back to the system each time costs a tenth of the step, which clears the new ones.
struct Recycling {
  Recycling();
  ~Recycling();
  Recycling(const Recycling&) = delete;
};

// Gives what is free back to the system, where the C library keeps it between blocks in use.
void give_back_free_memory();

}  // namespace lvm
