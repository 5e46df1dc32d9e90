#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// σ(gate) · x, by element.
Tensor gated(const Tensor& gate, const Tensor& x);

// relu(x)², of which the result alone is kept: a product after it keeps that anyway.
Tensor squared_relu(const Tensor& x);

}  // namespace lvm
