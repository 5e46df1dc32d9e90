#pragma once
#include "ssd.h"

namespace lvm {

// Whether ssd_step applies: one position of float32 numbers on the CPU, without gradients.
bool is_single_step(const Tensor& x);

// ssd() for one position. Reads and writes each state once, where the general form makes several copies of it; a row of the
// result does not depend on the other rows. Shapes: those of ssd() with time 1
SsdResult ssd_step(const Tensor& x, const Tensor& dt, const Tensor& log_decay, const Tensor& b, const Tensor& c,
                   const Tensor& start);

}  // namespace lvm
