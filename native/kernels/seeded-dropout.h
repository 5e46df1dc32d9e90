#pragma once
#include "../graph/layer.h"

namespace lvm {

// x · mask / (1 − rate) while training, x otherwise. The mask is a pure function of (seed, step, call), so a resumed run drops
// the same elements.
Tensor dropout(const Tensor& x, double rate, Pass& pass);

// The mask, scaled by 1 / (1 − rate); float32, on the CPU.
Tensor dropout_mask(at::IntArrayRef shape, double rate, const Random& random);

}  // namespace lvm
