#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// σ(gate) · x, elementwise.
Tensor gated(const Tensor& gate, const Tensor& x);

// relu(x)². Keeps only its result for the backward pass, which the product after it keeps as well.
Tensor squared_relu(const Tensor& x);

}  // namespace lvm
