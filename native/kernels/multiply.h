#pragma once
#include "../graph/weight.h"

namespace lvm {

using torch::Tensor;

// Libraries that multiply float32 matrices on the CPU. The faster one differs between processors, by up to a factor of two, and
// does not follow from the processor's name. It is measured once, recorded in the run and reused.
enum class Multiplier { aten, onednn };
void set_multiplier(Multiplier kind);  // for this thread
// Milliseconds of a typical product with each library, at the current thread count.
struct MultiplierTimes {
  double aten, onednn;
};
MultiplierTimes time_multipliers();
// Milliseconds of a layer's three products with a library: y = x Wᵀ, dX = dY W, dW = dYᵀ X.
// Shapes: x [rows, in], weight [out, in]
struct ProductTimes {
  double forward, dx, dw;
};
ProductTimes time_products(Multiplier kind, int64_t rows, int64_t out, int64_t in, torch::Dtype dtype);

// y = x Wᵀ + b. Every product with a weight calls this function. Under autocast both factors and y are bfloat16.
// Shapes: x [..., in], weight [out, in], bias [out] or undefined -> [..., out]
Tensor multiply(const Tensor& x, const Matrix& weight, const Tensor& bias);

// q = a W₁ᵀ + b₁ and kv = m W₂ᵀ + b₂, with W₁ the first rows of a divided weight and W₂ the rest.
// Shapes: a [..., in], m [..., in], weight [out, in], bias [out] -> [..., first], [..., out − first]
std::pair<Tensor, Tensor> multiply_split(const Tensor& a, const Tensor& m, const Matrix& weight, const Tensor& bias);

// x Wᵀ + b without gradients, for kernels that compute their own. A few rows are multiplied by few-rows.h.
// Shapes: x [n, in], weight [out, in], both may be strided
Tensor product(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
// The same with a given library; set_multiplier has no effect on it.
Tensor product_by(Multiplier kind, const Tensor& x, const Tensor& weight, const Tensor& bias = {});
// x Wᵀ + b with a packed weight, for inference.
// Shapes: x [..., in], bias [out] or undefined -> [..., out]
Tensor product(const Tensor& x, const Packed& weight, const Tensor& bias = {});

// Whether autocast computes products in bfloat16 on this device; and a tensor in the dtype of such a product.
bool bf16_products(torch::Device device);
Tensor as_factor(const Tensor& x);

}  // namespace lvm
