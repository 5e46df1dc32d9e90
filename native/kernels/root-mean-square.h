#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// x / √(mean(x²) + eps) · weight; weight may be undefined. Computes in float32 or float64.
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps);

}  // namespace lvm
