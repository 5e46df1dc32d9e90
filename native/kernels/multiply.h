#pragma once
#include "../graph/weight.h"

namespace lvm {

using torch::Tensor;

// Which library multiplies float32 matrices on the CPU. Which one is faster differs between processors by a factor of two,
// and no name tells: it is measured once, recorded in the run and used again.
enum class Multiplier { aten, onednn };
void set_multiplier(Multiplier kind);  // of this thread
// Milliseconds of a typical product with each, for this thread count.
struct MultiplierTimes {
  double aten, onednn;
};
MultiplierTimes time_multipliers();

// y = x Wᵀ + b: every product with a weight goes through here, so that faster kernels have one door.
// Under autocast both factors are bfloat16, and so is y.
// Shapes: x [..., in], weight [out, in], bias [out] or undefined -> [..., out]
Tensor multiply(const Tensor& x, const Matrix& weight, const Tensor& bias);

// q = a W₁ᵀ + b₁ and kv = m W₂ᵀ + b₂ for the first rows of a divided weight and the rest.
// Shapes: a [..., in], m [..., in], weight [out, in], bias [out] -> [..., first], [..., out − first]
std::pair<Tensor, Tensor> multiply_split(const Tensor& a, const Tensor& m, const Matrix& weight, const Tensor& bias);

// The same product without gradients, for kernels that bring their own; few rows go through a kernel of ours (few-rows.h).
// Shapes: x [n, in] or strided, weight [out, in] or strided
Tensor product(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
// … by the library that is named, for results that do not depend on it.
Tensor product_by(Multiplier kind, const Tensor& x, const Tensor& weight, const Tensor& bias = {});
// x Wᵀ + b with a packed weight, for inference. Shapes: x [..., in], bias [out] or undefined -> [..., out]
Tensor product(const Tensor& x, const Packed& weight, const Tensor& bias = {});

// Whether products on this device are taken in bfloat16 now, and a tensor as they want it.
bool bf16_products(torch::Device device);
Tensor as_factor(const Tensor& x);

}  // namespace lvm
