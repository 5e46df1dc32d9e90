#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// Whether few_rows_product applies: float32 on the CPU, up to 8 rows. Such products are bound by reading W, which libraries copy
// first.
bool few_rows(const Tensor& x, const Tensor& weight);

// x Wᵀ + bias. Reads W once, in its own layout.
// Shapes: x [n, in], weight [out, in] -> [n, out]
Tensor few_rows_product(const Tensor& x, const Tensor& weight, const Tensor& bias);

}  // namespace lvm
