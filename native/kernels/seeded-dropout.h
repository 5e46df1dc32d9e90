#pragma once
#include "../graph/layer.h"

namespace lvm {

// x · mask / (1 − rate) while training, x otherwise. The mask is a pure function of (seed, step, call), so a resumed run drops
// the same elements. Dimension `batch` of x has the contexts.
Tensor dropout(const Tensor& x, double rate, Pass& pass, int64_t batch = 0);

// The mask, scaled by 1 / (1 − rate); float32, on the CPU. For a part of a batch it is that part of the batch's mask.
Tensor dropout_mask(at::IntArrayRef shape, double rate, const Random& random, int64_t batch = 0);

}  // namespace lvm
