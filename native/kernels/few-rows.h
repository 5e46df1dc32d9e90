#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// Whether the time of x Wᵀ goes into reading W, which libraries copy first: float32 on the CPU, up to 8 rows.
bool few_rows(const Tensor& x, const Tensor& weight);

// x Wᵀ + bias, which reads W once and as it lies. Shapes: x [n, in], weight [out, in] -> [n, out]
Tensor few_rows_product(const Tensor& x, const Tensor& weight, const Tensor& bias);

}  // namespace lvm
