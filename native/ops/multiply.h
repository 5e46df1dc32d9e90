#pragma once
#include <torch/torch.h>

namespace lvm {

// y = x Wᵀ + b: every product with a weight goes through here, so that faster kernels have one door.
// Shapes: x [..., in], weight [out, in], bias [out] or undefined.
torch::Tensor multiply(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

}  // namespace lvm
