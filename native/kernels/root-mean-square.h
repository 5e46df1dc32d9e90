#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// x / √(mean(x²) + eps) · weight, or without a weight; computed in float32 or better.
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps);

}  // namespace lvm
