#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// x / 2 · (1 + tanh(√(2/π) (x + .044715 x³))), for inference in float32 on the CPU with our own vectorised tanh; libtorch's
// otherwise.
// Shapes: any -> the same
Tensor tanh_gelu(const Tensor& x);

}  // namespace lvm
